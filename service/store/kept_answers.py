"""Answers kept under an Idempotency-Key, for a day: a clinic's keys', and apart from them the platform's."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.tables import KeptAnswer, PlatformAnswer, core
from service.types import Json

KEPT, PLATFORM_KEPT = core(KeptAnswer), core(PlatformAnswer)

Name = tuple[str, str, str]
"""(clinic, key, Idempotency-Key); the clinic is empty for a key of the platform."""

KEPT_FOR = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=1)
"""A request that is worked on for so long died with its process."""


async def claim(connection: AsyncConnection, name: Name, request: str, now: datetime) -> Any | None:
    """Take a name for this request: None, or the row of the request that has it."""
    table, same = _table(name), _named(name)
    over = sa.or_(
        table.c.begun_at <= now - KEPT_FOR, sa.and_(table.c.status.is_(None), table.c.begun_at <= now - GIVEN_UP_AFTER)
    )
    await connection.execute(table.delete().where(same, over))
    row = _key(name) | {"request": request, "begun_at": now, "headers": {}, "body": b""}
    taking = insert(connection, table).values(row).on_conflict_do_nothing()
    while (await connection.execute(taking.returning(table.c.begun_at))).first() is None:
        # A row that was in the way may be let go before it is read: then it is taken after all.
        if (taken := (await connection.execute(sa.select(table).where(same))).first()) is not None:
            return taken
    return None


async def keep(
    connection: AsyncConnection, name: Name, begun_at: datetime, status: int, headers: Json, body: bytes
) -> None:
    """Keep the answer to the request that took this name at `begun_at`."""
    table = _table(name)
    answered = {"status": status, "headers": headers, "body": body}
    await connection.execute(table.update().where(_named(name), table.c.begun_at == begun_at).values(answered))


async def let_go(connection: AsyncConnection, name: Name, begun_at: datetime) -> None:
    """The request that took this name at `begun_at` changed nothing: it may be sent again."""
    table = _table(name)
    await connection.execute(table.delete().where(_named(name), table.c.begun_at == begun_at))


async def forget_answers(connection: AsyncConnection, before: datetime) -> None:
    """Remove what was begun before this instant."""
    for table in (KEPT, PLATFORM_KEPT):
        await connection.execute(table.delete().where(table.c.begun_at < before))


def _table(name: Name) -> sa.Table:
    return KEPT if name[0] else PLATFORM_KEPT


def _key(name: Name) -> Json:
    clinic, key, idempotency_key = name
    return {"key": key, "idempotency_key": idempotency_key} | ({"clinic": clinic} if clinic else {})


def _named(name: Name) -> sa.ColumnElement[bool]:
    table = _table(name)
    return sa.and_(*(table.c[column] == value for column, value in _key(name).items()))
