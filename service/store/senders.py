"""A clinic's senders, as they are set up."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clinics import hold_clinic
from service.store.pauses import CLINIC_PAUSED
from service.store.tables import Clinic, Reminder, Sender, core
from service.types import Json, Medium, ReminderState

_DAY = timedelta(hours=24)

CLINIC, REMINDER, SENDER = core(Clinic), core(Reminder), core(Sender)


async def hold_sender(connection: AsyncConnection, clinic: str, medium: Medium) -> Any | None:
    """The clinic's sender of this medium, held until this transaction ends; the clinic is held too, so that nobody
    else adds one."""
    await hold_clinic(connection, clinic)
    query = sa.select(SENDER).where(SENDER.c.clinic == clinic, SENDER.c.medium == medium.value)
    return (await connection.execute(query.order_by(SENDER.c.id).with_for_update())).first()


async def change_sender(connection: AsyncConnection, clinic: str, medium: Medium, values: Mapping[str, Any]) -> None:
    named = sa.and_(SENDER.c.clinic == clinic, SENDER.c.medium == medium.value)
    await connection.execute(SENDER.update().where(named).values(**values))


async def open_day(connection: AsyncConnection, clinic: str, sender: str, now: datetime) -> None:
    """Look anew at a lane that is shut for the rest of its day: its cap is another one now."""
    named = sa.and_(SENDER.c.clinic == clinic, SENDER.c.id == sender)
    columns = (SENDER.c.day_began_at, SENDER.c.open_at)
    row = (await connection.execute(sa.select(*columns).where(named).with_for_update())).one()
    if full_until(row, now):
        await connection.execute(SENDER.update().where(named).values(open_at=now))


async def add_sender(connection: AsyncConnection, row: Json, now: datetime) -> None:
    """What was scheduled without a sender has this one from now on. Paused from the beginning where its clinic is.

    The clinic is held already, so that no event schedules anything meanwhile.
    """
    paused = await connection.scalar(
        sa.select(CLINIC.c.id).where(CLINIC.c.id == row["clinic"], CLINIC.c.paused_at.is_not(None))
    )
    held = {"paused_at": now, "paused_reason": CLINIC_PAUSED} if paused else {}
    waiting = sa.and_(
        REMINDER.c.state == sa.literal_column(f"'{ReminderState.SCHEDULED.value}'"),
        REMINDER.c.clinic == row["clinic"],
        REMINDER.c.sender.is_(None),
        REMINDER.c.medium == row["medium"],
    )
    next_due = await connection.scalar(sa.select(sa.func.min(REMINDER.c.due_at)).where(waiting))
    await connection.execute(SENDER.insert().values(row | held | {"next_due_at": next_due}))
    await connection.execute(REMINDER.update().where(waiting).values(sender=row["id"]))


async def held_senders(connection: AsyncConnection, clinic: str, now: datetime) -> Sequence[Any]:
    """A clinic's senders that are paused, or have sent as much as they may until `open_at`."""
    held = sa.or_(SENDER.c.paused_at.is_not(None), SENDER.c.open_at > now)
    rows = await connection.execute(sa.select(SENDER).where(SENDER.c.clinic == clinic, held).order_by(SENDER.c.id))
    return [row for row in rows if row.paused_at is not None or full_until(row, now)]


def full_until(row: Any, now: datetime) -> datetime | None:
    """When a sender that has sent as much as it may in a day goes on; None where it may send now."""
    full = row.day_began_at is not None and now < row.open_at and row.open_at >= row.day_began_at + _DAY
    return row.open_at if full else None


async def name_of(connection: AsyncConnection, clinic: str) -> str:
    return str(await connection.scalar(sa.select(CLINIC.c.name).where(CLINIC.c.id == clinic)))
