"""Forgetting clients who have not come for so long as their clinic said: erased as if somebody had asked for it.

Off unless a clinic sets it. Clients are walked in order of their references, a few hundred a transaction; of those who
are absent a few are erased at once, by the event that erases anybody, and the audit log names the rule.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.intake.entry import Entry
from service.intake.record import Recorder
from service.privacy.erasing import erasure_of
from service.protocols import Protocol
from service.pumping import NumberCap
from service.store.absence import KIND, absent_among, begin_marks, months_kept, people_after
from service.store.clients import lock_clients
from service.store.clinics import houses
from service.store.retention import save_mark, take_mark
from service.store.session import Database, is_passing

log = logs.get(__name__)

RULE: Final = "rule:forget-after"
"""Who did it, as the audit log names it."""
_MONTH: Final = timedelta(days=365.2425) / 12
_LOOKED_AT: Final = 500
_ERASED: Final = 20
_STEPS: Final = 20
_AGAIN: Final = timedelta(days=1)


class Absence:
    """One worker's rounds; several workers share the work, a clinic at a time."""

    def __init__(self, database: Database, protocols: Mapping[str, Protocol], number_cap: NumberCap) -> None:
        self._database = database
        self._recorder = Recorder(protocols, number_cap=number_cap)

    async def run(self) -> bool:
        """One round. Returns False: nothing becomes due by it."""
        await self._database.transact(self._begin)
        forgotten = 0
        for _ in range(_STEPS):
            erased = await self._next()
            if erased is None:
                break
            forgotten += erased
        if forgotten:
            log.info("absent clients forgotten", rows=forgotten)
        return False

    async def _begin(self, connection: AsyncConnection) -> None:
        await begin_marks(connection, await self._database.now(connection))

    async def _next(self) -> int | None:
        """A step; a clinic whose clients cannot be erased stops only itself, until tomorrow."""
        try:
            return await self._database.transact(self._step)
        except Exception as error:
            if is_passing(error):
                raise
            log.error("forgetting failed", exc_info=error)
            await self._database.transact(self._pass_over)
            return 0

    async def _pass_over(self, connection: AsyncConnection) -> None:
        now = await self._database.now(connection)
        mark = await take_mark(connection, (KIND,), now)
        if mark is not None:
            await save_mark(connection, mark, [], now + _AGAIN)

    async def _step(self, connection: AsyncConnection) -> int | None:
        """How many clients were erased; None where no clinic waits to be looked at."""
        now: datetime = await self._database.now(connection)
        mark = await take_mark(connection, (KIND,), now)
        if mark is None:
            return None
        months = await months_kept(connection, mark.clinic)
        if not months:
            await save_mark(connection, mark, [], now + _AGAIN)
            return 0
        before = now - months * _MONTH
        rows = await people_after(connection, mark.clinic, next(iter(mark.reached), ""), before, _LOOKED_AT)
        absent = [row.ref for row in rows if row.absent][:_ERASED]
        erased = await self._erase(connection, mark.clinic, absent, before, now) if absent else 0
        if len(absent) == _ERASED:
            await save_mark(connection, mark, [absent[-1]], now)
        elif len(rows) == _LOOKED_AT:
            await save_mark(connection, mark, [rows[-1].ref], now)
        else:
            await save_mark(connection, mark, [], now + _AGAIN)
        return erased

    async def _erase(
        self, connection: AsyncConnection, clinic: str, refs: Sequence[str], before: datetime, now: datetime
    ) -> int:
        await houses(connection, [clinic], hold=True)  # first, as in every intake
        await lock_clients(connection, [], [(clinic, ref) for ref in refs])
        still = await absent_among(connection, clinic, refs, before)
        entries = [Entry(clinic, erasure_of(ref, now), by=RULE) for ref in still]
        if entries:
            await self._recorder.record(connection, entries, now)
        return len(entries)
