"""A whole clinic, and pausing it: its senders are paused with it, so that starts and wake-ups need not know of clinics.

A sender that was paused for a reason of its own keeps it, and stays paused when the clinic goes on.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clinics import hold_clinic
from service.store.tables import Clinic, Location, Sender, core

CLINIC, LOCATION, SENDER = core(Clinic), core(Location), core(Sender)

CLINIC_PAUSED = "clinic-paused"
BY_HAND = "paused-by-hand"


async def pause_clinic(connection: AsyncConnection, clinic: str, now: datetime) -> bool:
    """Start nothing of this clinic any more; whether it was going until now.

    A start that is ending with one of its senders is waited for, and what it has begun goes out; one that is still
    deciding is rolled back.
    """
    await hold_clinic(connection, clinic)
    paused = await connection.execute(
        CLINIC.update().where(CLINIC.c.id == clinic, CLINIC.c.paused_at.is_(None)).values(paused_at=now)
    )
    await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == clinic, SENDER.c.paused_at.is_(None))
        .values(paused_at=now, paused_reason=CLINIC_PAUSED)
    )
    return paused.rowcount > 0


async def resume_clinic(connection: AsyncConnection, clinic: str, now: datetime) -> bool:
    """Let a paused clinic go on, what fell due meanwhile first; whether it was paused."""
    await hold_clinic(connection, clinic)
    resumed = await connection.execute(
        CLINIC.update().where(CLINIC.c.id == clinic, CLINIC.c.paused_at.is_not(None)).values(paused_at=None)
    )
    await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == clinic, SENDER.c.paused_reason == CLINIC_PAUSED)
        .values(paused_at=None, paused_reason="", next_due_at=now, open_at=now)
    )
    return resumed.rowcount > 0


async def clinic_whole(connection: AsyncConnection, clinic: str) -> dict[str, Any]:
    """All columns of a clinic, with its `locations` and `senders`."""
    row = (await connection.execute(sa.select(CLINIC).where(CLINIC.c.id == clinic))).one()
    found = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
    for name, table in (("locations", LOCATION), ("senders", SENDER)):
        rows = await connection.execute(sa.select(table).where(table.c.clinic == clinic).order_by(table.c.id))
        found[name] = [dict(one._mapping) for one in rows]  # noqa: SLF001
    return found


async def pause_of(connection: AsyncConnection, clinic: str, sender: str) -> str:
    """Why this clinic, or else this sender of it, is paused, as a code; empty where neither is."""
    of_clinic = sa.select(sa.literal(CLINIC_PAUSED)).where(CLINIC.c.id == clinic, CLINIC.c.paused_at.is_not(None))
    own = sa.select(SENDER.c.paused_reason).where(
        SENDER.c.clinic == clinic, SENDER.c.id == sender, SENDER.c.paused_at.is_not(None)
    )
    return await connection.scalar(of_clinic) or await connection.scalar(own) or ""


def is_going(clinic: str) -> sa.ColumnElement[bool]:
    """For statements about its senders: the clinic is not paused."""
    return ~sa.exists().where(CLINIC.c.id == clinic, CLINIC.c.paused_at.is_not(None))
