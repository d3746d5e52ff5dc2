"""Who has not been seen for long: clients without a visit or an appointment since, in clinics that forget them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import insert_many
from service.store.dialect import among
from service.store.tables import Appointment, Client, Clinic, RetentionMark, Treatment, core

APPOINTMENT, CLIENT, CLINIC = core(Appointment), core(Client), core(Clinic)
MARK, TREATMENT = core(RetentionMark), core(Treatment)

KIND: Final = "absent"
"""The kind of the marks that say how far this got."""
_VISITS: Final = ("planned", "unmapped")
"""States of treatments that took place, as far as is known."""


async def begin_marks(connection: AsyncConnection, now: datetime) -> None:
    """Begin with clinics that were told to forget and that nobody has looked at yet."""
    begun = sa.exists().where(MARK.c.clinic == CLINIC.c.id, MARK.c.kind == KIND)
    new = sa.select(CLINIC.c.id).where(CLINIC.c.forget_after_months > 0, ~begun).limit(100)
    rows = [{"clinic": clinic, "kind": KIND, "reached": [], "look_at": now} for clinic in await connection.scalars(new)]
    await insert_many(connection, MARK, rows)


async def months_kept(connection: AsyncConnection, clinic: str) -> int:
    """After how many months this clinic forgets a client; 0: never."""
    return await connection.scalar(sa.select(CLINIC.c.forget_after_months).where(CLINIC.c.id == clinic)) or 0


async def people_after(
    connection: AsyncConnection, clinic: str, ref: str, before: datetime, limit: int
) -> Sequence[Any]:
    """The clients after this one in order: ref, and whether they are absent since `before`."""
    query = sa.select(CLIENT.c.ref, _absent_since(before).label("absent"))
    known = query.where(CLIENT.c.clinic == clinic, CLIENT.c.ref > ref, CLIENT.c.erased_at.is_(None))
    return (await connection.execute(known.order_by(CLIENT.c.ref).limit(limit))).all()


async def absent_among(
    connection: AsyncConnection, clinic: str, refs: Collection[str], before: datetime
) -> Sequence[str]:
    """Those of these clients who are absent since `before`. The caller holds them: nobody comes in meanwhile."""
    these = among(connection, (CLIENT.c.clinic, CLIENT.c.ref), [(clinic, ref) for ref in refs])
    query = sa.select(CLIENT.c.ref).where(these, CLIENT.c.erased_at.is_(None), _absent_since(before))
    return (await connection.scalars(query.order_by(CLIENT.c.ref))).all()


def _absent_since(before: datetime) -> sa.ColumnElement[bool]:
    """No visit and no appointment since; of whom no visit is known, nothing was told since."""
    visit = sa.exists().where(
        TREATMENT.c.client == CLIENT.c.ref, TREATMENT.c.clinic == CLIENT.c.clinic, TREATMENT.c.state.in_(_VISITS)
    )
    appointment = sa.exists().where(
        APPOINTMENT.c.client == CLIENT.c.ref,
        APPOINTMENT.c.clinic == CLIENT.c.clinic,
        APPOINTMENT.c.starts_at >= before,
    )
    return sa.and_(~visit.where(TREATMENT.c.ended_at >= before), ~appointment, sa.or_(CLIENT.c.as_of < before, visit))
