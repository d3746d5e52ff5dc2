"""Reminders as planning writes them: inserted once, moved, or called off."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import among, insert, one_of
from service.store.tables import Decision, Reminder, core
from service.types import Json, ReminderState

REMINDER, DECISION = core(Reminder), core(Decision)

_PLANNED = ("state", "reason", "by", "medium", "sender", "intended_at", "due_at", "expires_at", "zone", "local_time",
            "purpose", "media", "send_mode", "quiet", "if_unknown", "asks", "topic", "client",
            "updated_at")  # fmt: skip


async def reminders_of(connection: AsyncConnection, treatments: Iterable[tuple[str, str]]) -> Sequence[Any]:
    """Every reminder of these (clinic, treatment)s, in order of their time."""
    return (
        await connection.execute(
            sa.select(REMINDER)
            .where(among(REMINDER.c.clinic, REMINDER.c.treatment, treatments))
            .order_by(REMINDER.c.clinic, REMINDER.c.intended_at, REMINDER.c.step, REMINDER.c.occurrence)
        )
    ).all()


async def insert_reminders(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Insert planned reminders; one that is there already stays as it is."""
    if rows:
        await connection.execute(insert(connection, REMINDER).on_conflict_do_nothing(), rows)


async def replan_reminders(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Bring reminders up to date that planning moved, called off or wants again.

    One that a worker has taken up in the meantime (its fence moved) stays as the worker left it.
    """
    if not rows:
        return
    statement = (
        REMINDER.update()
        .where(
            REMINDER.c.clinic == sa.bindparam("b_clinic"),
            REMINDER.c.id == sa.bindparam("b_id"),
            REMINDER.c.fence == sa.bindparam("b_fence"),
            one_of(REMINDER.c.state, ReminderState.SCHEDULED, ReminderState.SKIPPED, ReminderState.CANCELLED),
        )
        .values({name: sa.bindparam(f"b_{name}") for name in _PLANNED})
    )
    names = ("clinic", "id", "fence", *_PLANNED)
    await connection.execute(statement, [{f"b_{name}": row[name] for name in names} for row in rows])


async def record_decisions(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Write decision lines: clinic, id, reminder, at, code, by, detail."""
    if rows:
        await connection.execute(DECISION.insert(), rows)
