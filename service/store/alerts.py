"""Alerts: raised once, taken by one worker at a time, kept until they were sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.store.bulk import insert_many
from service.store.tables import Alert, core
from service.types import Json

ALERT = core(Alert)


async def add_alert(
    connection: AsyncConnection,
    clinic: str,
    kind: str,
    about: str,
    detail: Json,
    now: datetime,
    *,
    unless_since: datetime,
) -> bool:
    """Add one, unless the same waits or was raised since `unless_since`. Returns whether it was added."""
    same = (ALERT.c.clinic == clinic, ALERT.c.kind == kind, ALERT.c.about == about)
    recent = sa.select(ALERT.c.id).where(*same, ALERT.c.created_at > unless_since).limit(1)
    if await connection.scalar(recent) is not None:
        return False
    row = {"clinic": clinic, "id": uuid7(), "kind": kind, "about": about, "detail": detail, "created_at": now,
           "due_at": now, "tries": 0, "code": ""}  # fmt: skip
    return bool(await insert_many(connection, ALERT, [row], returning=("id",)))


async def take_alerts(connection: AsyncConnection, now: datetime, until: datetime, limit: int) -> Sequence[Any]:
    """Take due alerts, the oldest first: no other worker tries them before `until`."""
    due = (
        sa.select(ALERT)
        .where(ALERT.c.sent_at.is_(None), ALERT.c.due_at <= now)
        .order_by(ALERT.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = (await connection.execute(due)).all()
    for row in rows:
        values = {"due_at": until, "tries": row.tries + 1}
        await connection.execute(_one(row.clinic, row.id).values(**values))
    return rows


async def note_sent(connection: AsyncConnection, clinic: str, id_: UUID, now: datetime) -> None:
    await connection.execute(_one(clinic, id_).values(sent_at=now, code=""))


async def put_off(connection: AsyncConnection, clinic: str, id_: UUID, until: datetime, code: str) -> None:
    """It could not be sent: try again at `until`."""
    await connection.execute(_one(clinic, id_).values(due_at=until, code=code))


async def reopen_alert(
    connection: AsyncConnection, clinic: str, id_: UUID, tries: int, *, until: datetime, code: str
) -> bool:
    """Its mail did not arrive: try again at `until`, unless that has been tried since or the same waits anew."""
    other = ALERT.alias()
    waiting = sa.exists().where(
        other.c.clinic == clinic,
        other.c.kind == ALERT.c.kind,
        other.c.about == ALERT.c.about,
        other.c.sent_at.is_(None),
    )
    reopened = await connection.execute(
        ALERT.update()
        .where(
            ALERT.c.clinic == clinic, ALERT.c.id == id_, ALERT.c.tries == tries, ALERT.c.sent_at.is_not(None), ~waiting
        )
        .values(sent_at=None, due_at=until, code=code)
    )
    return reopened.rowcount > 0


async def hurry_alerts(connection: AsyncConnection, clinic: str, now: datetime) -> None:
    """What kept this clinic's alerts from being sent may be mended: try them all now."""
    waiting = (ALERT.c.clinic == clinic, ALERT.c.sent_at.is_(None), ALERT.c.due_at > now)
    await connection.execute(ALERT.update().where(*waiting).values(due_at=now))


async def next_alert_due(connection: AsyncConnection) -> datetime | None:
    moment: datetime | None = await connection.scalar(
        sa.select(sa.func.min(ALERT.c.due_at)).where(ALERT.c.sent_at.is_(None))
    )
    return moment


async def oldest_waiting(connection: AsyncConnection) -> datetime | None:
    """When the alert was raised that has waited longest to be sent; None where none waits."""
    moment: datetime | None = await connection.scalar(
        sa.select(sa.func.min(ALERT.c.created_at)).where(ALERT.c.sent_at.is_(None))
    )
    return moment


def _one(clinic: str, id_: UUID) -> sa.Update:
    return ALERT.update().where(ALERT.c.clinic == clinic, ALERT.c.id == id_, ALERT.c.sent_at.is_(None))
