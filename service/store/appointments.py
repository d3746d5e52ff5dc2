"""Appointments, voids, and a clinic's own codes of services."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import upsert_many
from service.store.dialect import among
from service.store.tables import Appointment, ServiceCode, Void, core
from service.types import Json

APPOINTMENT, VOID, SERVICE_CODE = core(Appointment), core(Void), core(ServiceCode)

Named = tuple[str, str]
"""(clinic, id)."""


async def appointments_by_id(connection: AsyncConnection, keys: Collection[Named]) -> dict[Named, Any]:
    if not keys:
        return {}
    rows = await connection.execute(
        sa.select(APPOINTMENT).where(among(connection, (APPOINTMENT.c.clinic, APPOINTMENT.c.id), keys))
    )
    return {(row.clinic, row.id): row for row in rows}


async def appointments_of_clients(connection: AsyncConnection, clients: Collection[Named]) -> Sequence[Any]:
    """Every appointment of these (clinic, client)s that was ever booked."""
    if not clients:
        return []
    named = among(connection, (APPOINTMENT.c.clinic, APPOINTMENT.c.client), clients)
    return (await connection.execute(sa.select(APPOINTMENT).where(named))).all()


async def save_appointments(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    await upsert_many(connection, APPOINTMENT, rows)


async def voids_by_treatment(connection: AsyncConnection, keys: Collection[Named]) -> dict[Named, Any]:
    if not keys:
        return {}
    rows = await connection.execute(sa.select(VOID).where(among(connection, (VOID.c.clinic, VOID.c.treatment), keys)))
    return {(row.clinic, row.treatment): row for row in rows}


async def save_voids(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """The caller has made sure that these are the newest."""
    await upsert_many(connection, VOID, rows)


async def protocols_of_codes(connection: AsyncConnection, codes: Iterable[Named]) -> dict[Named, str]:
    """What these (clinic, code)s stand for, as far as their clinics have said."""
    wanted = set(codes)
    if not wanted:
        return {}
    rows = await connection.execute(
        sa.select(SERVICE_CODE).where(among(connection, (SERVICE_CODE.c.clinic, SERVICE_CODE.c.code), wanted))
    )
    return {(row.clinic, row.code): row.protocol for row in rows}


async def codes_of_clinic(connection: AsyncConnection, clinic: str) -> dict[str, str]:
    """What a clinic's own codes stand for."""
    rows = await connection.execute(sa.select(SERVICE_CODE).where(SERVICE_CODE.c.clinic == clinic))
    return {row.code: row.protocol for row in rows}


async def save_code(connection: AsyncConnection, clinic: str, code: str, protocol: str) -> None:
    await upsert_many(connection, SERVICE_CODE, [{"clinic": clinic, "code": code, "protocol": protocol}])


async def rename_protocol(connection: AsyncConnection, clinic: str, code: str, protocol: str) -> None:
    """Appointments that were booked by this code are of that protocol."""
    named = sa.and_(APPOINTMENT.c.clinic == clinic, APPOINTMENT.c.protocol == code)
    await connection.execute(APPOINTMENT.update().where(named).values(protocol=protocol))
