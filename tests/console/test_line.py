"""A plan as a line: order is kept, labels have room, and today stands where it belongs."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.console.line import place_between, places, steps

START = datetime(2026, 11, 20, 15, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GAP = 0.08

moments = st.lists(st.timedeltas(min_value=timedelta(), max_value=800 * DAY), max_size=40).map(
    lambda lengths: [START + length for length in sorted(lengths)]
)


@given(moments)
def test_places_keep_their_order_and_their_gap(times: list[datetime]) -> None:
    found = places(START, times, GAP)
    gap = min(GAP, 1 / len(times)) if times else GAP
    assert len(found) == len(times)
    for before, after in pairwise([0.0, *found]):
        assert after - before >= gap - 1e-9
    assert all(place <= 1 + 1e-9 for place in found)


@given(moments, st.timedeltas(min_value=-10 * DAY, max_value=900 * DAY))
def test_today_stands_between_its_neighbours(times: list[datetime], ago: timedelta) -> None:
    at, now = places(START, times, GAP), START + ago
    today = place_between(START, times, at, now)
    for moment, place in zip(times, at, strict=True):
        assert today >= place - 1e-9 if now >= moment else today <= place + 1e-9


def test_a_plan_of_a_year_gives_its_first_days_room() -> None:
    times = [START + length for length in (2 * HOUR, DAY, 2 * DAY, 6 * DAY, 30 * DAY, 182 * DAY, 365 * DAY)]
    first, *_, month, half, year = places(START, times, GAP)
    assert first == pytest.approx(GAP)
    assert 0.5 < month < half < year == pytest.approx(1)


def test_room_on_an_upright_line_grows_with_the_time_between() -> None:
    times = [START + length for length in (2 * HOUR, DAY, 6 * DAY, 30 * DAY, 182 * DAY)]
    found = steps(START, times)
    assert found == sorted(found)
    assert set(found) <= set(range(5))
    assert steps(START, []) == []
