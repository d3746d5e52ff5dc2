"""A clinic's locations: added, changed, removed. Each act is audited."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.clinic_fields import location_problems
from service.errors import BadInput, NotFound, Problem
from service.store import locations as store
from service.store.clinics import country_of_clinic
from service.store.replanning import replan_clinic


async def put_location(
    connection: AsyncConnection, clinic: str, location: str, values: Mapping[str, str], who: object, now: datetime
) -> None:
    """Add a location, or change what is given of it; what is planned there follows by its new zone within a minute.

    Raises BadInput with every problem.
    """
    known = await store.hold_location(connection, clinic, location)
    given = {"id": location, **({} if known else {"name": ""}), **values}
    if problems := location_problems(given, await country_of_clinic(connection, clinic)):
        raise BadInput(*problems)
    await store.save_location(connection, clinic, location, values, is_new=known is None)
    if "time_zone" in values and values["time_zone"] != (known.time_zone if known else ""):
        await replan_clinic(connection, clinic, now)
    await note(connection, clinic, who, Deed.LOCATION_CHANGED, now, about=location)


async def remove_location(connection: AsyncConnection, clinic: str, location: str, who: object, now: datetime) -> None:
    """What is planned there names the clinic's own address and phone from now on, in its zone. Raises NotFound."""
    if not await store.remove_location(connection, clinic, location):
        raise NotFound(Problem("unknown-location", location, "this clinic has no such location"))
    await replan_clinic(connection, clinic, now)
    await note(connection, clinic, who, Deed.LOCATION_REMOVED, now, about=location)
