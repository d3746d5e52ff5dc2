"""Forgetting by age, in small steps beside everything else a worker looks after."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.store.retention import add_marks, save_mark, sweep, take_mark
from service.store.session import Database

log = logs.get(__name__)

_ROWS: Final = 500
"""Looked at in one transaction, which is over in milliseconds."""
_STEPS: Final = 20
"""Transactions in one round; rounds are half a minute apart."""
_AGAIN: Final = timedelta(days=1)
"""After how long what was forgotten to the end is looked at again."""
_COUNTED: Final = timedelta(days=1)
"""Numbers are counted within an hour or a day."""


@dataclass(frozen=True, slots=True)
class Ages:
    """How long each kind is kept, by what `store.retention` calls it."""

    messages: timedelta = timedelta(days=180)
    receipts: timedelta = timedelta(days=400)
    replies: timedelta = timedelta(days=365)
    events: timedelta = timedelta(days=180)
    notes: timedelta = timedelta(days=400)
    audit: timedelta = timedelta(days=730)

    def by_kind(self) -> dict[str, timedelta]:
        return {
            "messages": self.messages, "receipts": self.receipts, "replies": self.replies, "events": self.events,
            "notes": self.notes, "audit": self.audit,
            "addresses": self.events,  # nobody is known by one any more once the events that told it are gone
            "number_blocks": _COUNTED, "number_texts": _COUNTED,
        }  # fmt: skip


class Retention:
    """One worker's rounds; several workers share the work, a clinic's kind at a time."""

    def __init__(self, database: Database, ages: Ages | None = None) -> None:
        self._database = database
        self._ages = (ages or Ages()).by_kind()

    async def run(self) -> bool:
        """One round. Returns False: nothing becomes due by it."""
        await self._database.transact(self._begin)
        forgotten = 0
        for _ in range(_STEPS):
            changed = await self._database.transact(self._step)
            if changed is None:
                break
            forgotten += changed
        if forgotten:
            log.info("old data forgotten", rows=forgotten)
        return False

    async def _begin(self, connection: AsyncConnection) -> None:
        await add_marks(connection, await self._database.now(connection))

    async def _step(self, connection: AsyncConnection) -> int | None:
        """How many rows were changed; None where nothing waits to be looked at."""
        now: datetime = await self._database.now(connection)
        mark = await take_mark(connection, self._ages, now)
        if mark is None:
            return None
        swept = await sweep(connection, mark, now - self._ages[mark.kind], _ROWS)
        await save_mark(connection, mark, swept.reached, now if swept.more else now + _AGAIN)
        return swept.changed
