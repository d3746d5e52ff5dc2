"""The import itself: a file's records, in chunks, through intake; several chunks on their way at once.

1. Read and check a chunk of records; what cannot be an event is rejected without asking anyone.
2. Hand the events to intake, whose group commit makes a transaction of them.
3. In the file's order, as chunks are committed: write the rejects, then keep how far the import got.

A kill repeats what was on its way: events are idempotent, so those rows count as repeated and nothing doubles.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from service.errors import AftercareError, Problem, Unavailable
from service.events import Event, TreatmentCompleted, event_from
from service.imports.journal import Journal
from service.imports.progress import Notes, Progress
from service.imports.record import Reader, Record
from service.imports.rejects import Rejects
from service.intake.answer import Taken

Answer: TypeAlias = Taken | AftercareError


class Takes(Protocol):
    """Intake, or a rehearsal of it."""

    async def answers(self, clinic: str, events: Sequence[Event]) -> list[Answer]: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is held in memory: chunks of so many rows or bytes, whichever is first, so many at once."""

    rows: int
    bytes: int
    in_flight: int = 4


@dataclass(frozen=True, slots=True)
class Checking:
    """How rows are checked. An event without `time` was reported when the file was written."""

    now: Callable[[], datetime]
    written_at: datetime
    future_tolerance: timedelta


@dataclass(frozen=True, slots=True)
class _Row:
    record: Record
    event: Event | None
    problems: tuple[Problem, ...] = ()


_Chunk: TypeAlias = list[_Row]


class Importer:
    """Imports one file into one clinic, from where `progress` says.

    Without a journal nothing is kept of how far it got, without rejects nothing is written of what is not taken.
    """

    def __init__(
        self,
        clinic: str,
        reader: Reader,
        takes: Takes,
        rejects: Rejects | None,
        journal: Journal | None,
        progress: Progress,
        *,
        pace: Pace,
        checking: Checking,
        watch: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.progress = progress
        self.notes = Notes()
        self.stopped = False
        self._clinic = clinic
        self._reader = reader
        self._takes = takes
        self._rejects = rejects
        self._journal = journal
        self._pace = pace
        self._checking = checking
        self._watch = watch
        self._in_flight: deque[tuple[_Chunk, asyncio.Task[list[Answer]]]] = deque()

    def stop(self) -> None:
        """Read no further; `run` ends once what is on its way is committed, and can be run again from there."""
        self.stopped = True

    async def run(self) -> None:
        """Import the file.

        Raises Unavailable where the database cannot serve; what was committed until then is kept.
        """
        try:
            for chunk in self._chunks():
                if self.stopped:
                    break
                await self._hand_in(chunk)
            while self._in_flight:
                await self._settle_oldest()
        finally:
            await self._abandon()
            if self._rejects:
                self._rejects.close()
        if self._journal and not self.stopped:
            await self._journal.save(self.progress, finished=True)

    def _chunks(self) -> Iterator[_Chunk]:
        chunk: _Chunk = []
        start = self.progress.offset
        for record in self._reader.records(self.progress.offset, self.progress.line):
            chunk.append(self._checked(record))
            if len(chunk) >= self._pace.rows or record.end - start >= self._pace.bytes:
                yield chunk
                chunk, start = [], record.end
        if chunk:
            yield chunk

    def _checked(self, record: Record) -> _Row:
        if isinstance(record.value, AftercareError):
            return self._refused(record, record.value)
        checking = self._checking
        try:
            event = event_from(
                record.value, received_at=checking.now(), future_tolerance=checking.future_tolerance, where=""
            )
        except AftercareError as error:
            return self._refused(record, error)
        return _Row(record, event if record.value.get("time") else replace(event, time=checking.written_at))

    def _refused(self, record: Record, error: AftercareError) -> _Row:
        return _Row(record, None, self._placed(error.problems))

    def _placed(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        return tuple(self._reader.told(problem) for problem in problems)

    async def _hand_in(self, chunk: _Chunk) -> None:
        """Tasks begin in the order they are made: intake sees the events in the file's order."""
        if len(self._in_flight) >= self._pace.in_flight:
            await self._settle_oldest()
        events = [row.event for row in chunk if row.event]
        self._in_flight.append((chunk, asyncio.create_task(self._takes.answers(self._clinic, events))))

    async def _settle_oldest(self) -> None:
        chunk, task = self._in_flight[0]
        given = await task
        _require_service(given)
        answers = iter(given)
        for row in chunk:
            self._settle(row, next(answers) if row.event else None)
        last = chunk[-1].record
        self.progress.offset, self.progress.line = last.end, last.last
        if self._rejects:
            self._rejects.flush()
        if self._journal:
            await self._journal.save(self.progress)
        self._in_flight.popleft()
        self._watch(self.progress)

    def _settle(self, row: _Row, answer: Answer | None) -> None:
        if isinstance(answer, Taken):
            self.progress.taken += answer.created
            self.progress.repeated += not answer.created
            self.notes.take(answer, _code(row.event))
            self.notes.warn(self._placed(answer.warnings), row.record.line)
        else:
            problems = self._placed(answer.problems) if answer else row.problems
            self.progress.rejected += 1
            self.notes.refuse(problems, row.record.line)
            if self._rejects:
                self._rejects.add(row.record, problems)

    async def _abandon(self) -> None:
        """After an error: let nothing run on behind our back."""
        for _, task in self._in_flight:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._in_flight), return_exceptions=True)


def _code(event: Event | None) -> str:
    """The protocol as the row names it; empty where it is about no visit."""
    return event.data.treatment.protocol if event and isinstance(event.data, TreatmentCompleted) else ""


def _require_service(answers: Sequence[Answer]) -> None:
    """Where no event of a chunk could be stored, the database is at fault, not the rows."""
    refusals = [answer for answer in answers if isinstance(answer, Unavailable)]
    if refusals and len(refusals) == len(answers):
        raise refusals[0]
