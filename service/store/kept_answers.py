"""Answers kept under an Idempotency-Key, for a day."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.tables import KeptAnswer, core
from service.types import Json

KEPT = core(KeptAnswer)

KEPT_FOR = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=1)
"""A request that is worked on for so long died with its process."""


async def claim(connection: AsyncConnection, name: tuple[str, str, str], request: str, now: datetime) -> Any | None:
    """Take a (clinic, key, Idempotency-Key) for this request: None, or the row of the request that has it."""
    clinic, key, idempotency_key = name
    same = _named(name)
    over = sa.or_(
        KEPT.c.begun_at <= now - KEPT_FOR, sa.and_(KEPT.c.status.is_(None), KEPT.c.begun_at <= now - GIVEN_UP_AFTER)
    )
    await connection.execute(KEPT.delete().where(same, over))
    row = {"clinic": clinic, "key": key, "idempotency_key": idempotency_key, "request": request, "begun_at": now}
    taking = insert(connection, KEPT).values(**row, headers={}, body=b"").on_conflict_do_nothing()
    while (await connection.execute(taking.returning(KEPT.c.begun_at))).first() is None:
        # A row that was in the way may be let go before it is read: then it is taken after all.
        if (taken := (await connection.execute(sa.select(KEPT).where(same))).first()) is not None:
            return taken
    return None


async def keep(
    connection: AsyncConnection, name: tuple[str, str, str], begun_at: datetime, status: int, headers: Json, body: bytes
) -> None:
    """Keep the answer to the request that took this name at `begun_at`."""
    await connection.execute(
        KEPT.update().where(_named(name), KEPT.c.begun_at == begun_at).values(status=status, headers=headers, body=body)
    )


async def let_go(connection: AsyncConnection, name: tuple[str, str, str], begun_at: datetime) -> None:
    """The request that took this name at `begun_at` changed nothing: it may be sent again."""
    await connection.execute(KEPT.delete().where(_named(name), KEPT.c.begun_at == begun_at))


async def forget_answers(connection: AsyncConnection, before: datetime) -> None:
    """Remove what was begun before this instant."""
    await connection.execute(KEPT.delete().where(KEPT.c.begun_at < before))


def _named(name: tuple[str, str, str]) -> sa.ColumnElement[bool]:
    columns = (KEPT.c.clinic, KEPT.c.key, KEPT.c.idempotency_key)
    return sa.and_(*(column == value for column, value in zip(columns, name, strict=True)))
