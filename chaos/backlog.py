"""python -m chaos.backlog [--paused N] [--slow N]: another clinic's lateness beside a paused and a slow one.

One clinic's texts are paused with N due; another's sender is slow with N due; a third one's messages fall due one by
one, and are sent by a real worker into the outbox. The same without the backlog is shown beside it.
"""

import argparse
import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import sqlalchemy as sa

from benchmarks.machine import family_cpu_seconds
from service import clock
from service.clinics import NewSender, add_clinic
from service.intake import Intake
from service.store.lanes import pause_sender
from service.store.session import Database
from service.types import Json, Medium
from tests.acceptance.live import SECRET_KEY
from tests.conftest import new_migrated_database
from tests.support import house
from tests.support.postgres import Server, postgres
from tests.support.processes import running, until

PAUSED, SLOW, OTHER = "paused", "slow", "other"
_RATES = {PAUSED: 50.0, SLOW: 5.0, OTHER: 50.0}
_MESSAGES, _APART = 300, timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Lateness:
    """Of the third clinic's messages, and what PostgreSQL spent on each."""

    pending: int
    median_ms: float
    p99_ms: float
    database_us: float

    def __str__(self) -> str:
        return (
            f"{self.pending:>9,} due elsewhere: late {self.median_ms:.0f} ms at the median, {self.p99_ms:.0f} ms at "
            f"the 99th percentile; {self.database_us:.0f} us of database CPU a message"
        )


async def measure(server: Server, paused: int, slow: int) -> Lateness:
    async with AsyncExitStack() as stack:
        url = await new_migrated_database(server)
        database = Database(url)
        stack.push_async_callback(database.close)
        await _furnish(database, paused, slow)
        processes = await stack.enter_async_context(running(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        settings = {
            "DATABASE_URL": url.replace("+asyncpg", ""),
            "AFTERCARE_SECRET_KEY": SECRET_KEY,
            "AFTERCARE_CHANNELS": "outbox",
        }
        worker = processes.start("worker", settings=settings)
        await worker.says("worker started")
        before = family_cpu_seconds(_postmaster(server))
        await _take(database, OTHER, _MESSAGES, clock.now() + timedelta(seconds=2))
        late = await _lateness(database)
        spent = family_cpu_seconds(_postmaster(server)) - before
        worker.kill()
        return Lateness(paused + slow, median(late), quantiles(late, n=100)[-1], spent / len(late) * 1e6)


async def _furnish(database: Database, paused: int, slow: int) -> None:
    async with database.write() as connection:
        now = await database.now(connection)
        for clinic, rate in _RATES.items():
            senders = (NewSender(Medium.SMS, f"+4474009999{len(clinic):02}", rate=rate),)
            await add_clinic(connection, house.clinic(id=clinic, senders=senders), now)
        await pause_sender(connection, (PAUSED, "sms"), "backlog", now)
    for clinic, count in ((PAUSED, paused), (SLOW, slow)):
        await _take(database, clinic, 1, clock.now() - timedelta(minutes=1))
        async with database.write() as connection:
            await connection.execute(_COPIES, {"clinic": clinic, "count": count})
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("VACUUM ANALYZE reminder"))


_COLUMNS = (
    "clinic, treatment, client, step, protocol, purpose, topic, media, medium, sender, send_mode, quiet, if_unknown, "
    "intended_at, due_at, expires_at, zone, local_time, state, reason, by, tries, fence, updated_at"
)
_COPIES = sa.text(
    f"INSERT INTO reminder (id, occurrence, {_COLUMNS}) "  # noqa: S608 - names of ours
    f"SELECT gen_random_uuid(), n, {_COLUMNS} FROM reminder, generate_series(1, CAST(:count AS integer)) n "
    "WHERE clinic = :clinic AND state = 'scheduled' AND step = 'same-day-gentle-cleanser'"
)


async def _take(database: Database, clinic: str, count: int, first: datetime) -> None:
    """Visits whose texts fall due one after the other, from `first` on."""
    intake = Intake(database, house.shipped().protocols)
    intake.start()
    now = clock.now()
    events = [house.read(_visit(number, first + number * _APART), now) for number in range(count)]
    await intake.take_all(clinic, events)
    await intake.stop()


def _visit(number: int, ended_at: datetime) -> Json:
    return house.visit(
        id=f"e-{number}",
        time=ended_at.isoformat(),
        treatment__id=f"visit-{number}",
        treatment__protocol="hydrafacial",
        treatment__ended_at=ended_at.isoformat(),
        client__ref=f"c-{number}",
        client__phone=f"+447400{100_000 + number}",
        client__email=None,
    )


async def _lateness(database: Database) -> list[float]:
    """Wait until all of the third clinic's are out; by how many milliseconds each was started after its due time."""

    async def out() -> list[float]:
        async with database.read() as connection:
            rows = (await connection.execute(_LATE)).all()
        return [row.late for row in rows] if len(rows) == _MESSAGES else []

    return await until(out, "the other clinic's messages are out", 120)


_LATE = sa.text(
    "SELECT extract(epoch FROM attempt.created_at - reminder.due_at) * 1000.0 AS late FROM attempt "
    "JOIN reminder ON reminder.clinic = attempt.clinic AND reminder.id = attempt.reminder "
    "WHERE attempt.clinic = 'other'"
)


def _postmaster(server: Server) -> int:
    return int((server.folder / "data" / "postmaster.pid").read_text().split()[0])


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chaos.backlog", description=__doc__)
    parser.add_argument("--paused", type=int, default=1_000_000)
    parser.add_argument("--slow", type=int, default=100_000)
    given = parser.parse_args()
    with postgres(durable=True) as server:
        print(await measure(server, 0, 0))
        print(await measure(server, given.paused, given.slow))


if __name__ == "__main__":
    asyncio.run(main())
