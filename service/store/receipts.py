"""What receipts read and write: attempts by their token, and the reminders that follow them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import Attempt, Reminder, core
from service.types import AttemptState, Receipt, ReminderState

ATTEMPT, REMINDER = core(Attempt), core(Reminder)

_FOLLOWS = [
    ReminderState.SENDING.value,
    ReminderState.SENT.value,
    ReminderState.NEEDS_REVIEW.value,
]
"""A reminder in another state was settled by something that a receipt does not outrank."""


async def lock_attempt(connection: AsyncConnection, token: str | None, provider_id: str) -> Any:
    """Lock the attempt that a receipt is about: by its token, else by the provider's id."""
    named = ATTEMPT.c.token == token if token else ATTEMPT.c.provider_id == provider_id
    return (await connection.execute(sa.select(ATTEMPT).where(named).with_for_update())).first()


async def advance_attempt(
    connection: AsyncConnection, attempt: Any, state: AttemptState, receipt: Receipt, now: datetime
) -> None:
    await connection.execute(
        ATTEMPT.update()
        .where(ATTEMPT.c.clinic == attempt.clinic, ATTEMPT.c.id == attempt.id)
        .values(
            state=state.value,
            provider_id=attempt.provider_id or receipt.provider_id or None,
            failure=receipt.failure.value if receipt.failure else attempt.failure,
            code=receipt.code or "",
            receipt_at=receipt.at or now,
            look_up_at=None,
        )
    )


async def follow(connection: AsyncConnection, attempt: Any, state: ReminderState, code: str, now: datetime) -> None:
    """Take the reminder along, while this attempt is still its latest."""
    await connection.execute(
        REMINDER.update()
        .where(
            REMINDER.c.clinic == attempt.clinic,
            REMINDER.c.id == attempt.reminder,
            REMINDER.c.fence == attempt.fence,
            REMINDER.c.state.in_(_FOLLOWS),
        )
        .values(state=state.value, reason=code, by="worker", lease_until=None, updated_at=now)
    )
