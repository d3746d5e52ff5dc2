"""What OpenAPI says about `POST /v1/events`, whose body is read and checked by the rooms behind it."""

from typing import Any

from service.events import ENVELOPES, EXAMPLES
from service.http.manners import ERRORS, problem, schema_of
from service.intake.answer import Standing
from service.types import Json


def event_docs() -> dict[str, Any]:
    """Arguments of the route: the bodies that are taken, with an example of each type, and the answers."""
    one = {"oneOf": [event_schema(name) for name in ENVELOPES], "title": "An event"}
    body = {"schema": {"oneOf": [one, {"type": "array", "items": one, "title": "A batch"}]}, "examples": _examples()}
    kinds = {"application/json": body, "application/cloudevents+json": body}
    return {
        # The key is asked for by the handler itself: a dependency would cost each event more than reading it.
        "openapi_extra": {"security": [{"key": []}], "requestBody": {"required": True, "content": kinds}},
        "responses": {
            **ERRORS,
            200: _answer("The event was known: the same plan again."),
            201: _answer("The event is recorded; its plan."),
            207: {"description": "A batch: one result an event, in order; each has its own `status`."},
            409: problem("It contradicts what is stored (`event-conflict`, `client-erased`)."),
            413: problem("The body or the batch is too large (`body-too-large`, `batch-too-large`)."),
        },
    }


def event_schema(name: str) -> Json:
    """The shape of events of one type."""
    schema = schema_of(ENVELOPES[name])
    return schema | {"title": name, "properties": schema["properties"] | {"type": {"const": name}}}


def _examples() -> Json:
    found = {name: {"summary": name, "value": event} for name, event in EXAMPLES.items()}
    batch = [EXAMPLES["treatment.completed"], EXAMPLES["appointment.booked"]]
    return {**found, "batch": {"summary": "Several at once", "value": batch}}


def _answer(sentence: str) -> Json:
    line = {
        "type": "object",
        "properties": {
            **{name: {"type": "string"} for name in ("id", "step", "purpose", "medium", "state", "zone")},
            "occurrence": {"type": "integer"},
            "reason": {"type": ["string", "null"]},
            **{name: {"type": "string", "format": "date-time"} for name in ("due_at", "expires_at")},
        },
    }
    schema = {
        "type": "object",
        "required": ["event", "result", "plan", "warnings"],
        "properties": {
            "event": {"type": "object", "properties": {"source": {"type": "string"}, "id": {"type": "string"}}},
            "result": {"type": "string", "enum": [standing.value for standing in Standing]},
            "plan": {"type": "array", "items": line},
            "warnings": {"type": "array", "items": {"type": "object"}},
        },
    }
    return {"description": sentence, "content": {"application/json": {"schema": schema}}}
