"""Numbers that events bring: which ones several clients have, and whether suspiciously many alike came at once."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.alerts.record import alert
from service.pumping import HOUR, SPIKE, block_of, newly_over
from service.store.lanes import pause_sender
from service.store.numbers import Number, count_blocks
from service.store.troubles import senders_of
from service.types import Medium

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
