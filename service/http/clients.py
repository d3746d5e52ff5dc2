"""/v1/clients and /v1/audit: what a person may ask of us, and who looked at what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from service.acts.acts import Who
from service.audit import Deed, lines_json, note
from service.errors import BadInput, Problem
from service.http.auth import Caller, Keys
from service.http.manners import Instant, allowed, no_such, problem, v1_router
from service.intake.group import Intake
from service.privacy import Show, dossier, erase
from service.store.audit import Sought, lines_page
from service.store.session import Database
from service.types import Json

SCOPE = "clients:write"
Limit = Annotated[int, Query(ge=1, le=200)]
_OF_ONE: Mapping[int | str, Json] = {404: problem("This clinic has no such client (`unknown-client`).")}


class DossierBody(BaseModel):
    """All that is stored about a client: every column of every row, as docs/privacy.md describes."""

    model_config = ConfigDict(extra="allow")

    clinic: str
    exported_at: datetime
    client: dict[str, Any]


class ErasedBody(BaseModel):
    client: str
    called_off: int
    """Reminders that were coming, and are not sent."""


class AuditLine(BaseModel):
    id: str
    at: datetime
    who: str
    act: Deed
    about: str | None
    client: str | None


class AuditPage(BaseModel):
    lines: list[AuditLine]
    next: str | None


def clients_router(database: Database, keys: Keys, intake: Intake, show: Show) -> APIRouter:
    """To be included before `records_router`, whose addresses of clients end in anything."""
    router = v1_router()
    keeper = allowed(keys, SCOPE)

    @router.get("/v1/clients/{ref:path}/export", summary="All that is stored about a client", tags=["Clients"],
                response_model=DossierBody, responses=dict(_OF_ONE))  # fmt: skip
    async def export_client(ref: str, caller: Annotated[Caller, keeper]) -> Any:
        """For the person themselves: with the words of each message. It is logged who asked for it."""
        async with database.read() as connection:
            now = await database.now(connection)
            found = await dossier(connection, caller.clinic, ref, show, now)
        if found is None:
            raise no_such("client")
        async with database.write() as connection:
            await note(connection, caller.clinic, Who("key", caller.key), Deed.CLIENT_EXPORTED, now, client=ref)
        return found

    @router.delete("/v1/clients/{ref:path}", summary="Erase a client", tags=["Clients"], response_model=ErasedBody,
                   responses=dict(_OF_ONE))  # fmt: skip
    async def erase_client(ref: str, caller: Annotated[Caller, keeper]) -> Any:
        """The same as an event `client.erased`: personal data goes for good, what counts stays, what was coming is
        called off. A second time changes nothing."""
        called_off = await erase(database, intake, caller.clinic, ref, Who("key", caller.key))
        return {"client": ref, "called_off": called_off}

    @router.get("/v1/audit", summary="Who read or changed what", tags=["Audit"], response_model=AuditPage)
    async def list_audit(
        caller: Annotated[Caller, keeper],
        client: str = "",
        who: str = "",
        act: Deed | None = None,
        since: Instant | None = None,
        limit: Limit = 50,
        cursor: Annotated[str, Query(description="`next` of the page before.")] = "",
    ) -> Any:
        """The latest first."""
        sought = Sought(client, who, act.value if act else "", since)
        async with database.read() as connection:
            rows = await lines_page(connection, caller.clinic, sought, _mark(cursor), limit + 1)
        return lines_json(rows, limit)

    return router


def _mark(cursor: str) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise BadInput(Problem("bad-cursor", "cursor", "take `next` of the page before")) from None
