"""What the console reads of visits: those that are planned, and those that wait for a protocol.

Every query is one clinic's.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import Client, Clinic, Location, Treatment, core

CLIENT, CLINIC, LOCATION, TREATMENT = core(Client), core(Clinic), core(Location), core(Treatment)

_PLANNED: sa.ColumnElement[str] = sa.literal_column("'planned'")
"""Written out, so that the partial index is seen to fit."""
_TREATMENTS = sa.select(
    TREATMENT,
    CLIENT.c.first_name,
    sa.func.coalesce(LOCATION.c.name, TREATMENT.c.location).label("place"),
    sa.func.coalesce(
        sa.func.nullif(CLIENT.c.time_zone, ""), sa.func.nullif(LOCATION.c.time_zone, ""), CLINIC.c.time_zone
    ).label("zone"),
).select_from(
    TREATMENT.join(CLINIC, CLINIC.c.id == TREATMENT.c.clinic)
    .join(CLIENT, sa.and_(CLIENT.c.clinic == TREATMENT.c.clinic, CLIENT.c.ref == TREATMENT.c.client))
    .outerjoin(LOCATION, sa.and_(LOCATION.c.clinic == TREATMENT.c.clinic, LOCATION.c.id == TREATMENT.c.location))
)


async def treatments(
    connection: AsyncConnection, clinic: str, *, before: str | None = None, limit: int
) -> Sequence[Any]:
    """Planned treatments, the latest first; `before` is the last one of the page shown already."""
    query = _TREATMENTS.where(TREATMENT.c.clinic == clinic, TREATMENT.c.state == _PLANNED)
    if before is not None:
        mark = sa.select(TREATMENT.c.ended_at, TREATMENT.c.id).where(
            TREATMENT.c.clinic == clinic, TREATMENT.c.id == before
        )
        query = query.where(sa.tuple_(TREATMENT.c.ended_at, TREATMENT.c.id) < mark.scalar_subquery())
    return (
        await connection.execute(query.order_by(TREATMENT.c.ended_at.desc(), TREATMENT.c.id.desc()).limit(limit))
    ).all()


async def treatment(connection: AsyncConnection, clinic: str, identity: str) -> Any | None:
    return (
        await connection.execute(_TREATMENTS.where(TREATMENT.c.clinic == clinic, TREATMENT.c.id == identity))
    ).first()


async def unmapped(connection: AsyncConnection, clinic: str, *, limit: int) -> Sequence[Any]:
    """Service codes that no protocol covers: the code, how many visits came with it, and when the latest ended."""
    return (
        await connection.execute(
            sa.select(
                TREATMENT.c.protocol.label("code"),
                sa.func.count().label("visits"),
                sa.func.max(TREATMENT.c.ended_at).label("latest"),
            )
            .where(TREATMENT.c.clinic == clinic, TREATMENT.c.state == "unmapped")
            .group_by(TREATMENT.c.protocol)
            .order_by(sa.desc("latest"))
            .limit(limit)
        )
    ).all()
