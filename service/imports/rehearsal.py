"""A dry run: a real import into a scratch database that begins with what is stored and is thrown away.

So it knows repeated rows, corrections, other clients' visits and superseded sessions by the same code as an import, and
the real database is only read. The scratch lies in a folder of its own that only its owner can read.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from service.errors import AftercareError
from service.events import Event
from service.intake.answer import Taken
from service.intake.effects import Effects
from service.intake.group import Intake
from service.intake.ramp import Ramp
from service.protocols import Protocol
from service.store.bulk import insert_many
from service.store.imports import scheduled_by
from service.store.known import clinic_rows, known_of
from service.store.schema import migrate
from service.store.session import Database
from service.types import Json, ReminderState


class Rehearsal:
    """Takes events in as intake would, into the scratch. `soon` are moments that it counts due reminders by."""

    def __init__(
        self, database: Database, scratch: Database, intake: Intake, clinic: str, soon: Sequence[datetime]
    ) -> None:
        self._database = database
        self._scratch = scratch
        self._intake = intake
        self._clinic = clinic
        self._soon = soon
        self._due_anyway = [0 for _ in soon]
        self._seeding = asyncio.Lock()

    @property
    def effects(self) -> Effects:
        return self._intake.effects

    async def answers(self, clinic: str, events: Sequence[Event]) -> list[Taken | AftercareError]:
        async with self._seeding:  # in turn, so that events stay in the file's order
            await self._seed(events)
        return await self._intake.answers(clinic, events)

    async def due_soon(self) -> list[int]:
        """How many more reminders would fall due by each of the moments."""
        async with self._scratch.read() as connection:
            counts = await scheduled_by(connection, self._clinic, self._soon)
        return [count - before for count, before in zip(counts, self._due_anyway, strict=True)]

    async def _seed(self, events: Sequence[Event]) -> None:
        """Bring what is stored about these events' clients over; what is in the scratch already stays as it is."""
        async with self._database.read() as connection:
            known = await known_of(
                connection,
                self._clinic,
                clients={event.client for event in events if event.client},
                treatments={event.treatment for event in events if event.treatment},
                appointments={event.appointment for event in events if event.appointment},
                events={(event.source, event.id) for event in events},
                addresses=(),
            )
        async with self._scratch.write() as connection:
            for table, rows in known.tables():
                shown = ("state", "due_at") if rows is known.reminders else ()
                new = await insert_many(connection, table, _values(rows), returning=shown)
                if rows is known.reminders:
                    self._count(new)

    def _count(self, reminders: Sequence[Any]) -> None:
        due = [row.due_at for row in reminders if row.state == ReminderState.SCHEDULED]
        for number, moment in enumerate(self._soon):
            self._due_anyway[number] += sum(one <= moment for one in due)


@asynccontextmanager
async def rehearsal(
    database: Database,
    protocols: Mapping[str, Protocol],
    clinic: str,
    now: datetime,
    soon: Sequence[datetime],
    ramp: Ramp | None = None,
) -> AsyncIterator[Rehearsal]:
    """A rehearsal in which it is `now` all the time."""
    with TemporaryDirectory(prefix="aftercare-dry-run-") as folder:
        scratch = Database(f"sqlite+aiosqlite:///{Path(folder) / 'scratch.db'}", fixed_clock=lambda: now)
        intake = Intake(scratch, protocols, ramp=ramp)
        try:
            await migrate(scratch)
            await _copy_clinic(database, scratch, clinic)
            intake.start()
            yield Rehearsal(database, scratch, intake, clinic, soon)
        finally:
            await intake.stop()
            await scratch.close()


async def _copy_clinic(database: Database, scratch: Database, clinic: str) -> None:
    async with database.read() as connection:
        tables = await clinic_rows(connection, clinic)
    async with scratch.write() as connection:
        for table, rows in tables:
            await insert_many(connection, table, _values(rows))


def _values(rows: Sequence[Any]) -> list[Json]:
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented accessor
