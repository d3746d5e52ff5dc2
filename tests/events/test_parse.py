"""JSON that two readers could read differently, or that no database can hold, is refused with a stable code."""

import json

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import BadInput, Problem
from service.events import parse_json
from tests.support.house import visit

SECRET = "Ada-Lovelace-07400"
EXAMPLE = orjson.dumps(visit())


def problems_of(body: bytes) -> tuple[Problem, ...]:
    """Nothing for what can be read; any other exception is a failure."""
    try:
        parse_json(body)
    except BadInput as refused:
        return refused.problems
    return ()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid-json"),
        (b"{", "invalid-json"),
        (b'{"name": "' + SECRET.encode() + b'"', "invalid-json"),
        (b"{'name': 1}", "invalid-json"),
        (b'{"a": 1,}', "invalid-json"),
        (b"[1] [2]", "invalid-json"),
        (b'"Ada-Lovelace-07400\n"', "invalid-json"),
        (b"NaN", "invalid-json"),
        (b'{"version": Infinity}', "invalid-json"),
        (b"[-Infinity]", "invalid-json"),
        (b"[1e400]", "invalid-json"),
        (b"[-1e999]", "invalid-json"),
        pytest.param(b"1" * 5000, "invalid-json", id="a number of 5000 digits"),
        (b'{"name": "Ada-Lovelace-07400 \xff"}', "invalid-utf8"),
        (b"\x80abc", "invalid-utf8"),
        ('"Inés"'.encode("cp1252"), "invalid-utf8"),
        (b'"\xed\xa0\x80"', "invalid-utf8"),
        ('{"a": 1}'.encode("utf-16"), "invalid-utf8"),
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "duplicate-key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate-key"),
        (b'{"name": "Ada-Lovelace-07400\\u0000"}', "nul-character"),
        (b'{"\\u0000": 1}', "nul-character"),
        (b'"\\\\\\u0000"', "nul-character"),
        (b'"raw \x00"', "invalid-json"),
        (b'{"name": "\\ud800"}', "lone-surrogate"),
        (b'{"\\uDFFF": 1}', "lone-surrogate"),
        (b'["\\ud83d \\ude00"]', "lone-surrogate"),
        (b'"\\ude00\\ud83d"', "lone-surrogate"),
        pytest.param(b"[" * 100_000, "too-deep", id="lists that never end"),
        pytest.param(b'{"a":' * 50_000, "too-deep", id="objects that never end"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, "too-deep", id="a hundred thousand lists"),
    ],
)
def test_bad_json_is_refused_with_a_stable_code_and_without_its_values(body: bytes, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_json(body, where="visits.ndjson:17")
    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == (code, "visits.ndjson:17")
    assert SECRET not in problem.message


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"\\uD83D\\uDE00 and \\\\ud800"', "😀 and \\ud800"),
        (b" [true, null, -0.5e3] ", [True, None, -500.0]),
    ],
)
def test_what_only_looks_bad_is_read(body: bytes, value: object) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize("text", ["", '"\\ud83d\\ude00"'])
def test_every_depth_is_read_or_refused_as_too_deep(text: str) -> None:
    for depth in range(200, 1100):
        problems = problems_of(b"[" * depth + text.encode() + b"]" * depth)
        assert {problem.code for problem in problems} <= {"too-deep"}, depth


@given(st.binary(max_size=200))
@example(b"\xff\xfe{\x00}\x00")
def test_random_bytes_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    assert {problem.where for problem in problems_of(body)} <= {"body"}


@given(st.data())
def test_an_event_with_any_bytes_changed_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    body = bytearray(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 10)))
        body[start:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b'"', b"\\", b"\\u", b"\\ud800", b"{", b"["])
        )
    assert len(problems_of(bytes(body))) <= 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(anything)
def test_json_is_read_as_it_was_written_unless_it_cannot_be_stored(value: object) -> None:
    text = json.dumps(value)
    if "\\u0000" in text:
        assert {problem.code for problem in problems_of(text.encode())} <= {"nul-character"}
    else:
        assert parse_json(text.encode()) == value
