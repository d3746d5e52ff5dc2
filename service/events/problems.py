"""What is wrong with an event, in our words: a stable code, the place, and a sentence that never repeats the value."""

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from service.errors import Problem
from service.events.sentences import plain
from service.types import Json

MOST_PROBLEMS = 20
"""Of one event: an answer that lists thousands helps nobody."""
_LONGEST_KEY = 60

_SENTENCES = {
    "missing": ("missing-field", "this field is required"),
    "timezone_aware": ("naive-time", "the time has no offset: write it as 2026-11-20T15:00:00Z or with +01:00"),
    "datetime_from_date_parsing": ("invalid-time", "write the time as 2026-11-20T15:00:00Z"),
    "datetime_parsing": ("invalid-time", "write the time as 2026-11-20T15:00:00Z"),
    "model_type": ("not-an-object", "write this as a JSON object"),
    "string_pattern_mismatch": ("invalid-locale", "write the language as en, es or es-MX"),
    "string_too_short": ("empty-field", "this field may not be empty"),
    "string_too_long": ("too-long", "this text is too long"),
    "too_short": ("empty-field", "this field may not be empty"),
}

_REASONS = {
    "invalid-time": "write the time as 2026-11-20T15:00:00Z",
    "not-a-number": "write this as a whole number",
    "time-out-of-range": "the time lies outside of the years 1970 to 9999",
    "unknown-zone": "this is no time zone of the IANA database; write it as Europe/London",
    "missing-course": "name the course that the appointment continues: appointment.protocol, or course.id",
}


def problem_of(detail: Any, where: str) -> Problem:
    """A pydantic error in our words. The value itself is never repeated: it may be personal."""
    names = [part for part in detail["loc"] if part != "[key]"]  # of a name in an object, says pydantic
    place = path(where, ".".join(str(part)[:_LONGEST_KEY] for part in names))
    kind, reason = detail["type"], str((detail.get("ctx") or {}).get("error", ""))
    if reason in _REASONS:
        return Problem(reason, place, _REASONS[reason])
    if kind == "literal_error" and detail["loc"][-1] == "type":
        return Problem("unknown-event-type", place, f"the event type is not one of {detail['ctx']['expected']}")
    code, sentence = _SENTENCES.get(kind) or ("invalid-field", plain(detail))
    return Problem(code, place, sentence)


def unknown_fields(data: Json, shape: type[BaseModel], where: str) -> list[Problem]:
    """A warning for every field of the data that nothing reads: usually a misspelling."""
    found = []
    for key, value in data.items():
        place = path(where, key[:_LONGEST_KEY])
        field = shape.model_fields.get(key)
        if field is None:
            known = ", ".join(shape.model_fields)
            found.append(Problem("unknown-field", place, f"this field is kept but nothing reads it; known are {known}"))
        elif isinstance(value, dict) and (inner := _object(field.annotation)):
            found.extend(unknown_fields(value, inner, place))
    return found


def path(where: str, place: str) -> str:
    return f"{where}.{place}" if where and place else where or place


def _object(annotation: Any) -> type[BaseModel] | None:
    """The shape that a field holds, also where it may be left out."""
    kinds = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
