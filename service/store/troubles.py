"""Senders that their provider refuses: what is known of the trouble, and the lanes that it holds up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.lanes import Lane
from service.store.pauses import is_going
from service.store.tables import Reminder, Sender, SenderWatch, core
from service.types import Json, Medium, ReminderState

SENDER, WATCH, REMINDER = core(Sender), core(SenderWatch), core(Reminder)

_WATCHED = sa.and_(WATCH.c.clinic == SENDER.c.clinic, WATCH.c.sender == SENDER.c.id)


async def troubled(connection: AsyncConnection, reasons: Sequence[str]) -> Sequence[Any]:
    """Senders that are paused for one of these reasons, or whose trouble is not called over yet."""
    paused = sa.and_(SENDER.c.paused_at.is_not(None), SENDER.c.paused_reason.in_(sorted(reasons)))
    columns = (
        *(SENDER.c[name] for name in ("clinic", "id", "medium", "paused_at", "paused_reason", "turn_at")),
        *(WATCH.c[name] for name in ("trouble", "trouble_since", "probes", "look_at", "check_since")),
    )
    query = sa.select(*columns).select_from(SENDER.outerjoin(WATCH, _WATCHED))
    return (await connection.execute(query.where(sa.or_(paused, WATCH.c.trouble != "")))).all()


async def watch(connection: AsyncConnection, lane: Lane, values: Json) -> None:
    """Note what is known of a sender's trouble."""
    statement = insert(connection, WATCH).values(clinic=lane[0], sender=lane[1], **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["clinic", "sender"], set_=values))


async def let_one_through(connection: AsyncConnection, lane: Lane, reason: str, now: datetime) -> bool:
    """Open a lane that is paused for this reason with a single token; whether it was.

    `next_due_at` stays as it is: an idle lane has no turn, and so proves nothing.
    """
    opened = await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == lane[0], SENDER.c.id == lane[1], SENDER.c.paused_reason == reason, is_going(lane[0]))
        .values(paused_at=None, paused_reason="", open_at=now, tokens=1.0, tokens_at=now)
    )
    return opened.rowcount > 0


async def open_lane(connection: AsyncConnection, lane: Lane, now: datetime, *, reason: str = "") -> bool:
    """Let a paused sender go on, where `reason` is given only one that is paused for that; whether it was.

    None of a clinic that is paused as a whole.
    """
    paused = SENDER.c.paused_reason == reason if reason else SENDER.c.paused_at.is_not(None)
    opened = await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == lane[0], SENDER.c.id == lane[1], paused, is_going(lane[0]))
        .values(paused_at=None, paused_reason="", next_due_at=now, open_at=now)
    )
    return opened.rowcount > 0


async def lock_stranded(
    connection: AsyncConnection, lane: Lane, before: datetime, now: datetime, limit: int
) -> Sequence[Any]:
    """Lock due reminders of a lane whose time is over before it goes on."""
    columns = ("clinic", "id", "client", "purpose", "media", "medium", "send_mode", "fence", "expires_at")
    query = (
        sa.select(*(REMINDER.c[name] for name in columns))
        .where(
            REMINDER.c.state == sa.literal_column(f"'{ReminderState.SCHEDULED.value}'"),
            REMINDER.c.clinic == lane[0],
            REMINDER.c.sender == lane[1],
            REMINDER.c.due_at <= now,
            REMINDER.c.expires_at > now,
            REMINDER.c.expires_at <= before,
        )
        .order_by(REMINDER.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await connection.execute(query)).all()


async def reroute(
    connection: AsyncConnection, row: Any, medium: Medium, sender: str, reason: str, now: datetime
) -> None:
    """Have a reminder sent by another channel, now."""
    await connection.execute(
        REMINDER.update()
        .where(REMINDER.c.clinic == row.clinic, REMINDER.c.id == row.id)
        .values(medium=medium.value, sender=sender, due_at=now, reason=reason, by="worker", updated_at=now)
    )


async def senders_of(connection: AsyncConnection, clinic: str) -> Sequence[Any]:
    """A clinic's senders: what is set for each, since when and why one is paused, and when that is looked at next."""
    columns = (SENDER.c.id, SENDER.c.medium, SENDER.c.address, SENDER.c.messaging_service, SENDER.c.rate,
               SENDER.c.daily_cap, SENDER.c.paused_at, SENDER.c.paused_reason, WATCH.c.look_at)  # fmt: skip
    query = sa.select(*columns).select_from(SENDER.outerjoin(WATCH, _WATCHED))
    return (await connection.execute(query.where(SENDER.c.clinic == clinic).order_by(SENDER.c.id))).all()
