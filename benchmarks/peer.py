"""pgqueuer 1.x as a contestant: a job a message, its own worker process, batch and concurrency by the size of a burst.

It does less for a message than Aftercare does: no consent, no words, no history. What it is paid for is compared: many
messages that fall due at once, each posted to a provider once, in a worker that may be killed.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import orjson
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from benchmarks.peer_worker import ENTRYPOINT
from benchmarks.stage import Stage, python, until_ready
from service import clock

_ENQUEUED_TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Jobs fetched together, and jobs in hand at most."""

    batch: int
    concurrency: int


def pace_for(reminders: int) -> Pace:
    """What served it best at this size."""
    return Pace(100, 400) if reminders <= 5_000 else Pace(500, 2_000)


@dataclass
class PgQueuer:
    workers: Sequence[int]
    connection: asyncpg.Connection
    name: str = "pgqueuer"

    async def schedule(self, reminders: int, due: datetime) -> None:
        queries = Queries(AsyncpgDriver(self.connection))
        for first in range(0, reminders, _ENQUEUED_TOGETHER):
            numbers = range(first, min(first + _ENQUEUED_TOGETHER, reminders))
            payloads: list[bytes | None] = [orjson.dumps({"number": number}) for number in numbers]
            count = len(payloads)
            wait: list[timedelta | None] = [due - clock.now()] * count
            await queries.enqueue([ENTRYPOINT] * count, payloads, [0] * count, wait)

    async def is_recorded(self) -> bool:
        """It removes a job when that is done."""
        return not await self.connection.fetchval("SELECT EXISTS (SELECT FROM pgqueuer)")


@asynccontextmanager
async def pgqueuer(stage: Stage, pace: Pace) -> AsyncIterator[PgQueuer]:
    """Installed into a fresh database, its worker listening."""
    database = await stage.new_database()
    async with stage.connection(database) as connection:
        await Queries(AsyncpgDriver(connection)).install()
        sandbox = stage.sandbox
        address = f"{sandbox.url}/2010-04-01/Accounts/{sandbox.account_sid}/Messages.json"
        arguments = (stage.server.dsn(database), address, sandbox.account_sid, sandbox.auth_token)
        numbers = (str(pace.batch), str(pace.concurrency))
        log = stage.folder / "pgqueuer.log"
        async with python("benchmarks.peer_worker", *arguments, *numbers, log=log) as worker:
            await until_ready([worker], lambda: _listens(connection), log)
            yield PgQueuer([worker.pid], connection)
    await stage.drop_database(database)


async def _listens(connection: asyncpg.Connection) -> bool:
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen %')"
    )
    return found
