"""Every type of event: its example is taken, and what is wrong with one is named by its place with a stable code."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from service.errors import BadInput
from service.events import ENVELOPES, EXAMPLES, Event, event_from
from service.events.shapes import EventType
from service.types import Json, Medium, Purpose
from tests.support.house import said

LATER = datetime(2026, 12, 5, tzinfo=UTC)


def read(value: Json) -> Event:
    return event_from(value, received_at=LATER, future_tolerance=timedelta(hours=24))


@pytest.mark.parametrize("type_", EXAMPLES)
def test_the_example_of_a_type_is_taken_without_a_warning(type_: str) -> None:
    event = read(EXAMPLES[type_])
    assert (event.type, event.client, event.warnings) == (type_, "c-17", ())


def test_every_type_has_a_shape_and_an_example() -> None:
    assert set(get_args(EventType)) == set(ENVELOPES) == set(EXAMPLES)


CLIENT = {"ref": "c-17"}
BOOKED = {"id": "appt-1", "starts_at": "2026-12-19T14:00:00Z", "protocol": "ipl"}

WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("treatment.voided", {}, "missing-field", "data.treatment"),
    ("treatment.voided", {"treatment": {}}, "missing-field", "data.treatment.id"),
    ("treatment.voided", {"treatment": {"id": "v", "version": -1}}, "invalid-field", "data.treatment.version"),
    ("treatment.voided", {"treatment": {"id": "v"}, "client": {"ref": " "}}, "empty-field", "data.client.ref"),
    ("appointment.booked", {"appointment": BOOKED}, "missing-field", "data.client"),
    ("appointment.booked", {"appointment": {"id": "a"}, "client": CLIENT}, "missing-field",
     "data.appointment.starts_at"),
    ("appointment.booked", {"appointment": BOOKED | {"starts_at": "2026-12-19T14:00"}, "client": CLIENT}, "naive-time",
     "data.appointment.starts_at"),
    ("appointment.booked", {"appointment": BOOKED | {"starts_at": "2099-12-19T14:00:00Z"}, "client": CLIENT},
     "booking-too-far", "data.appointment.starts_at"),
    ("appointment.booked", {"appointment": BOOKED | {"protocol": ""}, "client": CLIENT}, "missing-course", "data"),
    ("appointment.cancelled", {"appointment": "a"}, "not-an-object", "data.appointment"),
    ("client.updated", {"client": CLIENT | {"time_zone": "Mars/Base"}}, "unknown-zone", "data.client.time_zone"),
    ("client.updated", {"client": {"phone": "+447400123456"}}, "missing-field", "data.client.ref"),
    ("consent.changed", {"client": CLIENT}, "missing-field", "data.client.consent"),
    ("consent.changed", {"client": CLIENT | {"consent": {}}}, "empty-field", "data.client.consent"),
    ("consent.changed", {"client": CLIENT | {"consent": {"care": ["post"]}}}, "invalid-field",
     "data.client.consent.care.0"),
    ("client.erased", {"client": {}}, "missing-field", "data.client.ref"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "data", "code", "where"), WRONG)
def test_a_wrong_field_is_refused_with_its_place(type_: str, data: Json, code: str, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(said(type_, **data))
    assert [(problem.code, problem.where) for problem in refused.value.problems] == [(code, where)]


@pytest.mark.parametrize("type_", [None, 5, ["treatment.voided"], "treatment.imagined"])
def test_a_type_that_there_is_not_is_named(type_: object) -> None:
    with pytest.raises(BadInput) as refused:
        read(said("x", client=CLIENT) | {"type": type_})
    assert refused.value.problems[0].where == "type"


def test_a_booking_lies_ahead_and_what_nobody_reads_is_named() -> None:
    event = read(said("appointment.booked", appointment=BOOKED | {"room": "2"}, client=CLIENT))
    assert [(warning.code, warning.where) for warning in event.warnings] == [
        ("unknown-field", "data.appointment.room"),
    ]
    voided = read(said("treatment.voided", treatment={"id": "v"}, client=CLIENT | {"name": "Ada"}))
    assert [warning.where for warning in voided.warnings] == ["data.client.name"]


def test_only_events_that_tell_of_a_client_are_read_so() -> None:
    told = read(EXAMPLES["consent.changed"]).told
    assert told is not None
    assert told.consent == {Purpose.CARE: [Medium.SMS, Medium.EMAIL], Purpose.REBOOK: []}
    assert read(EXAMPLES["treatment.voided"]).told is None
    assert read(EXAMPLES["client.erased"]).told is None
    assert read(said("treatment.voided", treatment={"id": "v"})).client is None
