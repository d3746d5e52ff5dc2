"""Reminders as planning writes them: inserted once, moved, or called off."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import insert_many, update_many
from service.store.dialect import among
from service.store.tables import Decision, Reminder, core
from service.types import Json, ReminderState

REMINDER, DECISION = core(Reminder), core(Decision)


async def reminders_of(connection: AsyncConnection, treatments: Iterable[tuple[str, str]]) -> Sequence[Any]:
    """Every reminder of these (clinic, treatment)s, in order of their time."""
    return (
        await connection.execute(
            sa.select(REMINDER)
            .where(among(connection, (REMINDER.c.clinic, REMINDER.c.treatment), treatments))
            .order_by(REMINDER.c.clinic, REMINDER.c.intended_at, REMINDER.c.step, REMINDER.c.occurrence)
        )
    ).all()


async def insert_reminders(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Insert planned reminders; one that is there already stays as it is."""
    await insert_many(connection, REMINDER, rows)


_REPLANNED = ("clinic", "id", "fence", "client", "protocol", "purpose", "topic", "media", "medium", "sender",
              "send_mode", "quiet", "if_unknown", "asks", "intended_at", "due_at", "expires_at", "zone", "local_time",
              "state", "reason", "by", "updated_at")  # fmt: skip


async def replan_reminders(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Bring reminders up to date that planning moved, called off or wants again.

    One that a worker has taken up in the meantime (its fence moved) stays as the worker left it.
    """
    open_ = (ReminderState.SCHEDULED.value, ReminderState.SKIPPED.value, ReminderState.CANCELLED.value)
    changed = [{name: row[name] for name in _REPLANNED} for row in rows]
    await update_many(connection, REMINDER, changed, by=("clinic", "id", "fence"), while_={"state": open_})


async def record_decisions(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Write decision lines: clinic, id, reminder, at, code, by, detail."""
    await insert_many(connection, DECISION, rows)
