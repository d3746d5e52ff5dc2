"""The page on reliability tells what is so: its tables are the code's, and the tests that it names exist."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.states import ATTEMPT, REMINDER, Move

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = (CHECKOUT / "docs" / "reliability.md").read_text()


@pytest.mark.parametrize(("name", "moves"), [("attempt", ATTEMPT), ("reminder", REMINDER)])
def test_all_moves_are_on_the_page_and_no_others(name: str, moves: Sequence[Move[Any]]) -> None:
    told = {
        (cause, source, target, why)
        for cause, sources, targets, why in rows(name)
        for source in sources.split(", ")
        for target in targets.split(", ")
    }
    assert told == {(move.cause.value, move.source.value, move.target.value, move.why) for move in moves}


def test_all_forty_eight_faults_are_told_each_with_its_test_or_that_it_is_not_yet() -> None:
    faults = list(rows("faults"))
    assert [number for number, *_ in faults] == [str(number) for number in range(1, 49)]
    for number, _, happens, tests in faults:
        assert bool(tests) != happens.startswith("not yet"), number


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert len(named) > 48
    assert set(named) <= existing()


@cache
def existing() -> set[str]:
    files = (CHECKOUT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^ *(?:async )?def (test_\w+)", file.read_text(), re.M)}


def rows(name: str) -> Iterator[list[str]]:
    """The rows of the table that follows this comment."""
    _, _, after = PAGE.partition(f"<!-- {name} -->\n\n")
    for line in after.partition("\n\n")[0].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]
