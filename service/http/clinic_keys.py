"""/v1/clinics/{clinic}/keys: a clinic's keys, made and ended by whoever runs the platform."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from service.acts.acts import Who
from service.http.auth import Caller
from service.http.clinic import Door
from service.http.clinic_shapes import KeyList, KeyToAdd, KeyToRotate, NewKeyBody
from service.http.manners import body_as, body_of, problem
from service.keyring import add_key, end_key, renew_key
from service.store.keys import key_row, keys_of, prefix_of
from service.store.session import Database
from service.types import Json

_OF_ONE: dict[int | str, Json] = {404: problem("The clinic has no such key that works now (`unknown-key`).")}

_ADD = body_of(
    KeyToAdd,
    reports={"scopes": ["events:write", "plans:read"]},
    operator={"scopes": ["operator", "templates:write"], "lasts_days": 90},
)
_ROTATE = body_of(KeyToRotate, week={}, at_once={"grace_hours": 0})


def key_routes(router: APIRouter, database: Database, door: Door) -> None:
    _listing(router, database, door)
    _making(router, database, door)
    _ending(router, database, door)


def _listing(router: APIRouter, database: Database, door: Door) -> None:
    @router.get(f"{door.path}/keys", summary="List a clinic's keys", response_model=KeyList)
    async def list_keys(caller: Annotated[Caller, door.reader]) -> Any:
        """The oldest first, with those that ended."""
        async with database.read() as connection:
            return {"keys": [_shown(row) for row in await keys_of(connection, caller.clinic)]}


def _making(router: APIRouter, database: Database, door: Door) -> None:
    @router.post(f"{door.path}/keys", summary="Make a key for a clinic", status_code=201, response_model=NewKeyBody,
                 openapi_extra=_ADD)  # fmt: skip
    async def make_key(request: Request, caller: Annotated[Caller, door.operator]) -> Any:
        """The key is shown this once: only its digest is kept."""
        given = await body_as(KeyToAdd, request)
        lasts = timedelta(days=given.lasts_days) if given.lasts_days else None
        async with database.write() as connection:
            now, who = await database.now(connection), Who("key", caller.key)
            key = await add_key(connection, caller.clinic, who, now, scopes=given.scopes, lasts=lasts)
            return await _made(connection, caller.clinic, key)

    @router.post(f"{door.path}/keys/{{prefix}}/rotate", summary="Make a key that may do the same", status_code=201,
                 response_model=NewKeyBody, responses=_OF_ONE, openapi_extra=_ROTATE)  # fmt: skip
    async def rotate_key(request: Request, prefix: str, caller: Annotated[Caller, door.operator]) -> Any:
        """For as long as the old one was made for; the old one ends with the grace."""
        grace = timedelta(hours=(await body_as(KeyToRotate, request)).grace_hours)
        async with database.write() as connection:
            now, who = await database.now(connection), Who("key", caller.key)
            key = await renew_key(connection, caller.clinic, who, prefix, now, grace)
            return await _made(connection, caller.clinic, key)


def _ending(router: APIRouter, database: Database, door: Door) -> None:
    @router.delete(f"{door.path}/keys/{{prefix}}", summary="Revoke a key", status_code=204, responses=_OF_ONE)
    async def revoke_key(prefix: str, caller: Annotated[Caller, door.operator]) -> Response:
        """It stops working within five seconds."""
        async with database.write() as connection:
            now = await database.now(connection)
            await end_key(connection, caller.clinic, Who("key", caller.key), prefix, now)
        return Response(status_code=204)


async def _made(connection: Any, clinic: str, key: str) -> Json:
    return _shown(await key_row(connection, clinic, prefix_of(key))) | {"key": key}


def _shown(row: Any) -> Json:
    names = ("prefix", "created_at", "last_used_at", "expires_at", "revoked_at")
    return {name: getattr(row, name) for name in names} | {"scopes": row.scopes.split()}
