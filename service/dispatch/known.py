"""What a start has to know about the reminders that it decides about, read within its transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.dispatch.caps import CapBook, Counts
from service.dispatch.judge import address_of
from service.pumping import NumberCap, Texts
from service.store.clinics import House, houses
from service.store.due import Address, consents_of, hold_addresses, sent_between
from service.store.numbers import Number, texts_to
from service.types import Cap, Medium, Quiet
from service.words import Words


@dataclass(frozen=True, slots=True)
class Known:
    """Clinics by id, recipients by address, consents by (clinic, client, medium, purpose), what clients got lately."""

    clinics: Mapping[str, House]
    recipients: Mapping[Address, Any]
    consents: Mapping[tuple[str, str, str, str], bool]
    counts: Counts


async def learn(
    connection: AsyncConnection,
    due: Sequence[Any],
    now: datetime,
    *,
    words: Words,
    caps: Mapping[str, Cap],
    number_cap: NumberCap,
) -> Known:
    """What there is to know, as it is now. The recipients are held before consents and what was sent are read."""
    clinics = await houses(connection, {row.clinic for row in due})
    await words.refresh(connection, clinics.values())
    recipients = await hold_addresses(connection, [held for row in due if (held := address_of(row))], now)
    consents = await consents_of(connection, due)
    book = CapBook(caps, clinics.values())
    return Known(clinics, recipients, consents, await _counts(connection, due, now, book, number_cap, recipients))


async def _counts(
    connection: AsyncConnection,
    due: Sequence[Any],
    now: datetime,
    caps: CapBook,
    number_cap: NumberCap,
    recipients: Mapping[Address, Any],
) -> Counts:
    capped = [(row, cap) for row in due if (cap := caps.cap_of(row))]
    longest = max((cap.within for _, cap in capped), default=timedelta())
    sent = await sent_between(connection, [row for row, _ in capped], now - longest, now)
    always = _numbers_to_count(due, recipients.values())
    numbers, texts = await texts_to(connection, always, _texted(due), number_cap.veil, now - number_cap.within)
    return Counts(caps, sent, Texts(number_cap, numbers, texts))


def _numbers_to_count(due: Iterable[Any], recipients: Iterable[Any]) -> set[Number]:
    """Those that no cap by purpose holds: several clients have them, or what goes there is not counted by purpose.

    Nearly no number is shared, and little may ignore quiet hours, so few starts ask for more.
    """
    shared = {(row.clinic, row.address) for row in recipients if row.shared}
    return shared | _texted(row for row in due if row.quiet == Quiet.IGNORE)


def _texted(due: Iterable[Any]) -> set[Number]:
    """The numbers that get a text, but for what has begun: that was counted then."""
    return {(row.clinic, row.phone) for row in due if row.medium == Medium.SMS and row.phone and not row.fence}
