"""Reminders that ask something, of clinics where nobody would hear the answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.store.dialect import among
from service.store.reminders import record_decisions
from service.store.tables import Clinic, Reminder, core
from service.types import ReminderState

CLINIC, REMINDER = core(Clinic), core(Reminder)

NO_ALERT_ADDRESS: Final = "no-alert-address"

ASKS: Final = sa.and_(REMINDER.c.asks.is_not(None), sa.cast(REMINDER.c.asks, sa.Text) != "null")
"""Reminders that ask something. SQLite keeps an absent JSON value as `null`."""

_SCHEDULED = REMINDER.c.state == sa.literal_column(f"'{ReminderState.SCHEDULED.value}'")


async def deaf_clinics(connection: AsyncConnection) -> Sequence[str]:
    """The clinics without an alert address, by name."""
    rows = await connection.execute(sa.select(CLINIC.c.id).where(CLINIC.c.alert_email == "").order_by(CLINIC.c.id))
    return [row.id for row in rows]


async def call_off_unheard(connection: AsyncConnection, now: datetime, limit: int) -> Mapping[str, int]:
    """Cancel at most `limit` scheduled questions of clinics without an alert address; how many of each clinic."""
    unheard = (
        sa.select(REMINDER.c.clinic, REMINDER.c.id)
        .join(CLINIC, CLINIC.c.id == REMINDER.c.clinic)
        .where(_SCHEDULED, CLINIC.c.alert_email == "", ASKS)
        .limit(limit)
        .with_for_update(of=REMINDER, skip_locked=True)
    )
    keys = [(row.clinic, row.id) for row in await connection.execute(unheard)]
    if not keys:
        return {}
    await connection.execute(
        REMINDER.update()
        .where(among(connection, (REMINDER.c.clinic, REMINDER.c.id), keys), _SCHEDULED)
        .values(state=ReminderState.CANCELLED.value, reason=NO_ALERT_ADDRESS, by="plan", updated_at=now)
    )
    lines = [
        {
            "clinic": clinic,
            "id": uuid7(),
            "reminder": id_,
            "at": now,
            "code": NO_ALERT_ADDRESS,
            "by": "plan",
            "detail": {},
        }
        for clinic, id_ in keys
    ]
    await record_decisions(connection, lines)
    return Counter(clinic for clinic, _ in keys)
