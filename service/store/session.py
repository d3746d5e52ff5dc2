"""Connections and transactions: one way to read, one way to write, on SQLite and PostgreSQL alike.

A pass over the database begins with `now(connection)`: PostgreSQL's own clock, so that machines agree, or the host's on
SQLite, or the clock that a test or simulation gave. Nothing commits but `Database.write`.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service import clock

T = TypeVar("T")

_BUSY_SECONDS = 10
_TRIES = 6
_GOODBYE_SECONDS = 2.0
_NEXT_GOODBYE_SECONDS = 0.1
"""For each connection after one that was silent: a network that swallows one good-bye swallows them all."""
_RETRIED_STATES = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "08000", "08003", "08006", "25P03"})
"""Serialization failure, deadlock, shutdowns, lost connections, a session ended for idling in a transaction."""
_SCARCE = ("53", "58")
"""Classes of states: no room on the disk, in memory or for connections; files that cannot be read or written."""
_SQLITE_PASSES = ("locked", "disk is full", "disk I/O error")


TROUBLE = (DBAPIError, NoConnectionFree, OSError)
"""What a database raises that is away, busy or refuses a statement. Faults of ours in Python are none of these."""


class Database:
    """One database and its pool.

    `patience`: seconds after which a statement without an answer is given up on, so that a database that falls silent
    without closing its connections freezes nobody; None waits, as a migration must. `fixed_clock` replaces the
    database's clock in tests and simulation.
    """

    def __init__(
        self,
        url: str,
        *,
        pool: int = 10,
        idle_in_transaction: float = 10.0,
        patience: float | None = None,
        fixed_clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.url = sa.make_url(url)
        self.is_postgresql = self.url.get_backend_name() == "postgresql"
        self._fixed_clock = fixed_clock
        # SQLite has one writer; queueing here costs nothing, queueing on its lock means sleeping in a thread.
        self._one_writer = None if self.is_postgresql else asyncio.Lock()
        self.engine = (
            _postgresql_engine(self.url, pool, idle_in_transaction, patience)
            if self.is_postgresql
            else _sqlite_engine(self.url)
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that reads: on SQLite it takes no write lock."""
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; commits at the end of the block, rolls back on an exception."""
        if self._one_writer is None:
            async with self.engine.begin() as connection:
                yield connection
            return
        async with self._one_writer, self.engine.connect() as connection:
            await connection.execution_options(aftercare_writes=True)
            async with connection.begin():
                yield connection

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a writing transaction, again from the start where the database asked for that.

        A connection may break while it commits, so `work` must be safe to repeat.
        """
        for attempt in range(1, _TRIES):
            try:
                async with self.write() as connection:
                    return await work(connection)
            except TROUBLE as error:
                if not is_passing(error):
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter, not a secret
        async with self.write() as connection:
            return await work(connection)

    async def now(self, connection: AsyncConnection) -> datetime:
        """The time of this pass, aware UTC: read once, bound as a parameter from there on."""
        if self._fixed_clock is not None:
            return self._fixed_clock()
        if not self.is_postgresql:
            return clock.now()
        moment: datetime = (await connection.execute(_CLOCK)).scalar_one()
        return moment.astimezone(UTC)

    async def close(self) -> None:
        """Hang up. A good-bye that the database does not answer is broken off: it must not hold up a process's end."""
        patience = _GOODBYE_SECONDS
        while True:
            try:
                async with asyncio.timeout(patience):
                    return await self.engine.dispose()
            except TimeoutError:  # that connection is aborted now and out of the pool
                patience = _NEXT_GOODBYE_SECONDS


_CLOCK = sa.text("SELECT clock_timestamp()")


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is run again, though none of its rows is any better then:
    deadlocks, lost connections, a busy SQLite, a full disk."""
    if isinstance(error, OSError | NoConnectionFree):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    if error.connection_invalidated or state in _RETRIED_STATES or state.startswith(_SCARCE):
        return True
    return isinstance(error, OperationalError) and any(words in str(error.orig) for words in _SQLITE_PASSES)


def _postgresql_engine(url: sa.URL, pool: int, idle_in_transaction: float, patience: float | None) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=30,
        # The one used last knows its statements already; the others rest, and are there for a rush.
        pool_use_lifo=True,
        pool_pre_ping=False,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": 10,
            "command_timeout": patience,
            "server_settings": {
                "application_name": "aftercare",
                "idle_in_transaction_session_timeout": str(int(idle_in_transaction * 1000)),
                "jit": "off",  # compiling plans costs more than our short statements do
                # Disks that seek are gone. With the default of 4, foreign keys of a young table are checked by reading
                # all of it, and the session keeps that plan while the table grows.
                "random_page_cost": "1.1",
            },
        },
    )


def _sqlite_engine(url: sa.URL) -> AsyncEngine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url, json_serializer=_dumps, json_deserializer=orjson.loads, connect_args={"timeout": _BUSY_SECONDS}
    )
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Our own BEGIN (see below), a journal that lets readers read on, commits that survive a power cut; and what is
    erased is overwritten."""
    connection.isolation_level = None
    cursor = connection.cursor()
    timeout = f"busy_timeout={_BUSY_SECONDS * 1000}"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", timeout):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """IMMEDIATE for writers: a deferred read-then-write fails at once when another wrote in between."""
    writes = connection.get_execution_options().get("aftercare_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()
