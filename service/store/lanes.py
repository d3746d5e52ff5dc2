"""Senders as lanes: which have something due, which are open, whose turn it is.

`next_due_at` may be too early, never too late. Whoever schedules a reminder lowers it as the last statement of the same
transaction, without looking first. Whoever recomputes it locks the lane first and looks after, so that the lowering is
either seen or waits, and then still lowers what could not be seen. Starts and settlements lock lanes last, and in one
order.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import update_many
from service.store.dialect import among_given, keys_for
from service.store.pauses import is_going
from service.store.tables import Reminder, Sender, core
from service.types import Json, ReminderState

REMINDER, SENDER = core(Reminder), core(Sender)

SCHEDULED = REMINDER.c.state == sa.literal_column(f"'{ReminderState.SCHEDULED.value}'")
"""Written out, not bound: only then does the planner see that the partial index fits."""

Lane = tuple[str, str]
"""(clinic, sender)."""

_MOMENT = sa.bindparam("b_due", type_=SENDER.c.next_due_at.type)
_EARLIER = sa.case(
    (sa.or_(SENDER.c.next_due_at.is_(None), SENDER.c.next_due_at > _MOMENT), _MOMENT), else_=SENDER.c.next_due_at
)
_LOWER = (
    SENDER.update()
    .where(SENDER.c.clinic == sa.bindparam("b_clinic"), SENDER.c.id == sa.bindparam("b_sender"))
    .values(next_due_at=_EARLIER)
)


async def lower_next_due(connection: AsyncConnection, due: Mapping[Lane, datetime]) -> None:
    """Tell each lane of something due at that instant. Must be the transaction's last statement: see above."""
    if due:
        rows = [{"b_clinic": lane[0], "b_sender": lane[1], "b_due": moment} for lane, moment in sorted(due.items())]
        await connection.execute(_LOWER, rows)


_NOW = sa.bindparam("now", type_=SENDER.c.next_due_at.type)

_OPEN_LANES = (
    sa.select(SENDER)
    .where(SENDER.c.paused_at.is_(None), SENDER.c.rate > 0, SENDER.c.next_due_at <= _NOW, SENDER.c.open_at <= _NOW)
    .order_by(SENDER.c.turn_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True, key_share=True)
)


async def lock_open_lanes(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Any]:
    """Lock lanes that have something due and may send, the one that waited longest for its turn first.

    Lanes that somebody else holds are passed over: they are being served.
    """
    return (await connection.execute(_OPEN_LANES, {"now": now, "most": limit})).all()


@cache
def _named(dialect: str) -> sa.Select[Any]:
    key = SENDER.c.clinic, SENDER.c.id
    return sa.select(SENDER).where(among_given(dialect, key, "lanes")).order_by(*key).with_for_update(key_share=True)


async def lock_lanes(connection: AsyncConnection, lanes: Collection[Lane]) -> dict[Lane, Any]:
    """Lock these lanes, waiting for whoever holds one, always in the same order; returns their rows as they are now."""
    rows = await connection.execute(_named(connection.dialect.name), {"lanes": keys_for(connection, lanes)})
    return {(row.clinic, row.id): row for row in rows.all()}


@cache
def _earliest(dialect: str) -> sa.Select[Any]:
    earliest = sa.select(sa.func.min(REMINDER.c.due_at)).where(
        SCHEDULED, REMINDER.c.clinic == SENDER.c.clinic, REMINDER.c.sender == SENDER.c.id
    )
    key = SENDER.c.clinic, SENDER.c.id
    return sa.select(*key, earliest.scalar_subquery()).where(among_given(dialect, key, "lanes"))


async def next_due(connection: AsyncConnection, lanes: Collection[Lane]) -> dict[Lane, datetime | None]:
    """When each lane's earliest scheduled reminder falls due."""
    rows = await connection.execute(_earliest(connection.dialect.name), {"lanes": keys_for(connection, lanes)})
    return {(clinic, sender): earliest for clinic, sender, earliest in rows.all()}


async def save_turns(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Write lanes at the beginning or the end of their turn: their key, and what it changes."""
    await update_many(connection, SENDER, rows, by=("clinic", "id"))


def _wake_up() -> sa.Select[Any]:
    open_lanes = sa.and_(SENDER.c.paused_at.is_(None), SENDER.c.rate > 0, SENDER.c.next_due_at.is_not(None))
    coming = sa.select(sa.func.min(SENDER.c.next_due_at)).where(open_lanes, SENDER.c.next_due_at > _NOW)
    waiting = sa.select(sa.func.min(SENDER.c.open_at)).where(open_lanes, SENDER.c.next_due_at <= _NOW)
    return sa.select(coming.scalar_subquery(), waiting.scalar_subquery())


_WAKE_UP = _wake_up()


async def next_wake_up(connection: AsyncConnection, now: datetime) -> datetime | None:
    """When a lane that may send has something to send next: in the past where something waits now."""
    later, sooner = (await connection.execute(_WAKE_UP, {"now": now})).one()
    return min((moment for moment in (later, sooner) if moment is not None), default=None)


async def pause_sender(connection: AsyncConnection, lane: Lane, reason: str, now: datetime) -> bool:
    """Stop starting from this sender; its reminders stay due. Returns whether it was open until now."""
    paused = await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == lane[0], SENDER.c.id == lane[1], SENDER.c.paused_at.is_(None))
        .values(paused_at=now, paused_reason=reason)
    )
    return paused.rowcount > 0


async def resume_senders(connection: AsyncConnection, clinic: str, now: datetime) -> int:
    """Let a clinic's paused senders go on, and look at what fell due meanwhile; none while the clinic is paused."""
    resumed = await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == clinic, SENDER.c.paused_at.is_not(None), is_going(clinic))
        .values(paused_at=None, paused_reason="", next_due_at=now, open_at=now)
    )
    return resumed.rowcount


async def shut_lane(connection: AsyncConnection, lane: Lane, until: datetime) -> None:
    """Start nothing from this sender before `until`: its provider asked for patience."""
    await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == lane[0], SENDER.c.id == lane[1], SENDER.c.open_at < until)
        .values(open_at=until)
    )
