"""Aftercare as a contestant: reminders planned through the real intake, sent by the real worker process.

Planning is done once, into a database that every run gets a copy of. One step's reminders are then moved to one
instant, and its workers are told as an intake process would tell them; all other reminders stay where they are, ahead.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from benchmarks.stage import Stage, python, until_ready
from benchmarks.visits import STEP
from service.store.signals import CHANNEL

_MOVE = f"""
    WITH chosen AS (
        SELECT clinic, id FROM reminder WHERE step = '{STEP}' AND state = 'scheduled' ORDER BY id LIMIT $1
    )
    UPDATE reminder SET due_at = $2, expires_at = $3 FROM chosen
    WHERE reminder.clinic = chosen.clinic AND reminder.id = chosen.id
"""  # noqa: S608 - a constant of ours
_WAITING = "SELECT EXISTS (SELECT FROM reminder WHERE state = 'sending' OR (state = 'scheduled' AND due_at <= $1))"


@dataclass
class Aftercare:
    workers: Sequence[int]
    connection: asyncpg.Connection
    name: str = "aftercare"
    _due: datetime | None = None

    async def schedule(self, reminders: int, due: datetime) -> None:
        self._due = due
        async with self.connection.transaction():
            await self.connection.execute(_MOVE, reminders, due, due + timedelta(hours=20))
            await self.connection.execute("UPDATE sender SET next_due_at = $1 WHERE id = 'sms'", due)
            await self.connection.execute("SELECT pg_notify($1, $2)", CHANNEL, due.isoformat())

    async def is_recorded(self) -> bool:
        return not await self.connection.fetchval(_WAITING, self._due)


@asynccontextmanager
async def aftercare(stage: Stage, planned: str, workers: int = 1) -> AsyncIterator[Aftercare]:
    """So many workers, up and idle, on a copy of the database named `planned`."""
    database = await stage.new_database(like=planned)
    log, environment = stage.folder / "aftercare.log", _environment(stage, database)
    async with stage.connection(database) as connection, AsyncExitStack() as ends:
        processes = [
            await ends.enter_async_context(python("service.cli", "worker", log=log, environment=environment))
            for _ in range(workers)
        ]
        await until_ready(processes, lambda: _all_listen(connection, workers), log)
        yield Aftercare([process.pid for process in processes], connection)
    await stage.drop_database(database)


async def _all_listen(connection: asyncpg.Connection, workers: int) -> bool:
    """All have said that they live, and listen."""
    alive = await connection.fetchval("SELECT count(*) FROM worker")
    listening = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen %'"
    )
    return bool(alive == workers == listening)


def _environment(stage: Stage, database: str) -> dict[str, str]:
    sandbox = stage.sandbox
    return {
        "DATABASE_URL": stage.server.dsn(database),
        "AFTERCARE_SECRET_KEY": "a-key-of-the-benchmark-that-protects-nothing",
        "AFTERCARE_CHANNELS": "live",
        "AFTERCARE_PUMPING__CLINIC": "100000000",
        "PUBLIC_URL": "https://bench.example",
        "TWILIO_ACCOUNT_SID": sandbox.account_sid,
        "TWILIO_AUTH_TOKEN": sandbox.auth_token,
        "TWILIO_BASE_URL": sandbox.url,
        "SENDGRID_API_KEY": sandbox.api_key,
        "SENDGRID_BASE_URL": sandbox.url,
    }
