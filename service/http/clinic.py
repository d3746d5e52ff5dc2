"""/v1/clinic: the clinic of the key, as it is set up; changing and pausing it is for operators.

The same of any clinic, for the platform, is in `service.http.clinics`: only who may ask and the address differ.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.acts.acts import Who
from service.audit import Deed, note
from service.clinics import change_clinic, change_problems
from service.errors import BadInput, Conflict, Problem
from service.http.auth import Caller, Keys
from service.http.clinic_shapes import ClinicBody, ClinicChange
from service.http.manners import allowed, body_as, body_of, problem, v1_router
from service.http.repeats import repeatable
from service.store.clinics import country_of_clinic, hold_clinic
from service.store.pauses import clinic_whole, pause_clinic, resume_clinic
from service.store.session import Database
from service.store.signals import notify
from service.types import Json

Seen = Annotated[str | None, Header(alias="If-Match", description="The `ETag` that you saw.")]

_CHANGED: dict[int | str, Json] = {412: problem("It has changed since you saw it (`clinic-changed`).")}


class Changed(Conflict):
    status = 412


@dataclass(frozen=True, slots=True)
class Door:
    """How one comes to a clinic's things: `path` is their address, `reader` and `operator` are the callers, as
    dependencies, whose clinic it is."""

    path: str
    reader: Any
    operator: Any


def clinic_router(database: Database, keys: Keys) -> APIRouter:
    router = v1_router(tags=["Clinic"], route_class=repeatable(keys, "operator"))
    clinic_routes(router, database, Door("/v1/clinic", allowed(keys, "plans:read"), allowed(keys, "operator")))
    return router


def clinic_routes(router: APIRouter, database: Database, door: Door) -> None:
    """Reading, changing, pausing and resuming the clinic behind this door."""
    _setting(router, database, door)
    _pausing(router, database, door)


def _setting(router: APIRouter, database: Database, door: Door) -> None:
    @router.get(door.path, summary="A clinic, as it is set up", response_model=ClinicBody)
    async def get_clinic(caller: Annotated[Caller, door.reader], response: Response) -> Any:
        return await show(database, caller.clinic, response)

    @router.patch(door.path, summary="Change what is set for the clinic", response_model=ClinicBody,
                  responses=_CHANGED, openapi_extra=body_of(ClinicChange, hours={"quiet_start": "21:00"},
                  caps={"caps": {"care": {"most": 2, "days": 1}, "review": None}}))  # fmt: skip
    async def change(
        request: Request, caller: Annotated[Caller, door.operator], response: Response, seen: Seen = None
    ) -> Any:
        """What is planned follows within a minute, by the new zone and quiet hours."""
        async with database.read() as connection:
            country = await country_of_clinic(connection, caller.clinic)
        given = await body_as(ClinicChange, request, rules=lambda known: change_problems(known, country))
        values = given.model_dump(exclude_none=True) | _caps_of(given)
        if not values:
            raise BadInput(Problem("nothing-to-set", "body", "name what to change"))
        async with database.write() as connection:
            now = await database.now(connection)
            await _require_unchanged(connection, caller.clinic, seen)
            await change_clinic(connection, caller.clinic, values, now)
            about = " ".join(sorted(values))
            await note(connection, caller.clinic, Who("key", caller.key), Deed.CLINIC_CHANGED, now, about=about)
        return await show(database, caller.clinic, response)


def _pausing(router: APIRouter, database: Database, door: Door) -> None:
    @router.post(f"{door.path}/pause", summary="Start nothing more", response_model=ClinicBody)
    async def pause(caller: Annotated[Caller, door.operator], response: Response) -> Any:
        """Its reminders stay due, and expire where the pause is too long."""
        async with database.write() as connection:
            now = await database.now(connection)
            await pause_clinic(connection, caller.clinic, now)
            await note(connection, caller.clinic, Who("key", caller.key), Deed.CLINIC_PAUSED, now)
        return await show(database, caller.clinic, response)

    @router.post(f"{door.path}/resume", summary="Let the clinic go on", response_model=ClinicBody)
    async def resume(caller: Annotated[Caller, door.operator], response: Response) -> Any:
        """A sender that was paused for a reason of its own stays paused."""
        async with database.write() as connection:
            now = await database.now(connection)
            await resume_clinic(connection, caller.clinic, now)
            await note(connection, caller.clinic, Who("key", caller.key), Deed.CLINIC_RESUMED, now)
            await notify(connection, now)
        return await show(database, caller.clinic, response)


async def show(database: Database, clinic: str, response: Response) -> Json:
    """A clinic as it is set up, with its ETag."""
    async with database.read() as connection:
        whole = await clinic_whole(connection, clinic)
    response.headers["ETag"] = f'"{_tag(whole)}"'
    return whole


async def _require_unchanged(connection: AsyncConnection, clinic: str, seen: str | None) -> None:
    """Hold the clinic, where it is as it was seen; any version will do where none is named. Raises Changed."""
    if seen is None or seen.strip() == "*":
        return
    await hold_clinic(connection, clinic)
    if seen.strip().removeprefix("W/").strip('"') != _tag(await clinic_whole(connection, clinic)):
        raise Changed(Problem("clinic-changed", "If-Match", "it has changed since you saw it: read it again"))


def _tag(whole: Json) -> str:
    return hashlib.sha256(ClinicBody.model_validate(whole).model_dump_json().encode()).hexdigest()[:16]


def _caps_of(given: ClinicChange) -> Json:
    """Caps as they are given: a null there says something."""
    return {"caps": given.model_dump(include={"caps"})["caps"]} if given.caps else {}
