"""What belongs to a clinic, set up by whoever runs the platform: its locations, its senders, its codes of services."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.acts.acts import Who
from service.clinic_fields import location_problems
from service.desk import reason_json
from service.errors import BadInput, Problem, told_by
from service.http.auth import Caller
from service.http.clinic import Door
from service.http.clinic_shapes import (
    CodeList,
    CodeMapped,
    CodeMeaning,
    LocationBody,
    LocationChange,
    LocationList,
    SenderChange,
    SenderLine,
    SenderList,
)
from service.http.manners import body_as, body_of, no_such, problem
from service.intake.mapping import codes_json, map_code
from service.locations import put_location, remove_location
from service.protocols import Protocol
from service.senders import hold_back, let_go_on, put_sender
from service.store.clinics import country_of_clinic
from service.store.pauses import clinic_whole
from service.store.senders import full_until
from service.store.session import Database
from service.types import Json, Medium

_LOCATION: dict[int | str, Json] = {404: problem("The clinic has no such location (`unknown-location`).")}
_SENDER: dict[int | str, Json] = {404: problem("The clinic has no such sender (`unknown-sender`).")}
_TAKEN: dict[int | str, Json] = {409: problem("Another clinic's texts come from there (`sender-taken`).")}
_HELD: dict[int | str, Json] = _SENDER | {
    409: problem("It is paused already (`sender-paused`), or its whole clinic is (`clinic-paused`).")
}
_SOHO = body_of(LocationChange, soho={"name": "Glow Soho", "phone": "+44 20 7946 0018"})
_SENDERS = body_of(
    SenderChange,
    number={"address": "+447400123400", "rate": 10},
    service={"messaging_service": "MG0123456789abcdef0123456789abcdef", "daily_cap": 2000},
)
_LONGEST_CODE = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """What it takes to set up what belongs to clinics."""

    database: Database
    protocols: Mapping[str, Protocol]
    inbound: Callable[[str], str | None]
    """Where the provider of texts is to post what clients of this clinic text; None where it cannot reach us."""


def part_routes(router: APIRouter, parts: Parts, door: Door) -> None:
    _locations(router, parts.database, door)
    _senders(router, parts, door)
    _holding(router, parts, door)
    _codes(router, parts, door)


def _locations(router: APIRouter, database: Database, door: Door) -> None:
    @router.get(f"{door.path}/locations", summary="List a clinic's locations", response_model=LocationList)
    async def list_locations(caller: Annotated[Caller, door.reader]) -> Any:
        async with database.read() as connection:
            return {"locations": (await clinic_whole(connection, caller.clinic))["locations"]}

    @router.put(f"{door.path}/locations/{{location:path}}", summary="Add or change a location",
                response_model=LocationBody, openapi_extra=_SOHO)  # fmt: skip
    async def put(request: Request, location: str, caller: Annotated[Caller, door.operator]) -> Any:
        """Events name it by its id. What is planned there follows by its new zone within a minute."""
        async with database.read() as connection:
            country = await country_of_clinic(connection, caller.clinic)
        given = await body_as(LocationChange, request, rules=lambda known: location_problems(known, country))
        values = given.model_dump(exclude_none=True)
        async with database.write() as connection:
            now = await database.now(connection)
            with told_by(lambda place: "location" if place == "id" else place):
                await put_location(connection, caller.clinic, location, values, Who("key", caller.key), now)
            found = (await clinic_whole(connection, caller.clinic))["locations"]
        return next(one for one in found if one["id"] == location)

    @router.delete(f"{door.path}/locations/{{location:path}}", summary="Remove a location", status_code=204,
                   responses=_LOCATION)  # fmt: skip
    async def remove(location: str, caller: Annotated[Caller, door.operator]) -> Response:
        """What is planned there names the clinic's own address and phone from then on."""
        async with database.write() as connection:
            now = await database.now(connection)
            await remove_location(connection, caller.clinic, location, Who("key", caller.key), now)
        return Response(status_code=204)


def _senders(router: APIRouter, parts: Parts, door: Door) -> None:
    @router.get(f"{door.path}/senders", summary="List a clinic's senders", response_model=SenderList)
    async def list_senders(caller: Annotated[Caller, door.reader]) -> Any:
        async with parts.database.read() as connection:
            now = await parts.database.now(connection)
            found = (await clinic_whole(connection, caller.clinic))["senders"]
        return {"senders": [_sender(row, parts, now) for row in found]}

    @router.put(f"{door.path}/senders/{{medium}}", summary="Set up or change a sender", response_model=SenderLine,
                responses=_TAKEN, openapi_extra=_SENDERS)  # fmt: skip
    async def put(request: Request, medium: Medium, caller: Annotated[Caller, door.operator]) -> Any:
        """What was planned without one goes from a new one."""
        given = await body_as(SenderChange, request)
        values = given.model_dump(exclude_none=True)
        if "daily_cap" in given.model_fields_set:
            values["daily_cap"] = given.daily_cap
        if not values:
            raise BadInput(Problem("nothing-to-set", "body", "name what to change"))
        async with parts.database.write() as connection:
            now = await parts.database.now(connection)
            with told_by(lambda place: place.rpartition(".")[2]):
                await put_sender(connection, caller.clinic, medium, values, Who("key", caller.key), now)
            return await _sender_of(connection, parts, caller.clinic, medium, now)


def _holding(router: APIRouter, parts: Parts, door: Door) -> None:
    @router.post(f"{door.path}/senders/{{medium}}/pause", summary="Start nothing more from a sender",
                 response_model=SenderLine, responses=_HELD)  # fmt: skip
    async def pause(medium: Medium, caller: Annotated[Caller, door.operator]) -> Any:
        """Its messages stay due until they expire."""
        async with parts.database.write() as connection:
            now = await parts.database.now(connection)
            await hold_back(connection, caller.clinic, medium.value, Who("key", caller.key), now)
            return await _sender_of(connection, parts, caller.clinic, medium, now)

    @router.post(f"{door.path}/senders/{{medium}}/resume", summary="Let a sender go on", response_model=SenderLine,
                 responses=_HELD)  # fmt: skip
    async def resume(medium: Medium, caller: Annotated[Caller, door.operator]) -> Any:
        """Whatever paused it; what fell due meanwhile is looked at now."""
        async with parts.database.write() as connection:
            now = await parts.database.now(connection)
            await let_go_on(connection, caller.clinic, medium.value, Who("key", caller.key), now)
            return await _sender_of(connection, parts, caller.clinic, medium, now)


def _codes(router: APIRouter, parts: Parts, door: Door) -> None:
    @router.get(f"{door.path}/service-codes", summary="List a clinic's own codes of services", response_model=CodeList)
    async def list_codes(caller: Annotated[Caller, door.reader]) -> Any:
        """What each means, and how many treatments wait for a meaning."""
        async with parts.database.read() as connection:
            return {"codes": await codes_json(connection, caller.clinic)}

    @router.put(f"{door.path}/service-codes/{{code:path}}", summary="Say what a code means", response_model=CodeMapped,
                openapi_extra=body_of(CodeMeaning, needling={"protocol": "microneedling"}))  # fmt: skip
    async def put(request: Request, code: str, caller: Annotated[Caller, door.operator]) -> Any:
        """From now on, and for all treatments that waited for it: they are planned. Nothing is sent for the past."""
        given = await body_as(CodeMeaning, request)
        if not code.strip() or len(code) > _LONGEST_CODE:
            raise BadInput(Problem("too-long", "code", f"a code is 1 to {_LONGEST_CODE} characters"))
        who = Who("key", caller.key)
        mapped = await map_code(parts.database, parts.protocols, caller.clinic, code, given.protocol, who)
        return {"code": code, "protocol": given.protocol, **mapped.as_json()}


async def _sender_of(connection: AsyncConnection, parts: Parts, clinic: str, medium: Medium, now: datetime) -> Json:
    for row in (await clinic_whole(connection, clinic))["senders"]:
        if row["medium"] == medium:
            return _sender(row, parts, now)
    raise no_such("sender")


def _sender(row: Json, parts: Parts, now: datetime) -> Json:
    paused = {"since": row["paused_at"], "reason": reason_json(row["paused_reason"])} if row["paused_at"] else None
    inbound = parts.inbound(row["clinic"]) if row["medium"] == Medium.SMS else None
    return row | {"paused": paused, "inbound_url": inbound, "full_until": full_until(SimpleNamespace(**row), now)}
