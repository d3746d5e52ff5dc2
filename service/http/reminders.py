"""/v1/reminders: what goes out, when, why not; and what a person may do about it.

The acts can be sent again, with or without an Idempotency-Key: one that was performed already answers the same and
changes nothing.
"""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from service.acts.acts import Act, Cancel, Move, Resolve, Retry, SendNow, Who
from service.acts.performing import Acts
from service.audit import Deed, note
from service.desk import mark_of, open_reminder, page_json
from service.http.auth import Caller, Keys
from service.http.manners import Instant, allowed, body_as, body_of, no_such, problem, v1_router
from service.http.repeats import repeatable
from service.http.shapes import MoveBody, ReminderPage, ReminderWhole, ResolveBody
from service.store.desk import Wanted, reminders_page
from service.store.session import Database
from service.types import Json, ReminderState

Limit = Annotated[int, Query(ge=1, le=200)]
Seen = Annotated[str | None, Header(alias="If-Match", description="The `version` that you saw.")]

_CONFLICTS = (
    "The rules forbid it now (`reminder-in-flight`, `reminder-in-doubt`, `nothing-in-doubt`, `reminder-settled`, "
    "`reminder-not-scheduled`, `reminder-scheduled`, `reminder-not-planned`, `reminder-already-sent`, "
    "`reminder-expired`, `time-passed`, `after-expiry`, `in-quiet-hours`); the sentence says what would help."
)
_OF_ONE: dict[int | str, Json] = {404: problem("This clinic has no such reminder (`unknown-reminder`).")}
_OF_ACTS = _OF_ONE | {409: problem(_CONFLICTS), 412: problem("It has changed since you saw it (`reminder-changed`).")}


@dataclass(frozen=True, slots=True)
class _Desk:
    database: Database
    acts: Acts

    async def show(self, clinic: str, identity: UUID, who: Who, response: Response) -> Json:
        async with self.database.write() as connection:
            now = await self.database.now(connection)
            opened = await open_reminder(connection, clinic, identity, now)
            if opened is None:
                raise no_such("reminder")
            await note(connection, clinic, who, Deed.MESSAGE_READ, now, about=identity, client=opened.row.client)
        response.headers["ETag"] = f'"{opened.version}"'
        return opened.as_json()

    async def perform(self, identity: UUID, act: Act, caller: Caller, seen: str | None, response: Response) -> Json:
        version = seen.strip().strip('"') if seen else None
        who = Who("key", caller.key)
        await self.acts.perform(caller.clinic, identity, act, who, version=version)
        return await self.show(caller.clinic, identity, who, response)


def reminders_router(database: Database, keys: Keys, acts: Acts) -> APIRouter:
    router = v1_router(tags=["Reminders"], route_class=repeatable(keys, "plans:write"))
    desk = _Desk(database, acts)
    _reading(router, desk, allowed(keys, "plans:read"))
    _acting(router, desk, allowed(keys, "plans:write"))
    _acting_with_a_body(router, desk, allowed(keys, "plans:write"))
    return router


def _reading(router: APIRouter, desk: _Desk, reader: Any) -> None:
    @router.get("/v1/reminders", summary="List reminders", response_model=ReminderPage)
    async def list_reminders(
        caller: Annotated[Caller, reader],
        state: Annotated[list[ReminderState] | None, Query(description="One or several.")] = None,
        client: str | None = None,
        treatment: str | None = None,
        due_from: Instant | None = None,
        due_to: Annotated[Instant | None, Query(description="Not at this instant any more.")] = None,
        limit: Limit = 50,
        cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    ) -> Any:
        """Those that wait for a person first, then the others; in both the latest planned first."""
        wanted = Wanted(tuple(state or ()), client, treatment, due_from, due_to)
        after = mark_of(cursor) if cursor else None
        async with desk.database.read() as connection:
            rows = await reminders_page(connection, caller.clinic, wanted, after, limit + 1)
        return page_json(rows, limit)

    @router.get("/v1/reminders/{id}", summary="One reminder, with its story", response_model=ReminderWhole,
                responses=_OF_ONE)  # fmt: skip
    async def get_reminder(id: UUID, caller: Annotated[Caller, reader], response: Response) -> Any:  # noqa: A002
        return await desk.show(caller.clinic, id, Who("key", caller.key), response)


_ACT: dict[str, Any] = {"response_model": ReminderWhole, "responses": _OF_ACTS}


def _acting(router: APIRouter, desk: _Desk, writer: Any) -> None:
    @router.post("/v1/reminders/{id}/cancel", summary="Never send it", **_ACT)
    async def cancel(id: UUID, caller: Annotated[Caller, writer], response: Response, seen: Seen = None) -> Any:  # noqa: A002
        """Call a reminder off for good: no later event plans it again."""
        return await desk.perform(id, Cancel(), caller, seen, response)

    @router.post("/v1/reminders/{id}/send-now", summary="Have it fall due at once", **_ACT)
    async def send_now(id: UUID, caller: Annotated[Caller, writer], response: Response, seen: Seen = None) -> Any:  # noqa: A002
        """Consent, caps and the sender are checked as always; quiet hours and expiry are told here."""
        return await desk.perform(id, SendNow(), caller, seen, response)

    @router.post("/v1/reminders/{id}/retry", summary="Try it once more", **_ACT)
    async def retry(id: UUID, caller: Annotated[Caller, writer], response: Response, seen: Seen = None) -> Any:  # noqa: A002
        """After it failed, was not delivered, expired early, was skipped, or was called off by a person."""
        return await desk.perform(id, Retry(), caller, seen, response)


def _acting_with_a_body(router: APIRouter, desk: _Desk, writer: Any) -> None:
    @router.post("/v1/reminders/{id}/move", summary="Give it another time", **_ACT,
                 openapi_extra=body_of(MoveBody, instant={"to": "2026-11-21T15:30:00Z"},
                                       local={"to": "2026-11-21T15:30"}))  # fmt: skip
    async def move(
        id: UUID, request: Request, caller: Annotated[Caller, writer], response: Response, seen: Seen = None  # noqa: A002
    ) -> Any:  # fmt: skip
        """Outside of the client's quiet hours, and before it expires."""
        body = await body_as(MoveBody, request)
        return await desk.perform(id, Move(body.to), caller, seen, response)

    @router.post("/v1/reminders/{id}/resolve", summary="Settle whether it went out", **_ACT,
                 openapi_extra=body_of(ResolveBody, sent={"as": "sent"}, again={"as": "send-again"},
                                       over={"as": "give-up"}))  # fmt: skip
    async def resolve(
        id: UUID, request: Request, caller: Annotated[Caller, writer], response: Response, seen: Seen = None  # noqa: A002
    ) -> Any:  # fmt: skip
        """Where neither the provider's answer nor its records could tell."""
        body = await body_as(ResolveBody, request)
        return await desk.perform(id, Resolve(body.verdict), caller, seen, response)
