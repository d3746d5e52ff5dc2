"""What rescue writes: unknown attempts, their resolution, and reminders whose time is over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import states
from service.store.tables import Attempt, Reminder, Sender, core
from service.types import AttemptState, Json, ReminderState

ATTEMPT, REMINDER, SENDER = core(Attempt), core(Reminder), core(Sender)

_SENDING, _SCHEDULED = ReminderState.SENDING.value, ReminderState.SCHEDULED.value
_IN_DOUBT = states.sources(states.REMINDER, states.Cause.RECORDS, ReminderState.NEEDS_REVIEW)


async def mark_unknown(connection: AsyncConnection, row: Any, *, look_up_at: datetime, now: datetime) -> None:
    """The lease of this attempt ran out. Its reminder stays `sending`: nothing falls due again by itself."""
    await connection.execute(
        ATTEMPT.update()
        .where(ATTEMPT.c.clinic == row.clinic, ATTEMPT.c.id == row.id, ATTEMPT.c.state == AttemptState.SENDING.value)
        .values(state=AttemptState.UNKNOWN.value, code="lease-ran-out", look_up_at=look_up_at, settled_at=now)
    )


async def resends_of(connection: AsyncConnection, clinic: str, reminder: Any) -> int:
    """How many of a reminder's attempts were found absent: each led to a further send."""
    count = await connection.scalar(
        sa.select(sa.func.count())
        .select_from(ATTEMPT)
        .where(
            ATTEMPT.c.clinic == clinic,
            ATTEMPT.c.reminder == reminder,
            ATTEMPT.c.state == AttemptState.ABSENT.value,
        )
    )
    return count or 0


async def resolve_attempt(
    connection: AsyncConnection, row: Any, state: AttemptState, evidence: Json, now: datetime
) -> None:
    """Store what an unknown attempt, which the caller has locked, turned out not to be."""
    await connection.execute(
        ATTEMPT.update()
        .where(ATTEMPT.c.clinic == row.clinic, ATTEMPT.c.id == row.id)
        .values(state=state.value, evidence=evidence, settled_at=now, look_up_at=None)
    )


async def keep_evidence(connection: AsyncConnection, attempt: Any, evidence: Json) -> None:
    """What an unknown outcome was resolved by."""
    await connection.execute(
        ATTEMPT.update().where(ATTEMPT.c.clinic == attempt.clinic, ATTEMPT.c.id == attempt.id).values(evidence=evidence)
    )


async def settle_unknown(
    connection: AsyncConnection, row: Any, state: ReminderState, reason: str, now: datetime
) -> None:
    """Move the reminder whose latest attempt was unknown; one that has been taken up again stays as it is."""
    await connection.execute(
        REMINDER.update()
        .where(
            REMINDER.c.clinic == row.clinic,
            REMINDER.c.id == row.reminder,
            REMINDER.c.fence == row.fence,
            REMINDER.c.state.in_(_IN_DOUBT),
        )
        .values(
            state=state.value,
            reason=reason,
            by="plan" if state is ReminderState.CANCELLED else "worker",
            lease_until=None,
            due_at=now if state is ReminderState.SCHEDULED else REMINDER.c.due_at,
            updated_at=now,
        )
    )


async def expire_scheduled(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Any]:
    """Expire reminders that wait, on any lane, past their expiry: also those of paused senders and of none."""
    reason = sa.case((REMINDER.c.sender.is_(None), "no-sender"), else_="expired")
    return await _overtake(connection, _SCHEDULED, ReminderState.EXPIRED, reason, now, limit)


async def hold_stuck(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Any]:
    """Reminders whose outcome is still unknown at their expiry wait for a person."""
    reason = sa.literal("outcome-unknown")
    return await _overtake(connection, _SENDING, ReminderState.NEEDS_REVIEW, reason, now, limit)


async def _overtake(
    connection: AsyncConnection,
    found: str,
    state: ReminderState,
    reason: sa.ColumnElement[str],
    now: datetime,
    limit: int,
) -> Sequence[Any]:
    leased = sa.or_(REMINDER.c.lease_until.is_(None), REMINDER.c.lease_until <= now)
    chosen = (
        sa.select(REMINDER.c.clinic, REMINDER.c.id)
        .where(REMINDER.c.state == found, REMINDER.c.expires_at <= now, leased)
        .order_by(REMINDER.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    moved = await connection.execute(
        REMINDER.update()
        .where(sa.tuple_(REMINDER.c.clinic, REMINDER.c.id).in_(sa.select(chosen.c.clinic, chosen.c.id)))
        .values(state=state.value, reason=reason, by="worker", lease_until=None, updated_at=now)
        .returning(REMINDER.c.clinic, REMINDER.c.id, REMINDER.c.state, REMINDER.c.reason)
    )
    return moved.all()


async def sender_row(connection: AsyncConnection, clinic: str, sender: str) -> Any:
    return (await connection.execute(sa.select(SENDER).where(SENDER.c.clinic == clinic, SENDER.c.id == sender))).first()
