"""The shape of an event: CloudEvents 1.0 around what was done to whom.

Only `treatment.id`, `treatment.protocol`, `treatment.ended_at` and `client.ref` are required of the data. Attributes of
the envelope that we do not know are CloudEvents extensions and are kept; fields of the data that we do not know are
named as warnings. A null says as much as a field left out. Times must carry an offset and lie at most
`future_tolerance` ahead.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from service.errors import BadInput, Problem
from service.timing import zone_named
from service.types import Json, Kind, Medium, Purpose

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_PROBLEMS = 20
"""Of one event: an answer that lists thousands helps nobody."""
_LONGEST_KEY = 60
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _known_zone(name: str) -> str:
    try:
        zone_named(name)
    except BadInput as error:
        raise ValueError(error.code) from None
    return name


def _written_out(value: object) -> object:
    """A bare number could be seconds or milliseconds: only a date is a time."""
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("invalid-time")
    return value


def _in_range(moment: datetime) -> datetime:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("time-out-of-range") from None
    if utc < EARLIEST:
        raise ValueError("time-out-of-range")
    return utc


def _no_yes_or_no(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("not-a-number")  # noqa: TRY004 - pydantic only takes a ValueError
    return value


Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_range)]
Whole = Annotated[int, BeforeValidator(_no_yes_or_no)]
Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, value: Any) -> Any:
        return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value


class TreatmentData(_Shape):
    """One visit. `ended_at` is what every offset runs from."""

    id: Key
    protocol: Key
    ended_at: Moment
    version: Whole | None = Field(default=None, ge=0, le=2**53)
    kind: Kind = Kind.SESSION
    area: Line = ""
    location: Line = ""
    provider: Line = ""
    note: Note = ""


class CourseData(_Shape):
    """Which of how many. `id` defaults to client, protocol and area together."""

    id: Key | None = None
    session: Whole | None = Field(default=None, ge=1, le=1000)
    of: Whole | None = Field(default=None, ge=1, le=1000)


class ClientData(_Shape):
    """The person. Phone and email are judged later: a bad one is stored as unusable, never refused."""

    ref: Key
    first_name: Line | None = None
    phone: Line | None = None
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=320)] | None = None
    time_zone: Zone | None = None
    locale: Locale | None = None
    consent: dict[Purpose, list[Medium]] = Field(default_factory=dict)


class TreatmentCompleted(_Shape):
    """The data of `treatment.completed`."""

    treatment: TreatmentData
    course: CourseData = CourseData()
    client: ClientData


class _Envelope(_Shape):
    specversion: Literal["1.0"]
    id: Key
    source: Key
    type: Literal["treatment.completed"]
    time: Moment | None = None
    data: TreatmentCompleted


@dataclass(frozen=True, slots=True)
class Event:
    """A checked event. `digest` is over its canonical JSON: the same key with another digest is another event."""

    id: str
    source: str
    type: str
    time: datetime
    data: TreatmentCompleted
    body: Json
    digest: str
    warnings: tuple[Problem, ...]


def event_from(value: Any, *, received_at: datetime, future_tolerance: timedelta, where: str = "") -> Event:
    """Check one parsed event.

    Raises BadInput with a problem for each thing that is wrong, each with its JSON path. `where` leads the paths of an
    event that came in a batch or a file: `[3]`, `visits.ndjson:17`.
    """
    if not isinstance(value, dict):
        raise BadInput(Problem("not-an-object", where or "body", "an event is a JSON object (CloudEvents 1.0)"))
    try:
        envelope = _Envelope.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)[:_MOST_PROBLEMS]
        raise BadInput(*(_problem(detail, where) for detail in details)) from None
    _refuse_future(envelope, received_at + future_tolerance, future_tolerance, where)
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time=envelope.time or received_at,
        data=envelope.data,
        body=value,
        digest=_digest(value, where),
        warnings=tuple(_unknown_fields(value["data"], TreatmentCompleted, _path(where, "data"))[:_MOST_PROBLEMS]),
    )


def _digest(value: Json, where: str) -> str:
    try:
        # Inside of two lists, as it will lie inside of rows: orjson stops at 254 levels.
        canonical = orjson.dumps([[value]], option=orjson.OPT_SORT_KEYS)
    except TypeError:
        sentence = "the event holds a number beyond 64 bits or more than 250 levels, which cannot be stored"
        raise BadInput(Problem("not-storable", where or "body", sentence)) from None
    return hashlib.sha256(canonical).hexdigest()


def _refuse_future(envelope: _Envelope, latest: datetime, tolerance: timedelta, where: str) -> None:
    times = {"time": envelope.time, "data.treatment.ended_at": envelope.data.treatment.ended_at}
    hours = round(tolerance.total_seconds() / 3600)
    problems = [
        Problem(
            "time-in-future",
            _path(where, place),
            f"this is more than {hours} hours ahead: report a treatment when it has ended, with the right zone",
        )
        for place, moment in times.items()
        if moment is not None and moment > latest
    ]
    if problems:
        raise BadInput(*problems)


def _unknown_fields(data: Json, shape: type[BaseModel], where: str) -> list[Problem]:
    """A warning for every field of the data that nothing reads: usually a misspelling."""
    found = []
    for key, value in data.items():
        place = _path(where, key[:_LONGEST_KEY])
        field = shape.model_fields.get(key)
        if field is None:
            known = ", ".join(shape.model_fields)
            found.append(Problem("unknown-field", place, f"this field is kept but nothing reads it; known are {known}"))
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel) and isinstance(value, dict):
            found.extend(_unknown_fields(value, field.annotation, place))
    return found


_SENTENCES = {
    "missing": ("missing-field", "this field is required"),
    "timezone_aware": ("naive-time", "the time has no offset: write it as 2026-11-20T15:00:00Z or with +01:00"),
    "datetime_from_date_parsing": ("invalid-time", "write the time as 2026-11-20T15:00:00Z"),
    "datetime_parsing": ("invalid-time", "write the time as 2026-11-20T15:00:00Z"),
    "model_type": ("not-an-object", "write this as a JSON object"),
    "string_pattern_mismatch": ("invalid-locale", "write the language as en, es or es-MX"),
    "string_too_short": ("empty-field", "this field may not be empty"),
    "string_too_long": ("too-long", "this text is too long"),
}


_REASONS = {
    "invalid-time": "write the time as 2026-11-20T15:00:00Z",
    "not-a-number": "write this as a whole number",
    "time-out-of-range": "the time lies outside of the years 1970 to 9999",
    "unknown-zone": "this is no time zone of the IANA database; write it as Europe/London",
}


def _problem(detail: Any, where: str) -> Problem:
    """A pydantic error in our words. The value itself is never repeated: it may be personal."""
    place = _path(where, ".".join(str(part)[:_LONGEST_KEY] for part in detail["loc"]))
    kind, reason = detail["type"], str((detail.get("ctx") or {}).get("error", ""))
    if reason in _REASONS:
        return Problem(reason, place, _REASONS[reason])
    if kind == "literal_error" and place.endswith("type"):
        return Problem("unknown-event-type", place, f"the event type is not one of {detail['ctx']['expected']}")
    code, sentence = _SENTENCES.get(kind, ("invalid-field", detail["msg"]))
    return Problem(code, place, sentence)


def _path(where: str, place: str) -> str:
    return f"{where}.{place}" if where and place else where or place
