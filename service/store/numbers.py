"""What is asked of phone numbers beside their recipients: who shares them, what they were texted, how many came."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import insert_many
from service.store.dialect import among, insert
from service.store.due import WENT
from service.store.tables import Attempt, Client, Clinic, NumberBlock, NumberText, Recipient, Reminder, Sender, core
from service.types import Medium

ATTEMPT, BLOCK, CLIENT, CLINIC = core(Attempt), core(NumberBlock), core(Client), core(Clinic)
RECIPIENT, REMINDER, TEXT = core(Recipient), core(Reminder), core(NumberText)

Number = tuple[str, str]
"""(clinic, number)."""
Veil: TypeAlias = Callable[[str, str], str]
"""(clinic, number) -> the number's keyed digest."""

_LATEST: Final = timedelta(days=2)
"""What fell due longer ago than this before it was texted, is not found: nearly everything expires sooner."""


async def note_shared(connection: AsyncConnection, numbers: Collection[Number]) -> None:
    """Remember those of these numbers that several clients of a clinic have."""
    if not numbers:
        return
    held = (
        sa.select(CLIENT.c.clinic, CLIENT.c.phone)
        .where(among(connection, (CLIENT.c.clinic, CLIENT.c.phone), numbers))
        .group_by(CLIENT.c.clinic, CLIENT.c.phone)
        .having(sa.func.count() > 1)
    )
    shared = [(row.clinic, Medium.SMS.value, row.phone) for row in await connection.execute(held)]
    for clinic, medium, number in sorted(shared):
        named = (RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == medium, RECIPIENT.c.address == number)
        await connection.execute(RECIPIENT.update().where(*named, RECIPIENT.c.shared.is_(False)).values(shared=True))


class Text(NamedTuple):
    """A text that went to a number, or is on its way."""

    clinic: str
    number: str
    id: UUID
    """The reminder's, where it is of one."""
    at: datetime


async def texts_to(
    connection: AsyncConnection, always: Collection[Number], others: Collection[Number], veil: Veil, since: datetime
) -> tuple[set[Number], list[Text]]:
    """The numbers that are to be counted, and what was texted to each since, whoever had it then.

    `always` are counted anyway, `others` only where their present clients do not show all that went to them.
    """
    elsewhere = await _texts_elsewhere(connection, {*always, *others}, veil, since)
    counted = {*always, *((text.clinic, text.number) for text in elsewhere)}
    texts = [*elsewhere, *await _texts_to_clients(connection, counted, since)]
    return counted, list({text[:3]: text for text in texts}.values())


async def _texts_to_clients(
    connection: AsyncConnection, numbers: Collection[Number], since: datetime
) -> Sequence[Text]:
    """What went to these numbers as those of the clients who have them now."""
    if not numbers:
        return []
    theirs = among(connection, (CLIENT.c.clinic, CLIENT.c.phone), numbers)
    query = _texts(since).join(CLIENT, sa.and_(REMINDER.c.clinic == CLIENT.c.clinic, REMINDER.c.client == CLIENT.c.ref))
    rows = await connection.execute(query.where(theirs, ATTEMPT.c.recipient == CLIENT.c.phone))
    return [Text(*row) for row in rows]


_WITH_KEPT = sa.select(CLINIC.c.id).where(
    CLINIC.c.id.in_(sa.bindparam("named", expanding=True)), sa.exists().where(TEXT.c.clinic == CLINIC.c.id)
)
"""Asked at every start."""


async def _texts_elsewhere(
    connection: AsyncConnection, numbers: Collection[Number], veil: Veil, since: datetime
) -> Sequence[Text]:
    """What went to these numbers and is kept by their digests; few clinics have any."""
    named = sorted({clinic for clinic, _ in numbers})
    clinics = set(await connection.scalars(_WITH_KEPT, {"named": named})) if named else set()
    digests = {(clinic, veil(clinic, number)): number for clinic, number in numbers if clinic in clinics}
    if not digests:
        return []
    query = sa.select(TEXT).where(among(connection, (TEXT.c.clinic, TEXT.c.digest), digests), TEXT.c.at > since)
    rows = await connection.execute(query)
    return [Text(row.clinic, digests[row.clinic, row.digest], row.id, row.at) for row in rows]


async def texts_to_people(connection: AsyncConnection, clients: Collection[Number], since: datetime) -> Sequence[Text]:
    """What was texted to these (clinic, client), to whichever number."""
    if not clients:
        return []
    theirs = among(connection, (REMINDER.c.client, REMINDER.c.clinic), {(ref, clinic) for clinic, ref in clients})
    rows = await connection.execute(_texts(since).where(theirs, ATTEMPT.c.recipient != ""))
    return [Text(*row) for row in rows]


def _texts(since: datetime) -> sa.Select[Any]:
    return (
        sa.select(REMINDER.c.clinic, ATTEMPT.c.recipient, REMINDER.c.id, ATTEMPT.c.created_at)
        .join(ATTEMPT, sa.and_(ATTEMPT.c.reminder == REMINDER.c.id, ATTEMPT.c.clinic == REMINDER.c.clinic))
        .where(
            REMINDER.c.due_at > since - _LATEST,
            REMINDER.c.state.in_(WENT),
            ATTEMPT.c.medium == Medium.SMS.value,
            ATTEMPT.c.created_at > since,
        )
    )


async def keep_texts(connection: AsyncConnection, texts: Collection[Text], veil: Veil, since: datetime) -> None:
    """Keep these by their numbers' digests alone; what is too old to be counted goes."""
    rows = [
        {"clinic": text.clinic, "digest": veil(text.clinic, text.number), "id": text.id, "at": text.at}
        for text in sorted(texts)
    ]
    await insert_many(connection, TEXT, rows)
    if rows:
        clinics = sorted({text.clinic for text in texts})
        await connection.execute(TEXT.delete().where(TEXT.c.clinic.in_(clinics), TEXT.c.at <= since))


async def cap_sender(connection: AsyncConnection, lane: Number, a_day: int | None) -> None:
    """So many segments or letters a day from this (clinic, sender) at most; None: as many as the settings say."""
    table = core(Sender)
    await connection.execute(
        table.update().where(table.c.clinic == lane[0], table.c.id == lane[1]).values(daily_cap=a_day)
    )


async def count_blocks(
    connection: AsyncConnection, added: Mapping[tuple[str, str], int], now: datetime, within: timedelta
) -> dict[tuple[str, str], int]:
    """Count new numbers by (clinic, block); returns how many each block has got since its count began anew."""
    if not added:
        return {}
    rows = [
        {"clinic": clinic, "block": block, "since": now, "numbers": numbers}
        for (clinic, block), numbers in sorted(added.items())
    ]
    new = insert(connection, BLOCK).values(rows)
    over = BLOCK.c.since <= now - within
    counted = new.on_conflict_do_update(
        index_elements=[BLOCK.c.clinic, BLOCK.c.block],
        set_={
            "since": sa.case((over, new.excluded.since), else_=BLOCK.c.since),
            "numbers": sa.case((over, new.excluded.numbers), else_=BLOCK.c.numbers + new.excluded.numbers),
        },
    ).returning(BLOCK.c.clinic, BLOCK.c.block, BLOCK.c.numbers)
    return {(row.clinic, row.block): row.numbers for row in await connection.execute(counted)}
