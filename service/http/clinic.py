"""/v1/clinic: the clinic of the key, as it is set up; changing and pausing it is for operators.

Clinics are made with `aftercare clinic add`: no key reaches further than one of them.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from service.acts.acts import Who
from service.audit import Deed, note
from service.clinics import change_clinic
from service.errors import BadInput, Problem
from service.http.auth import Caller, Keys
from service.http.clinic_shapes import ClinicBody
from service.http.manners import Body, allowed, body_as, body_of, v1_router
from service.http.repeats import repeatable
from service.store.pauses import clinic_whole, pause_clinic, resume_clinic
from service.store.session import Database
from service.store.signals import notify
from service.types import Json


class ClinicChange(Body):
    """What is left out stays as it is."""

    name: str | None = Field(None, max_length=120)
    time_zone: str | None = Field(None, max_length=60)
    locale: str | None = Field(None, max_length=20)
    country: str | None = Field(None, max_length=2)
    address: str | None = Field(None, max_length=300)
    phone: str | None = Field(None, max_length=40)
    urgent_phone: str | None = Field(None, max_length=40)
    booking_url: str | None = Field(None, max_length=500)
    care_consent: Literal["assumed", "explicit"] | None = None
    quiet_start: str | None = Field(None, max_length=5, description="Local time: `20:00`.")
    quiet_end: str | None = Field(None, max_length=5)
    quiet_email: bool | None = None
    sms_countries: list[str] | None = Field(None, max_length=50, description="Where its texts may go; none: its own.")
    brand: dict[Literal["colour", "logo"], str] | None = Field(None, description="`#rrggbb`, and an https address.")


def clinic_router(database: Database, keys: Keys) -> APIRouter:
    router = v1_router(tags=["Clinic"], route_class=repeatable(keys, "operator"))
    operator = allowed(keys, "operator")
    _setting(router, database, allowed(keys, "plans:read"), operator)
    _pausing(router, database, operator)
    return router


def _setting(router: APIRouter, database: Database, reader: Any, operator: Any) -> None:
    @router.get("/v1/clinic", summary="The clinic of the key", response_model=ClinicBody)
    async def get_clinic(caller: Annotated[Caller, reader]) -> Any:
        return await _show(database, caller)

    @router.patch("/v1/clinic", summary="Change what is set for the clinic", response_model=ClinicBody,
                  openapi_extra=body_of(ClinicChange, hours={"quiet_start": "21:00"}))  # fmt: skip
    async def change(request: Request, caller: Annotated[Caller, operator]) -> Any:
        """What is planned follows within a minute, by the new zone and quiet hours."""
        given = await body_as(ClinicChange, request)
        values = given.model_dump(exclude_none=True)
        if not values:
            raise BadInput(Problem("nothing-to-set", "body", "name what to change"))
        async with database.write() as connection:
            now = await database.now(connection)
            await change_clinic(connection, caller.clinic, values, now)
            about = " ".join(sorted(values))
            await note(connection, caller.clinic, Who("key", caller.key), Deed.CLINIC_CHANGED, now, about=about)
        return await _show(database, caller)


def _pausing(router: APIRouter, database: Database, operator: Any) -> None:
    @router.post("/v1/clinic/pause", summary="Start nothing more", response_model=ClinicBody)
    async def pause(caller: Annotated[Caller, operator]) -> Any:
        """Its reminders stay due, and expire where the pause is too long."""
        async with database.write() as connection:
            now = await database.now(connection)
            await pause_clinic(connection, caller.clinic, now)
            await note(connection, caller.clinic, Who("key", caller.key), Deed.CLINIC_PAUSED, now)
        return await _show(database, caller)

    @router.post("/v1/clinic/resume", summary="Let the clinic go on", response_model=ClinicBody)
    async def resume(caller: Annotated[Caller, operator]) -> Any:
        """A sender that was paused for a reason of its own stays paused."""
        async with database.write() as connection:
            now = await database.now(connection)
            await resume_clinic(connection, caller.clinic, now)
            await note(connection, caller.clinic, Who("key", caller.key), Deed.CLINIC_RESUMED, now)
            await notify(connection, now)
        return await _show(database, caller)


async def _show(database: Database, caller: Caller) -> Json:
    async with database.read() as connection:
        return await clinic_whole(connection, caller.clinic)
