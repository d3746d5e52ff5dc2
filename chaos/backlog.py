"""python -m chaos.backlog [--paused N] [--slow N]: another clinic's lateness beside a paused and a slow one.

One clinic's texts are paused with N due; another's sender is slow with N due; a third one's messages fall due one by
one, and are sent by a real worker into the outbox. The same without the backlog is shown beside it.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.machine import family_cpu_seconds, until
from service import clock
from service.clinics import NewSender, add_clinic
from service.intake.group import Intake
from service.store.lanes import pause_sender
from service.store.session import Database
from service.store.tables import Client, Reminder, Treatment, core
from service.types import Json, Medium
from tests.acceptance.live import SECRET_KEY
from tests.conftest import new_migrated_database
from tests.support import house
from tests.support.postgres import Server, postgres
from tests.support.processes import running

CLIENT, TREATMENT, REMINDER = core(Client), core(Treatment), core(Reminder)
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
            "AFTERCARE_PUMPING__CLINIC": "100000000",
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
            await _multiply(connection, clinic, count)
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("VACUUM ANALYZE"))


_EACH = 10
"""Reminders of one client."""


async def _multiply(connection: AsyncConnection, clinic: str, count: int) -> None:
    """Copy the clinic's one visit until about so many of its texts wait, ten to each client."""
    clients = max(1, count // _EACH)
    await _copy(connection, CLIENT, clinic, clients, {"ref": "'copy-' || n", "phone": "'+447400' || 100000 + n"})
    await _copy(connection, TREATMENT, clinic, clients, {"id": "'copy-' || n", "client": "'copy-' || n"})
    which = f"'copy-' || 1 + n % {clients}"
    named = {"id": "gen_random_uuid()", "treatment": which, "client": which, "occurrence": "n"}
    await _copy(connection, REMINDER, clinic, count, named, "AND state = 'scheduled' AND step LIKE 'same-day-%'")


async def _copy(
    connection: AsyncConnection, table: sa.Table, clinic: str, count: int, changed: Mapping[str, str], only: str = ""
) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.c)
    values = ", ".join(changed.get(column.name, f'"{column.name}"') for column in table.c)
    statement = (
        f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name}, "  # noqa: S608 - names of ours
        f"generate_series(1, CAST(:count AS integer)) n WHERE clinic = :clinic {only}"
    )
    await connection.execute(sa.text(statement), {"clinic": clinic, "count": count})


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

    late: list[float] = []

    async def out() -> bool:
        async with database.read() as connection:
            late[:] = (await connection.scalars(_LATE)).all()
        return len(late) == _MESSAGES

    assert await until(out, within=120, look_every=1), "the other clinic's messages are not out"
    return late


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
