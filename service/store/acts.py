"""What a person's act reads and writes: one reminder and its attempts, held against workers meanwhile."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import states
from service.store.tables import Attempt, Reminder, core
from service.types import AttemptState, Json

ATTEMPT, REMINDER = core(Attempt), core(Reminder)


async def hold_reminder(connection: AsyncConnection, clinic: str, identity: UUID) -> tuple[Any, Sequence[Any]] | None:
    """Lock a reminder and its attempts; None where the clinic has no such reminder.

    A start that holds the reminder is waited for, and what it has made of it is seen: the statements read anew.
    Attempts are locked first, as everyone does who takes both, and read last, so that the newest is among them.
    """
    attempts = (
        sa.select(ATTEMPT).where(ATTEMPT.c.clinic == clinic, ATTEMPT.c.reminder == identity).order_by(ATTEMPT.c.fence)
    )
    await connection.execute(attempts.with_for_update())
    reminder = sa.select(REMINDER).where(REMINDER.c.clinic == clinic, REMINDER.c.id == identity).with_for_update()
    row = (await connection.execute(reminder)).first()
    return (row, (await connection.execute(attempts)).all()) if row is not None else None


async def change_reminder(connection: AsyncConnection, row: Any, values: Json) -> None:
    """Set these columns of a reminder that is held. Raises IllegalMove."""
    states.check(states.REMINDER, states.Cause.PERSON, row.state, values["state"])
    await connection.execute(
        REMINDER.update().where(REMINDER.c.clinic == row.clinic, REMINDER.c.id == row.id).values(**values)
    )


async def settle_attempt(
    connection: AsyncConnection, clinic: str, identity: UUID, state: AttemptState, evidence: Json, now: datetime
) -> None:
    """Store what a person knows about an attempt that is held; it is looked up no more."""
    await connection.execute(
        ATTEMPT.update()
        .where(ATTEMPT.c.clinic == clinic, ATTEMPT.c.id == identity)
        .values(state=state.value, evidence=evidence, settled_at=now, look_up_at=None)
    )
