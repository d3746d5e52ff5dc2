"""What an event may say: every wrong field is named by its path with a stable code, and its value is not repeated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadInput, Problem
from service.events import Event, TreatmentCompleted, event_from, parse_json
from service.types import Json, Kind, Medium, Purpose
from tests.support.house import NOON, read, visit

DAY = timedelta(hours=24)


def refusal(value: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as refused:
        read(value)
    return [(problem.code, problem.where) for problem in refused.value.problems]


def problems_of(value: Any) -> tuple[Problem, ...]:
    """Nothing for what is taken; any exception but BadInput is a failure."""
    try:
        taken = read(value)
    except BadInput as refused:
        return refused.problems
    assert completed(taken).treatment.ended_at.utcoffset() == timedelta()
    assert parse_json(orjson.dumps(value)) == value
    return ()


def completed(event: Event) -> TreatmentCompleted:
    assert isinstance(event.data, TreatmentCompleted)
    return event.data


def without(path: str) -> Json:
    event = visit()
    place: Any = event
    *parents, last = path.split(".")
    for parent in parents:
        place = place[parent]
    del place[last]
    return event


def nested(depth: int) -> Json:
    value: Any = "deep"
    for _ in range(depth):
        value = {"in": value}
    return {**visit(), "extension": value}


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"time": "2026-11-20T15:05:00"}, "naive-time", "time"),
        ({"treatment__ended_at": "2026-11-20T15:00:00"}, "naive-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": "2026-11-20"}, "naive-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": "yesterday"}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": "2026-02-30T15:00:00Z"}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": "2026-11-20T15:00:00+25:00"}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": "10000-01-01T00:00:00Z"}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": 1763650800}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": "1763650800"}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": True}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": ["2026-11-20T15:00:00Z"]}, "invalid-time", "data.treatment.ended_at"),
        ({"treatment__ended_at": "1969-12-31T23:59:59Z"}, "time-out-of-range", "data.treatment.ended_at"),
        ({"treatment__ended_at": "0001-01-01T00:00:00+14:00"}, "time-out-of-range", "data.treatment.ended_at"),
        ({"treatment__ended_at": "9999-12-31T23:59:59-01:00"}, "time-out-of-range", "data.treatment.ended_at"),
        ({"time": "9999-12-31T23:59:59-12:00"}, "time-out-of-range", "time"),
        ({"treatment__ended_at": "9999-12-31T23:59:59Z"}, "time-in-future", "data.treatment.ended_at"),
        ({"time": "2026-11-21T15:10:01Z"}, "time-in-future", "time"),
        ({"client__time_zone": "Europe/Lodnon"}, "unknown-zone", "data.client.time_zone"),
        ({"client__time_zone": "localtime"}, "unknown-zone", "data.client.time_zone"),
        ({"client__time_zone": ""}, "unknown-zone", "data.client.time_zone"),
        ({"client__time_zone": 1}, "invalid-field", "data.client.time_zone"),
        ({"id": ""}, "empty-field", "id"),
        ({"source": " \t"}, "empty-field", "source"),
        ({"client__ref": "  "}, "empty-field", "data.client.ref"),
        ({"treatment__id": "x" * 201}, "too-long", "data.treatment.id"),
        ({"client__phone": "0" * 201}, "too-long", "data.client.phone"),
        ({"id": 90211}, "invalid-field", "id"),
        ({"client__phone": 447400123456}, "invalid-field", "data.client.phone"),
        ({"client__locale": "english"}, "invalid-locale", "data.client.locale"),
        ({"type": "treatment.finished"}, "unknown-event-type", "type"),
        ({"treatment__kind": "course"}, "invalid-field", "data.treatment.kind"),
        ({"treatment__version": -1}, "invalid-field", "data.treatment.version"),
        ({"treatment__version": 10**30}, "invalid-field", "data.treatment.version"),
        ({"treatment__version": 1.5}, "invalid-field", "data.treatment.version"),
        ({"course__session": 0}, "invalid-field", "data.course.session"),
        ({"course__session": True}, "not-a-number", "data.course.session"),
        ({"course__of": "four"}, "invalid-field", "data.course.of"),
        ({"client__consent": ["care"]}, "invalid-field", "data.client.consent"),
        ({"client__consent": {"care": "sms"}}, "invalid-field", "data.client.consent.care"),
        ({"client__consent": {"care": ["post"]}}, "invalid-field", "data.client.consent.care.0"),
        ({"client__consent": {"gossip": ["sms"]}}, "invalid-field", "data.client.consent.gossip"),
    ],
)
def test_a_wrong_field_is_refused_with_its_place(changes: Json, code: str, where: str) -> None:
    assert refusal(visit(**changes)) == [(code, where)]


@pytest.mark.parametrize(
    "path",
    ["specversion", "id", "source", "type", "data", "data.treatment", "data.treatment.id", "data.treatment.protocol",
     "data.treatment.ended_at", "data.client", "data.client.ref"],
)  # fmt: skip
def test_what_is_required_is_missed_by_name(path: str) -> None:
    assert refusal(without(path)) == [("missing-field", path)]


@pytest.mark.parametrize("value", [None, 5, "treatment.completed", [visit()], True])
def test_an_event_is_an_object(value: object) -> None:
    assert refusal(value) == [("not-an-object", "body")]


def test_a_part_of_an_event_that_is_no_object_is_named() -> None:
    assert refusal({**visit(), "data": "Ada"}) == [("not-an-object", "data")]
    event = visit()
    event["data"]["treatment"] = [1]
    assert refusal(event) == [("not-an-object", "data.treatment")]


def test_everything_that_is_wrong_is_said_at_once_up_to_twenty_problems() -> None:
    event = visit(id="", treatment__kind="x", client__time_zone="Mars/Base")
    assert [where for _, where in refusal(event)] == ["id", "data.treatment.kind", "data.client.time_zone"]
    many = visit(client__consent={f"purpose-{n}": ["sms"] for n in range(100)})
    assert len(refusal(many)) == 20


def test_both_times_ahead_are_named_and_a_day_ahead_is_not_too_far() -> None:
    ahead = (NOON + DAY).isoformat()
    assert read(visit(time=ahead, treatment__ended_at=ahead)).time == NOON + DAY
    further = (NOON + DAY + timedelta(seconds=1)).isoformat()
    event = visit(time=further, treatment__ended_at=further)
    assert refusal(event) == [("time-in-future", "time"), ("time-in-future", "data.treatment.ended_at")]


@pytest.mark.parametrize(
    ("event", "where"),
    [
        (visit(treatment__price=2**64), "body"),
        ({**visit(), "extension": -(2**63) - 1}, "body"),
        (nested(300), "body"),
    ],
    ids=["a huge number", "a huge negative number", "300 levels"],
)
def test_what_json_can_say_and_no_row_can_hold_is_refused(event: Json, where: str) -> None:
    assert refusal(event) == [("not-storable", where)]


def test_the_place_in_a_batch_or_file_leads_every_path() -> None:
    with pytest.raises(BadInput) as refused:
        event_from(visit(id=""), received_at=NOON, future_tolerance=DAY, where="[3]")
    assert refused.value.problems[0].where == "[3].id"


def test_a_field_that_nothing_reads_is_kept_and_named_as_a_warning() -> None:
    event = visit(client__frist_name="Ada", treatment__aera="face")
    event["data"]["clinet"] = {"ref": "c-18"}
    event["traceparent"] = "00-abc"
    taken = read(event)
    assert [(warning.code, warning.where) for warning in taken.warnings] == [
        ("unknown-field", "data.treatment.aera"),
        ("unknown-field", "data.client.frist_name"),
        ("unknown-field", "data.clinet"),
    ]
    assert taken.body == event


def test_long_keys_and_thousands_of_them_make_no_long_answer() -> None:
    event = visit()
    event["data"] |= {"k" * 1000 + str(number): 1 for number in range(1000)}
    warnings = read(event).warnings
    assert len(warnings) == 20
    assert all(len(str(warning)) < 300 for warning in warnings)


def test_a_null_says_as_much_as_a_field_left_out() -> None:
    event = visit(treatment__area=None, treatment__note=None, client__phone=None, client__consent=None, course__of=None)
    event["time"] = event["data"]["course"] = None
    taken = read(event)
    data = completed(taken)
    assert (data.treatment.area, data.course.session, taken.time) == ("", None, NOON)
    assert refusal(visit(client__ref=None)) == [("missing-field", "data.client.ref")]


def test_the_smallest_event_is_taken_with_its_defaults() -> None:
    event = visit()
    del event["time"], event["data"]["course"]
    event["data"]["client"] = {"ref": "c-17"}
    taken = read(event)
    assert completed(taken).treatment.kind is Kind.SESSION
    assert completed(taken).client.consent == {}
    assert taken.time == NOON
    assert taken.warnings == ()


def test_what_is_given_is_read_in_full() -> None:
    data = completed(read(visit(time="2026-11-20T16:05:00+01:00", client__locale="es_MX")))
    assert data.treatment.ended_at == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert data.client.consent == {Purpose.CARE: [Medium.SMS, Medium.EMAIL], Purpose.REBOOK: [Medium.EMAIL]}


def test_the_digest_is_over_what_was_said_not_over_how_it_was_written() -> None:
    event = visit()
    turned = {key: event[key] for key in reversed(event)}
    assert read(turned).digest == read(event).digest
    assert read(visit(treatment__note="new")).digest != read(event).digest


SECRETS = ("Ada-Lovelace-1815", "+447400123456", "ada@example.com")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "path",
    ["id", "type", "time", "treatment__kind", "treatment__ended_at", "treatment__version", "course__session",
     "client__time_zone", "client__locale", "client__consent", "client__ref"],
)  # fmt: skip
def test_the_value_is_never_in_the_message(path: str, secret: str) -> None:
    for value in (secret, [secret], {"care": secret}, {"care": [secret]}):
        assert all(secret not in problem.message for problem in problems_of(visit(**{path: value})))


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(found for key, one in inner for found in paths(one, (*at, key)))]


odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20),
    st.sampled_from(["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-20T15:00:00Z", "\ud800"]),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)  # fmt: skip


@given(st.data())
def test_any_mutation_of_an_event_is_taken_or_refused_and_nothing_else(data: st.DataObject) -> None:
    event: Any = visit()
    for _ in range(data.draw(st.integers(1, 3))):
        *parents, last = data.draw(st.sampled_from(paths(event)[1:]))
        place = event
        for parent in parents:
            place = place[parent]
        if data.draw(st.booleans()):
            place[last] = data.draw(odd)
        else:
            del place[last]
    assert all(problem.code and problem.message for problem in problems_of(event))
