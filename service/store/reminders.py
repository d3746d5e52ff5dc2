"""Reminders as planning writes them: inserted once, moved, or called off."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import states
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


async def treatments_over(
    connection: AsyncConnection, treatments: Collection[tuple[str, str]], before: datetime
) -> set[tuple[str, str]]:
    """Those of these (clinic, treatment)s whose every reminder is settled, and was of use `before` then at the latest.

    One that has no reminders has not been planned yet: it is none of them.
    """
    if not treatments:
        return set()
    waits = sa.func.count().filter(REMINDER.c.state.in_(_UNSETTLED))
    rows = await connection.execute(
        sa.select(REMINDER.c.clinic, REMINDER.c.treatment)
        .where(among(connection, (REMINDER.c.clinic, REMINDER.c.treatment), treatments))
        .group_by(REMINDER.c.clinic, REMINDER.c.treatment)
        .having(sa.and_(sa.func.max(REMINDER.c.expires_at) < before, waits == 0))
    )
    return {(row.clinic, row.treatment) for row in rows}


async def insert_reminders(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Insert planned reminders; one that is there already stays as it is."""
    await insert_many(connection, REMINDER, rows)


async def advise_under_way(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Tell reminders that a worker has taken up what the plan says of a further send: none, or by other times.

    `rows`: clinic, id and the columns to set. Should such a reminder wait again, the next start heeds them.
    """
    await update_many(connection, REMINDER, rows, by=("clinic", "id"), while_={"state": _UNSETTLED})


_UNSETTLED = (ReminderState.SENDING.value, ReminderState.SCHEDULED.value, ReminderState.NEEDS_REVIEW.value)

_PLANNABLE = states.sources(states.REMINDER, states.Cause.PLAN, ReminderState.SCHEDULED)

_REPLANNED = ("clinic", "id", "fence", "client", "protocol", "purpose", "topic", "media", "medium", "sender",
              "send_mode", "quiet", "if_unknown", "asks", "intended_at", "due_at", "expires_at", "zone", "local_time",
              "state", "reason", "by", "called_off", "updated_at")  # fmt: skip


async def replan_reminders(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Bring reminders up to date that planning moved, called off or wants again.

    One that a worker has taken up in the meantime (its fence moved) stays as the worker left it.
    """
    changed = [{name: row[name] for name in _REPLANNED} for row in rows]
    await update_many(connection, REMINDER, changed, by=("clinic", "id", "fence"), while_={"state": _PLANNABLE})


async def record_decisions(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Write decision lines: clinic, id, reminder, at, code, by, detail."""
    await insert_many(connection, DECISION, rows)


async def decisions_of_events(connection: AsyncConnection, events: Iterable[tuple[str, str]]) -> Sequence[Any]:
    """What these events, by (clinic, source and id), decided about reminders, each with its reminder."""
    columns = (REMINDER.c.treatment, REMINDER.c.client, REMINDER.c.step, REMINDER.c.occurrence)
    statement = (
        sa.select(DECISION, *columns)
        .join(REMINDER, sa.and_(REMINDER.c.clinic == DECISION.c.clinic, REMINDER.c.id == DECISION.c.reminder))
        .where(DECISION.c.event.is_not(None), among(connection, (DECISION.c.clinic, DECISION.c.event), events))
    )
    return (await connection.execute(statement)).all()
