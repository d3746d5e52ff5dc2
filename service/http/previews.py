"""POST /v1/preview: what an event would make of itself, message by message, with nothing stored."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request

from service import clock
from service.errors import BadInput, Problem
from service.events import EXAMPLES, Event, TreatmentCompleted, event_from, parse_json
from service.http.auth import Caller, Keys
from service.http.event_docs import event_schema
from service.http.limits import Turns
from service.http.manners import allowed, problem, read_body, v1_router
from service.http.preview_shapes import PreviewBody
from service.http.repeats import repeatable
from service.types import Json

LookAhead = Callable[[str, Event], Awaitable[Json]]
"""(clinic, event) -> the preview as `PreviewBody` has it."""

_COMPLETED = "treatment.completed"
_BODY_LIMIT = 64 * 1024


def previews_router(look_ahead: LookAhead, keys: Keys, future_tolerance: timedelta) -> APIRouter:
    router, turns = v1_router(route_class=repeatable(keys, "plans:read")), Turns()
    content = {
        "schema": event_schema(_COMPLETED),
        "examples": {_COMPLETED: {"value": EXAMPLES[_COMPLETED]}},
    }
    body = {"requestBody": {"required": True, "content": {"application/json": content}}}

    @router.post("/v1/preview", summary="Preview an event's messages", tags=["Events"], response_model=PreviewBody,
                 openapi_extra=body, responses=_MORE)  # fmt: skip
    async def preview_event(request: Request, caller: Annotated[Caller, allowed(keys, "plans:read")]) -> Any:
        """Of a `treatment.completed`: when each message would go out, in which words, and what would hold it back."""
        value = parse_json(await read_body(request, _BODY_LIMIT))
        event = event_from(value, received_at=clock.now(), future_tolerance=future_tolerance)
        if not isinstance(event.data, TreatmentCompleted):
            raise BadInput(Problem("not-previewable", "type", f"only a {_COMPLETED} makes a plan of its own"))
        async with turns.turn(caller.clinic):
            return await look_ahead(caller.clinic, event)

    return router


_MORE: dict[int | str, Json] = {
    409: problem("It contradicts what is stored (`event-conflict`, `client-erased`)."),
    413: problem("The body is too large (`body-too-large`)."),
}
