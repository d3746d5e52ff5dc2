"""An event as it came: CloudEvents 1.0 around what was done, or is to be, to whom.

Attributes of the envelope that we do not know are CloudEvents extensions and are kept; fields of the data that we do
not know are named as warnings. Times must carry an offset; what has happened lies at most `future_tolerance` ahead.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict

import orjson
from pydantic import ValidationError

from service.errors import BadInput, Problem
from service.events.fields import Key, Moment, Shape
from service.events.problems import MOST_PROBLEMS, path, problem_of, unknown_fields
from service.events.shapes import (
    AppointmentBooked,
    AppointmentCancelled,
    ClientData,
    ClientErased,
    ClientUpdated,
    ConsentChanged,
    Data,
    EventType,
    TreatmentCompleted,
    TreatmentVoided,
)
from service.types import Json
from service.values import value_type

_FARTHEST_BOOKING = timedelta(days=5 * 366)


class Envelope(Shape):
    """What every event has, whatever its type."""

    specversion: Literal["1.0"]
    id: Key
    source: Key
    type: EventType
    time: Moment | None = None
    data: Any


class CompletedEvent(Envelope):
    data: TreatmentCompleted


class VoidedEvent(Envelope):
    data: TreatmentVoided


class BookedEvent(Envelope):
    data: AppointmentBooked


class CancelledEvent(Envelope):
    data: AppointmentCancelled


class UpdatedEvent(Envelope):
    data: ClientUpdated


class ConsentEvent(Envelope):
    data: ConsentChanged


class ErasedEvent(Envelope):
    data: ClientErased


ENVELOPES: Mapping[str, type[Envelope]] = {
    "treatment.completed": CompletedEvent,
    "treatment.voided": VoidedEvent,
    "appointment.booked": BookedEvent,
    "appointment.cancelled": CancelledEvent,
    "client.updated": UpdatedEvent,
    "consent.changed": ConsentEvent,
    "client.erased": ErasedEvent,
}
"""The shape of each type of event."""

Reference: TypeAlias = str | None


@value_type
class Event:
    """A checked event. `digest` is over its canonical JSON: the same key with another digest is another event.

    What it is about stands beside its data: it is asked for again and again on the way.
    """

    id: str
    source: str
    type: str
    time: datetime
    data: Data
    body: Json
    digest: str
    warnings: tuple[Problem, ...]
    client: Reference
    """The reference of the client it names."""
    told: ClientData | None
    """What it tells of its client; None for a type that tells nothing."""
    treatment: Reference
    appointment: Reference
    version: int | None


def event_from(value: Any, *, received_at: datetime, future_tolerance: timedelta, where: str = "") -> Event:
    """Check one parsed event.

    Raises BadInput with a problem for each thing that is wrong, each with its JSON path. `where` leads the paths of an
    event that came in a batch or a file: `[3]`, `visits.ndjson:17`.
    """
    if not isinstance(value, dict):
        raise BadInput(Problem("not-an-object", where or "body", "an event is a JSON object (CloudEvents 1.0)"))
    type_ = value.get("type")
    shape = ENVELOPES.get(type_, Envelope) if isinstance(type_, str) else Envelope
    try:
        envelope = shape.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)[:MOST_PROBLEMS]
        raise BadInput(*(problem_of(detail, where) for detail in details)) from None
    _refuse_future(envelope, received_at, future_tolerance, where)
    warnings = unknown_fields(value["data"], type(envelope.data), path(where, "data"))
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time=envelope.time or received_at,
        data=envelope.data,
        body=value,
        digest=_digest(value, where),
        warnings=tuple(warnings[:MOST_PROBLEMS]),
        **_matter(envelope.data),
    )


class _Matter(TypedDict):
    """What an event is about, as fields of `Event`."""

    client: Reference
    told: ClientData | None
    treatment: Reference
    appointment: Reference
    version: int | None


def _matter(data: Data) -> _Matter:
    treatment = data.treatment if isinstance(data, TreatmentCompleted | TreatmentVoided) else None
    appointment = data.appointment if isinstance(data, AppointmentBooked | AppointmentCancelled) else None
    matter = treatment or appointment
    return {
        "client": data.client.ref if data.client else None,
        "told": data.client if isinstance(data.client, ClientData) else None,
        "treatment": treatment.id if treatment else None,
        "appointment": appointment.id if appointment else None,
        "version": matter.version if matter else None,
    }


def _digest(value: Json, where: str) -> str:
    try:
        # Inside of two lists, as it will lie inside of rows: orjson stops at 254 levels.
        canonical = orjson.dumps([[value]], option=orjson.OPT_SORT_KEYS)
    except TypeError:
        sentence = "the event holds a number beyond 64 bits or more than 250 levels, which cannot be stored"
        raise BadInput(Problem("not-storable", where or "body", sentence)) from None
    return hashlib.sha256(canonical).hexdigest()


def _refuse_future(envelope: Envelope, received_at: datetime, tolerance: timedelta, where: str) -> None:
    problems = [*_too_early(envelope, received_at + tolerance, tolerance, where)]
    data = envelope.data
    if isinstance(data, AppointmentBooked) and data.appointment.starts_at > received_at + _FARTHEST_BOOKING:
        sentence = "this is more than five years ahead: check the year"
        problems.append(Problem("booking-too-far", path(where, "data.appointment.starts_at"), sentence))
    if problems:
        raise BadInput(*problems)


def _too_early(envelope: Envelope, latest: datetime, tolerance: timedelta, where: str) -> Iterator[Problem]:
    """What is said to have happened must not lie ahead."""
    times = {"time": envelope.time}
    if isinstance(envelope.data, TreatmentCompleted):
        times["data.treatment.ended_at"] = envelope.data.treatment.ended_at
    hours = round(tolerance.total_seconds() / 3600)
    for place, moment in times.items():
        if moment is not None and moment > latest:
            sentence = f"this is more than {hours} hours ahead: report what has happened, with the right zone"
            yield Problem("time-in-future", path(where, place), sentence)
