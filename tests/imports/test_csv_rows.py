"""CSV: rows become events; what cannot be read is told by its line, and what follows goes on."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadInput
from service.events import event_from
from service.imports.columns import COLUMNS, column_at
from service.imports.csv_rows import CsvReader
from service.imports.record import Record
from service.types import Json
from tests.imports.importing import HEADER, ROW
from tests.support.house import NOON

WIDE = f"{HEADER},note"


def records(text: str | bytes, limit: int = 10_000) -> list[Record]:
    file = BytesIO(text if isinstance(text, bytes) else text.encode())
    return list(CsvReader(file, limit, "visits.csv").records(0, 0))


def told(text: str | bytes, limit: int = 10_000) -> list[tuple[int, str]]:
    """Each record's line, with the code of what is wrong or the visit's id."""
    return [
        (
            record.line,
            record.value.code if isinstance(record.value, BadInput) else record.value["data"]["treatment"]["id"],
        )
        for record in records(text, limit)
    ]


def only(text: str) -> Json:
    (record,) = records(text)
    assert isinstance(record.value, dict), record.value
    return record.value


def test_a_row_is_the_event_it_tells() -> None:
    header = ",".join(column.name for column in COLUMNS)
    cells = {
        "treatment_id": "visit-8812", "protocol": "microneedling", "ended_at": "2026-11-20T15:00:00Z",
        "client_ref": "c-17", "event_id": "e-1", "time": "2026-11-20T15:05:00Z", "version": "2", "kind": "Session",
        "area": "face", "location": "soho", "provider": "Dr Lee", "note": '"two, words"', "course_id": "k-1",
        "session": "2.0", "of": "4", "first_name": "Ada", "phone": "+447400123456", "email": "ada@example.com",
        "time_zone": "Europe/London", "locale": "en", "consent_care": "SMS+email", "consent_rebook": "none",
        "consent_review": "",
    }  # fmt: skip
    value = only(f"{header}\n{','.join(cells[column.name] for column in COLUMNS)}\n")
    assert value == {
        "specversion": "1.0",
        "source": "/import/csv",
        "type": "treatment.completed",
        "id": "e-1",
        "time": "2026-11-20T15:05:00Z",
        "data": {
            "treatment": {
                "id": "visit-8812", "protocol": "microneedling", "ended_at": "2026-11-20T15:00:00Z", "version": 2,
                "kind": "session", "area": "face", "location": "soho", "provider": "Dr Lee", "note": "two, words",
            },
            "course": {"id": "k-1", "session": 2, "of": 4},
            "client": {
                "ref": "c-17", "first_name": "Ada", "phone": "+447400123456", "email": "ada@example.com",
                "time_zone": "Europe/London", "locale": "en",
                "consent": {"care": ["sms", "email"], "rebook": []},
            },
        },
    }  # fmt: skip
    assert event_from(value, received_at=NOON, future_tolerance=timedelta(hours=24)).warnings == ()


def test_the_same_row_is_the_same_event_and_a_changed_one_another() -> None:
    text = f"{WIDE}\n{ROW},a\n{ROW},a\n{ROW},b\n"
    first, again, changed = (record.value["id"] for record in records(text))
    assert first == again != changed
    assert first.startswith("visit-1#")


def test_a_version_names_the_event() -> None:
    assert only(f"{HEADER},version\n{ROW},3\n")["id"] == "visit-1@3"


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER}\n\n{ROW}\n\n,,,\n",
        f"{HEADER}\n{ROW}",
        f"{HEADER},\n{ROW},x\n".replace(",", ";"),
        f"{HEADER}\n{ROW}\n".replace(",", "\t"),
        f'"Treatment ID",Protocol,"Ended-at", client ref \n{ROW}\n',
        f"{HEADER}\n{ROW}\n".replace("visit-1", "  visit-1 "),
    ],
    ids=["BOM", "CRLF", "blank lines", "no last line end", "semicolons", "tabs", "names as people write", "blanks"],
)
def test_spreadsheets_write_it_in_many_ways(text: str) -> None:
    assert only(text)["data"]["treatment"]["id"] == "visit-1"


def test_a_text_in_quotes_may_hold_line_breaks_and_its_row_is_told_by_its_first_line() -> None:
    text = f'{WIDE}\n{ROW},"one\ntwo, ""three"""\nvisit-2,x\n{ROW},end\n'
    first, bad, last = records(text)
    assert isinstance(first.value, dict)
    assert first.value["data"]["treatment"]["note"] == 'one\ntwo, "three"'
    assert [(record.line, record.last) for record in (first, bad, last)] == [(2, 3), (4, 4), (5, 5)]
    assert text.encode()[: first.end].endswith(b'three"""\n')


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("visit-2,x", "wrong-cell-count"),
        (f"{ROW},note,more", "wrong-cell-count"),
        (f'{ROW},"a" b', "invalid-csv"),
        (f"{ROW},\x00", "nul-character"),
        (f"{ROW},caf\udce9", "invalid-utf8"),
        (f"{ROW},\udced\udca0\udc80", "invalid-utf8"),
        (f"{ROW},{'x' * 20_000}", "line-too-long"),
    ],
)
def test_a_bad_row_is_told_by_its_line_and_the_next_one_goes_on(row: str, code: str) -> None:
    text = f"{WIDE}\n{ROW},\n{row}\nvisit-3{ROW[7:]},\n"
    assert told(text.encode("utf-8", "surrogateescape")) == [(2, "visit-1"), (3, code), (4, "visit-3")]


def test_a_quote_that_nothing_closes_costs_its_own_line_only() -> None:
    rows = [f"visit-{number}{ROW[7:]}," for number in range(4, 9)]
    text = "\n".join([WIDE, f"{ROW},", f'visit-2{ROW[7:]},"never closed', *rows])
    expected = [(2, "visit-1"), (3, "invalid-csv"), *((number, f"visit-{number}") for number in range(4, 9))]
    assert told(text) == expected
    assert told(text, limit=200) == expected


def test_reading_goes_on_from_any_row() -> None:
    text = f'{WIDE}\n{ROW},"a\nb"\nvisit-2{ROW[7:]},\nvisit-3{ROW[7:]},\n'.encode()
    reader = CsvReader(BytesIO(text), 1000, "visits.csv")
    whole = list(reader.records(0, 0))
    for number, record in enumerate(whole, start=1):
        assert list(reader.records(record.end, record.last)) == whole[number:]


@pytest.mark.parametrize(
    ("header", "codes", "sentence"),
    [
        ("", ["missing-header"], "the first line must name the columns"),
        ("\n", ["missing-header"], "the first line must name the columns"),
        ("treatment_id,protocol,ended_at", ["missing-column"], 'no column "client_ref"'),
        ("treatment_id,protocol,endet_at,client_ref", ["missing-column"], '(is that "endet_at"?)'),
        ("a,b", ["missing-column"] * 4, 'no column "treatment_id"'),
        (f"{HEADER},note,Note", ["duplicate-column"], '"note" is there twice'),
    ],
)
def test_a_header_that_does_not_do_is_refused_at_once(header: str, codes: list[str], sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        CsvReader(BytesIO(f"{header}\n".encode() if header else b""), 1000, "visits.csv")
    assert [problem.code for problem in refused.value.problems] == codes
    assert sentence in str(refused.value)
    assert {problem.where for problem in refused.value.problems} == {"visits.csv:1"}


def test_a_column_that_nothing_reads_is_named_with_what_was_meant() -> None:
    reader = CsvReader(BytesIO(f"{HEADER},fone,first_nam\n".encode()), 1000, "visits.csv")
    assert [warning.message for warning in reader.warnings] == [
        'nothing reads the column "fone" (did you mean "phone"?)',
        'nothing reads the column "first_nam" (did you mean "first_name"?)',
    ]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("data.treatment.ended_at", "ended_at"),
        ("data.client.consent.care.0", "consent_care"),
        ("id", "event_id"),
        ("data.client", "data.client"),
    ],
)
def test_a_place_in_the_event_is_told_by_its_column(path: str, place: str) -> None:
    assert column_at(path) == place


@pytest.mark.parametrize(
    ("cells", "place", "code"),
    [
        ({"ended_at": "2026-11-20T15:00:00"}, "ended_at", "naive-time"),
        ({"client_ref": ""}, "client_ref", "missing-field"),
        ({"treatment_id": " "}, "treatment_id", "missing-field"),
        ({"version": "two"}, "version", "invalid-field"),
        ({"consent_care": "pigeon"}, "consent_care", "invalid-field"),
        ({"time_zone": "London"}, "time_zone", "unknown-zone"),
    ],
)
def test_a_cell_that_no_event_can_hold_is_told_by_its_column(cells: Json, place: str, code: str) -> None:
    row: Any = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | cells
    value = only(f"{','.join(row)}\n{','.join(row.values())}\n")
    with pytest.raises(BadInput) as refused:
        event_from(value, received_at=NOON, future_tolerance=timedelta(hours=24))
    assert [(column_at(problem.where), problem.code) for problem in refused.value.problems] == [(place, code)]


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"ended_at": "01/11/2026 10:00"}, "a map's [times]"),
        ({"ended_at": "2026-11-20 15:00"}, "a map's [times]"),
        ({"consent_care": "Yes"}, "write sms, email, sms+email or none; or say in a map's [values.consent_care]"),
    ],
)
def test_another_systems_words_are_refused_with_what_a_map_does_for_them(cells: Json, sentence: str) -> None:
    row: Any = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | cells
    reader = CsvReader(BytesIO(f"{','.join(row)}\n{','.join(row.values())}\n".encode()), 1000, "visits.csv")
    (record,) = reader.records(0, 0)
    with pytest.raises(BadInput) as refused:
        event_from(record.value, received_at=NOON, future_tolerance=timedelta(hours=24))
    (problem,) = refused.value.problems
    assert sentence in reader.told(problem).message


@given(st.binary(max_size=300))
def test_whatever_follows_the_header_every_line_is_accounted_for(rest: bytes) -> None:
    file = BytesIO(f"{WIDE}\n".encode() + rest)
    reader = CsvReader(file, 64, "visits.csv")
    last = 1
    for record in reader.records(0, 0):
        assert record.line > last
        assert record.last >= record.line
        last = record.last if isinstance(record.value, dict) else record.line
