"""/v1/clinics: all clinics, for whoever runs the platform. It opens to the platform's keys alone, and they open nothing
else: a clinic is set up here, and what it reports, plans and sends is read with a key of its own.
"""

from dataclasses import replace
from datetime import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from service.acts.acts import Who
from service.audit import Deed, note
from service.clinic_fields import clinic_problems
from service.clinics import ClinicDefaults, NewClinic, NewPlace, add_clinic, as_stored, sender_problems
from service.errors import Problem, told_by
from service.http.auth import Caller, Keys
from service.http.clinic import Door, clinic_routes, show
from service.http.clinic_keys import key_routes
from service.http.clinic_parts import Parts, part_routes
from service.http.clinic_shapes import ClinicBody, ClinicPage, ClinicToAdd
from service.http.manners import allowed, body_as, body_of, no_such_clinic, problem, v1_router
from service.http.repeats import repeatable
from service.http.staff import staff_routes
from service.staff import StaffBook
from service.store.clinics import clinic_exists, clinics_page
from service.store.keys import PLATFORM_SCOPE
from service.store.session import Database
from service.types import Json

_PATH = "/v1/clinics/{clinic}"
_LARGEST = 64 * 1024
_TAKEN: dict[int | str, Json] = {
    409: problem(
        "The short name is taken (`clinic-exists`), or another clinic's texts come from there (`sender-taken`)."
    )
}
_GLOW: Json = {"id": "glow-soho", "name": "Glow Soho", "time_zone": "Europe/London", "country": "GB",
               "phone": "+44 20 7946 0018"}  # fmt: skip
_WHOLE: Json = _GLOW | {
    "alert_email": "desk@glow.example",
    "sms_from": "+447400123400",
    "email_from": "care@glow.example",
    "caps": {"care": {"most": 2, "days": 1}},
    "locations": [{"id": "soho", "name": "Glow Soho", "urgent_phone": "+44 20 7946 0000"}],
}


def clinics_router(
    database: Database, keys: Keys, defaults: ClinicDefaults, people: StaffBook, parts: Parts
) -> APIRouter:
    router = v1_router(tags=["Platform"], route_class=repeatable(keys, PLATFORM_SCOPE, hidden="key"))
    platform = allowed(keys, PLATFORM_SCOPE)
    _listing(router, database, platform)
    _adding(router, database, platform, defaults)
    one = _of_clinic(keys, database)
    door = Door(_PATH, one, one)
    clinic_routes(router, database, door)
    key_routes(router, database, door)
    part_routes(router, parts, door)
    staff_routes(router, people, f"{_PATH}/staff", one)
    return router


def _of_clinic(keys: Keys, database: Database) -> Any:
    """The platform as the caller of a clinic that the address names."""

    async def caller(request: Request, clinic: str) -> Caller:
        found = await keys.caller(request, PLATFORM_SCOPE)
        async with database.read() as connection:
            if not await clinic_exists(connection, clinic):
                raise no_such_clinic()
        return replace(found, clinic=clinic)

    return Depends(caller)


def _listing(router: APIRouter, database: Database, platform: Any) -> None:
    @router.get("/v1/clinics", summary="List clinics", response_model=ClinicPage)
    async def list_clinics(
        caller: Annotated[Caller, platform],
        paused: Annotated[bool | None, Query(description="Only those that are paused, or that are not.")] = None,
        mode: Annotated[Literal["live", "outbox"] | None, Query(description="Only those of this `mode`.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    ) -> Any:
        """In order of their short names."""
        live = None if mode is None else mode == "live"
        async with database.read() as connection:
            rows = await clinics_page(connection, paused=paused, live=live, after=cursor, limit=limit + 1)
        lines = [dict(row._mapping) | {"mode": "live" if row.live else "outbox"} for row in rows[:limit]]  # noqa: SLF001 - SQLAlchemy's documented accessor
        return {"clinics": lines, "next": rows[limit - 1].id if len(rows) > limit else None}


def _adding(router: APIRouter, database: Database, platform: Any, defaults: ClinicDefaults) -> None:
    @router.post("/v1/clinics", summary="Add a clinic", status_code=201, response_model=ClinicBody, responses=_TAKEN,
                 openapi_extra=body_of(ClinicToAdd, plain=_GLOW, whole=_WHOLE))  # fmt: skip
    async def add(request: Request, response: Response, caller: Annotated[Caller, platform]) -> Any:
        """Nothing of it is sent to anybody until it has confirmed a protocol, with a key of its own."""
        new = _new_clinic(await body_as(ClinicToAdd, request, _LARGEST, _further_problems), defaults)
        async with database.write() as connection:
            now = await database.now(connection)
            with told_by(_written):
                await add_clinic(connection, new, now)
            await note(connection, new.id, Who("key", caller.key), Deed.CLINIC_ADDED, now)
        response.headers["Location"] = f"/v1/clinics/{new.id}"
        return await show(database, new.id, response)


_SENDERS = {
    "senders.sms.address": "sms_from",
    "senders.sms.messaging_service": "sms_service",
    "senders.email.address": "email_from",
}


def _written(place: str) -> str:
    return _SENDERS.get(place, place)


def _further_problems(known: Json) -> list[Problem]:
    """What else is wrong with a clinic of which something cannot be read."""
    senders = ClinicDefaults().senders(*(known.get(name, "") for name in _SENDERS.values()))
    of_senders = sender_problems([as_stored(sender, known.get("country", "")) for sender in senders])
    return [*clinic_problems(known), *(replace(one, where=_written(one.where)) for one in of_senders)]


def _new_clinic(given: ClinicToAdd, defaults: ClinicDefaults) -> NewClinic:
    own = {"quiet_start", "quiet_end", "sms_from", "sms_service", "email_from", "locations"}
    return NewClinic(
        **given.model_dump(exclude=own),
        quiet_start=time.fromisoformat(given.quiet_start) if given.quiet_start else defaults.quiet_start,
        quiet_end=time.fromisoformat(given.quiet_end) if given.quiet_end else defaults.quiet_end,
        senders=defaults.senders(given.sms_from, given.sms_service, given.email_from),
        places=[NewPlace(**place.model_dump(exclude_none=True)) for place in given.locations],
    )
