"""A clinic's locations, as they are set up."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clinics import hold_clinic
from service.store.tables import Clinic, Location, core

CLINIC, LOCATION = core(Clinic), core(Location)


async def hold_location(connection: AsyncConnection, clinic: str, location: str) -> Any | None:
    """The location as it is, with its clinic held until this transaction ends, so that nobody else adds one."""
    await hold_clinic(connection, clinic)
    return (await connection.execute(sa.select(LOCATION).where(_named(clinic, location)))).first()


async def save_location(
    connection: AsyncConnection, clinic: str, location: str, values: Mapping[str, str], *, is_new: bool
) -> None:
    if is_new:
        empty = dict.fromkeys(("time_zone", "address", "phone", "urgent_phone", "booking_url"), "")
        await connection.execute(LOCATION.insert().values({"clinic": clinic, "id": location} | empty | dict(values)))
    elif values:
        await connection.execute(LOCATION.update().where(_named(clinic, location)).values(**values))


async def remove_location(connection: AsyncConnection, clinic: str, location: str) -> bool:
    """Whether there was one."""
    return (await connection.execute(LOCATION.delete().where(_named(clinic, location)))).rowcount > 0


def _named(clinic: str, location: str) -> sa.ColumnElement[bool]:
    return sa.and_(LOCATION.c.clinic == clinic, LOCATION.c.id == location)
