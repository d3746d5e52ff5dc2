"""Intake: events through the real door, in groups of 200, into durable rows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import sqlalchemy as sa

from benchmarks.visits import clinic, clinic_name, visits
from service import clock
from service.clinics import add_clinic
from service.content import load_content
from service.intake.group import Intake
from service.store.schema import migrate
from service.store.session import Database
from service.store.tables import Reminder, core

_GROUP = 200
_OFFERED_TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class Planning:
    """How fast events became rows. CPU is this process's: of Aftercare, and of SQLite, which runs within it."""

    database: str
    events: int
    reminders: int
    events_per_s: float
    reminders_per_s: float
    event_us: float


async def plan(url: str, events: int, clinics: int = 1) -> Planning:
    """Set up clinics in an empty database and take in so many events, read from JSON beforehand, shared among them."""
    database = Database(url)
    try:
        await migrate(database)
        async with database.write() as connection:
            for number in range(clinics):
                await add_clinic(connection, clinic(number), await database.now(connection))
        return await _timed(database, events, [clinic_name(number) for number in range(clinics)])
    finally:
        await database.close()


async def _timed(database: Database, events: int, clinics: Sequence[str]) -> Planning:
    intake = Intake(database, load_content().protocols, limit=_GROUP)
    intake.start()
    coming, turn = visits(events, clock.now()), cycle(clinics)
    wall = cpu = 0.0
    while group := list(islice(coming, min(_OFFERED_TOGETHER, -(-events // len(clinics))))):
        began, spent = time.perf_counter(), time.process_time()
        await intake.take_all(next(turn), group)
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - spent
    await intake.stop()
    reminders = await _count(database)
    return Planning(
        database=database.url.get_backend_name(),
        events=events,
        reminders=reminders,
        events_per_s=events / wall,
        reminders_per_s=reminders / wall,
        event_us=cpu / events * 1e6,
    )


async def _count(database: Database) -> int:
    async with database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(core(Reminder))) or 0
