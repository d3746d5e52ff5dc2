"""Bringing a database's schema up to date."""

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.revision import MINIMUM_CODE, REVISION
from service.store.session import Database
from service.store.tables import SchemaInfo, core

_MIGRATION_LOCK = 8_117_362


async def migrate(database: Database) -> int:
    """Apply what is missing and return the revision. A run killed half-way can simply be run again.

    Two processes migrating at once wait for each other.
    """
    async with database.write() as connection:
        if database.is_postgresql:
            await connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        await connection.run_sync(_upgrade)
        await _record(connection, await database.now(connection))
    return REVISION


async def _record(connection: AsyncConnection, now: datetime) -> None:
    info = core(SchemaInfo)
    if await connection.scalar(sa.select(info.c.revision).where(info.c.revision >= REVISION)) is None:
        await connection.execute(info.insert().values(revision=REVISION, minimum_code=MINIMUM_CODE, applied_at=now))


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
