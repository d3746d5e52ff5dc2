"""Workers' signs of life: what tells that somebody is sending."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.store.dialect import insert
from service.store.tables import Worker, core

WORKER = core(Worker)

FORGOTTEN_AFTER = timedelta(days=1)


async def beat(connection: AsyncConnection, worker: UUID, now: datetime) -> None:
    """This worker is alive."""
    statement = insert(connection, WORKER).values(id=worker, started_at=now, seen_at=now)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))


async def sign_off(connection: AsyncConnection, worker: UUID, now: datetime) -> None:
    """This worker has stopped in good order; rows of those that died long ago go with it."""
    await connection.execute(WORKER.update().where(WORKER.c.id == worker).values(stopped_at=now, seen_at=now))
    await connection.execute(WORKER.delete().where(WORKER.c.seen_at < now - FORGOTTEN_AFTER))


async def latest_beat(connection: AsyncConnection) -> datetime | None:
    """The freshest sign of life of any worker that has not signed off."""
    moment: datetime | None = await connection.scalar(
        sa.select(sa.func.max(WORKER.c.seen_at)).where(WORKER.c.stopped_at.is_(None))
    )
    return moment


async def try_writing(connection: AsyncConnection, now: datetime) -> None:
    """Write and leave nothing behind; raises where the disk takes nothing, though it still lets everything be read.

    An update that changes no byte would not do: SQLite writes nothing for it.
    """
    passing_by = uuid7()
    await connection.execute(WORKER.insert().values(id=passing_by, started_at=now, seen_at=now))
    await connection.execute(WORKER.delete().where(WORKER.c.id == passing_by))
