"""Lines come one at a time, with their places; a long one is passed over without being held."""

import tracemalloc
from io import BytesIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.imports.lines import Lines


@given(st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line and b"\r" not in line)), st.booleans())
def test_every_line_comes_with_its_place(texts: list[bytes], ended: bool) -> None:
    whole = b"x\n" + b"\n".join(texts) + (b"\n" if ended else b"")
    lines = list(Lines(BytesIO(whole), 100))
    assert [line.data for line in lines] == whole.removesuffix(b"\n").split(b"\n")[: len(lines)]
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert b"".join(whole[line.start : line.end] for line in lines) == whole


@given(st.binary(max_size=60), st.integers(2, 9))
def test_a_line_is_held_if_and_only_if_it_is_within_the_limit(whole: bytes, limit: int) -> None:
    lines = list(Lines(BytesIO(whole), limit))
    assert b"".join(whole[line.start : line.end] for line in lines) == whole
    assert [line.data is None for line in lines] == [line.end - line.start > limit for line in lines]


def test_reading_goes_on_from_any_line() -> None:
    whole = BytesIO(b"one\ntwo\nthree\n")
    first = next(Lines(whole, 100))
    rest = Lines(whole, 100, offset=first.end, before=first.number)
    assert [(line.number, line.data) for line in rest] == [(2, b"two"), (3, b"three")]
    rest.go_back(first)
    assert next(rest).data == b"two"


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_line() -> None:
    assert [line.data for line in Lines(BytesIO(b"\xef\xbb\xbfone\r\ntwo\r\n"), 100)] == [b"one", b"two"]


def test_a_long_line_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"x" * 10_000_000 + b"\nafter\n")
    with path.open("rb") as file:
        tracemalloc.start()
        lines = list(Lines(file, 64 * 1024))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert [(line.number, line.data) for line in lines] == [(1, None), (2, b"after")]
    assert peak < 1_000_000
