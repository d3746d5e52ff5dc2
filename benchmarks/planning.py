"""Intake: events through the real door, in groups of 200, into durable rows."""

import time
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from benchmarks.visits import CLINIC, clinic, visits
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


async def plan(url: str, events: int) -> Planning:
    """Set up a clinic in an empty database and take in so many events, read from JSON beforehand."""
    database = Database(url)
    try:
        await migrate(database)
        async with database.write() as connection:
            await add_clinic(connection, clinic(), await database.now(connection))
        return await _timed(database, events)
    finally:
        await database.close()


async def _timed(database: Database, events: int) -> Planning:
    intake = Intake(database, load_content().protocols, limit=_GROUP)
    intake.start()
    coming = visits(events, clock.now())
    wall = cpu = 0.0
    while group := list(islice(coming, _OFFERED_TOGETHER)):
        began, spent = time.perf_counter(), time.process_time()
        await intake.take_all(CLINIC, group)
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
