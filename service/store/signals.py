"""Telling workers in other processes that something falls due or staff must be told: NOTIFY on PostgreSQL, nothing on
SQLite.

A notice is a hint: it may be lost (a pooler between us, a broken connection), so a worker's safety tick is the net.
LISTEN needs a direct connection of its own, held open.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs

log = logs.get(__name__)

CHANNEL = "aftercare_due"
_ALERTS = "aftercare_alert"
_RECONNECT_SECONDS = 5.0

_NOTIFY = sa.text("SELECT pg_notify(:channel, :due)")


async def notify(connection: AsyncConnection, due: datetime) -> None:
    """Tell every listening worker, once this transaction commits, of something due at that instant."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_NOTIFY, {"channel": CHANNEL, "due": due.isoformat()})


async def notify_alert(connection: AsyncConnection) -> None:
    """Tell every listening worker, once this transaction commits, that an alert waits to be sent."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_NOTIFY, {"channel": _ALERTS, "due": ""})


async def listen(dsn: str, due: Callable[[datetime], None], alerted: Callable[[], None] = lambda: None) -> None:
    """Call `due` and `alerted` for every notice until cancelled; a lost connection is made again."""
    while True:
        try:
            await _listen_once(dsn, due, alerted)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("listen lost", error=type(error).__name__)
        await asyncio.sleep(_RECONNECT_SECONDS)


async def _listen_once(dsn: str, due: Callable[[datetime], None], alerted: Callable[[], None]) -> None:
    lost = asyncio.Event()
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda *notice: due(datetime.fromisoformat(notice[3])))
        await connection.add_listener(_ALERTS, lambda *_: alerted())
        due(datetime.min.replace(tzinfo=UTC))  # something may have been committed while nobody listened
        alerted()
        await lost.wait()
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=2)
