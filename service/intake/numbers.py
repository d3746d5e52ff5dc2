"""Numbers that events bring: which ones several clients have, and whether suspiciously many alike came at once."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.alerts.record import alert
from service.intake.entry import Named
from service.pumping import HOUR, SPIKE, NumberCap, block_of, newly_over
from service.store.lanes import pause_sender
from service.store.numbers import Number, count_blocks, keep_texts, texts_to_people
from service.store.troubles import senders_of
from service.types import Json, Medium

log = logs.get(__name__)


async def watch_numbers(connection: AsyncConnection, new: Collection[Number], most: int, now: datetime) -> None:
    """Pause a clinic's texts, and tell its staff, where `most` new numbers of one block came within an hour.

    What was planned stays due until a person has looked and lets the sender go on.
    """
    added = Counter((clinic, block_of(number)) for clinic, number in new)
    counted = await count_blocks(connection, added, now, HOUR)
    for clinic in sorted({clinic for clinic, _ in newly_over(counted, added, most)}):
        log.warning("many new numbers", clinic=clinic)
        for sender in await senders_of(connection, clinic):
            if sender.medium == Medium.SMS:
                await pause_sender(connection, (clinic, sender.id), SPIKE, now)
                await alert(connection, clinic, SPIKE, sender.id, {"numbers": most}, now)


async def keep_count(connection: AsyncConnection, leaving: Collection[Named], cap: NumberCap, now: datetime) -> None:
    """What was texted to numbers counts on for them where clients give them up: their next owner's come on top.

    A command that does not know the house's secret keeps no count.
    """
    if leaving and cap.secret:
        since = now - cap.within
        await keep_texts(connection, await texts_to_people(connection, leaving, since), cap.veil, since)


def perhaps_shared(told: Mapping[Named, Json], earlier: Mapping[Named, Json], new: Collection[Number]) -> list[Number]:
    """Numbers that clients took on just now, and that somebody may have had before or took on with them."""
    taken_on = Counter(
        (key[0], client["phone"])
        for key, client in told.items()
        if client["phone"] and _has_new_phone(earlier[key], client)
    )
    return [number for number, clients in taken_on.items() if clients > 1 or number not in new]


def _has_new_phone(before: Json, after: Json) -> bool:
    """One who became known just now was inserted as the event describes them."""
    return bool(before["phone"] != after["phone"] or before["as_of_event"] == after["as_of_event"])
