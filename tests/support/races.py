"""Races without luck: one transaction stands in the way until the others are seen waiting for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import sqlalchemy as sa

from service.store.session import Database

_WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@asynccontextmanager
async def in_the_way(database: Database, *statements: str) -> AsyncIterator[asyncpg.Connection]:
    """Runs the statements in a transaction of its own, which commits when the block ends."""
    connection = await asyncpg.connect(_dsn(database))
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
            yield connection
    finally:
        await connection.close()


async def until_waiting(database: Database, count: int = 1) -> None:
    """Returns once so many sessions of this database wait for a lock."""
    connection = await asyncpg.connect(_dsn(database))
    try:
        async with asyncio.timeout(30):
            while await connection.fetchval(_WAITING) < count:
                pass
    finally:
        await connection.close()


def _dsn(database: Database) -> str:
    return sa.make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
