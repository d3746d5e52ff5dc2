"""Group commit: events that arrive together share one transaction and one fsync, and each still stands alone.

A queue is drained into transactions of at most `limit` events, in (clinic, client) order, so that all take their locks
in the same order. On PostgreSQL a full group is planned while another is being written. Answers are given after COMMIT.
Where a group fails, its events are tried one by one, so that one bad event stops no other.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs, metrics
from service.errors import AftercareError, Problem, Unavailable
from service.events import Event
from service.intake.answer import Taken
from service.intake.effects import Effects
from service.intake.entry import Entry
from service.intake.ramp import Ramp
from service.intake.record import Recorder
from service.protocols import Protocol
from service.pumping import UNCOUNTED, NumberCap
from service.store.session import Database, is_passing
from service.store.signals import notify

log = logs.get(__name__)


_TOGETHER = 2
"""Groups in hand where the database does its part elsewhere: about half of the work is its own, so more gain little."""


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    answer: asyncio.Future[Taken]


class Intake:
    """The one door for events. `start` it in a running loop; `take` waits for the commit; `stop` drains."""

    def __init__(
        self,
        database: Database,
        protocols: Mapping[str, Protocol],
        *,
        limit: int = 200,
        most_alike: int | None = None,
        ramp: Ramp | None = None,
        number_cap: NumberCap = UNCOUNTED,
        due: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._recorder = Recorder(protocols, most_alike, ramp, number_cap)
        self._limit = limit
        # A ramp counts what the groups before have placed, and SQLite has one writer.
        self._together = _TOGETHER if database.is_postgresql and ramp is None else 1
        self._due = due
        self.effects = Effects()
        """What its committed events changed in the schedule, counted since it was made."""
        self._queue: list[_Waiting] = []
        self._in_hand = 0
        """Groups."""
        self._changed = asyncio.Event()
        """Events have arrived, or a group is done."""
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._commit_groups(), name="intake")

    async def stop(self) -> None:
        """Commit what is queued, then end."""
        self._stopping = True
        self._changed.set()
        if self._task:
            await self._task

    async def take(self, clinic: str, event: Event, *, by: str = "") -> Taken:
        """Record one event and plan it; returns once that is committed. `by`: who asked for it, if not its system.

        Raises Conflict where the key is known with other content, Unavailable where the database cannot serve.
        """
        return _or_raise((await self._answers([Entry(clinic, event, by=by)]))[0])

    async def take_all(self, clinic: str, events: Sequence[Event]) -> list[Taken]:
        """Record several events; the first error is raised. Use `answers` where each should stand alone."""
        return [_or_raise(result) for result in await self.answers(clinic, events)]

    async def answers(self, clinic: str, events: Sequence[Event]) -> list[Taken | AftercareError]:
        """Record several events, each with its own answer or error, in the order given."""
        return await self._answers([Entry(clinic, event) for event in events])

    async def _answers(self, entries: Sequence[Entry]) -> list[Taken | AftercareError]:
        if self._stopping:
            raise Unavailable(Problem("stopping", "", "this process is shutting down: send the event again"))
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(entry, loop.create_future()) for entry in entries]
        self._queue.extend(waiting)
        self._changed.set()
        results = await asyncio.gather(*(one.answer for one in waiting), return_exceptions=True)
        return [_answered(result) for result in results]

    async def _commit_groups(self) -> None:
        async with asyncio.TaskGroup() as groups:
            while not (self._stopping and not self._queue):
                await self._changed.wait()
                self._changed.clear()
                while self._queue and self._may_begin():
                    group, self._queue = self._queue[: self._limit], self._queue[self._limit :]
                    self._in_hand += 1
                    groups.create_task(self._commit_in_turn(group))

    def _may_begin(self) -> bool:
        """A further group begins beside another only when it is full: small ones cost most for each event."""
        return not self._in_hand or (self._in_hand < self._together and len(self._queue) >= self._limit)

    async def _commit_in_turn(self, group: list[_Waiting]) -> None:
        try:
            await self._commit(group)
        finally:
            self._in_hand -= 1
            self._changed.set()

    async def _commit(self, group: list[_Waiting]) -> None:
        """One transaction for the group; where it fails for a reason of its content, one for each event."""
        try:
            results = await self._record([one.entry for one in group])
        except Exception as error:
            if len(group) > 1 and not is_passing(error):
                for one in group:
                    await self._commit([one])
                return
            log.error("intake failed", exc_info=error, events=len(group))
            results = [error if isinstance(error, AftercareError) else _unavailable() for _ in group]
        for one, result in zip(group, results, strict=True):
            _settle(one, result)

    async def _record(self, entries: list[Entry]) -> list[Taken | AftercareError]:
        async def work(connection: AsyncConnection) -> tuple[list[Taken | AftercareError], Effects]:
            now = await self._database.now(connection)
            results, effects = await self._recorder.record(connection, entries, now, self.effects.ramped)
            if effects.earliest is not None:
                await notify(connection, effects.earliest)
            return results, effects

        with metrics.intake_commit_seconds.time():
            results, effects = await self._database.transact(work)
        self.effects.add(effects)
        if effects.earliest is not None:
            self._due(effects.earliest)
        return results


def _unavailable() -> Unavailable:
    return Unavailable(Problem("database-unavailable", "", "the event could not be stored now: send it again later"))


def _settle(one: _Waiting, result: Taken | AftercareError) -> None:
    if one.answer.cancelled():  # the caller went away; the event is stored all the same
        return
    if isinstance(result, AftercareError):
        one.answer.set_exception(result)
    else:
        one.answer.set_result(result)


def _answered(result: Taken | BaseException) -> Taken | AftercareError:
    if isinstance(result, (Taken, AftercareError)):
        return result
    raise result


def _or_raise(result: Taken | AftercareError) -> Taken:
    if isinstance(result, AftercareError):
        raise result
    return result
