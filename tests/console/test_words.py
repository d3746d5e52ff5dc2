"""How the console speaks of times, lengths, codes and names."""

from datetime import UTC, datetime, timedelta

import pytest

from service.console import words
from service.types import AttemptState, ReminderState

NOW = datetime(2026, 11, 21, 11, 42, tzinfo=UTC)
LONDON = "Europe/London"


@pytest.mark.parametrize("code", [*AttemptState, *ReminderState])
def test_every_state_has_a_word_a_tone_an_icon_and_a_meaning(code: str) -> None:
    state = words.state(code)
    assert all((state.word, state.tone, state.icon, state.meaning))


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(seconds=-20), "now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(minutes=-4), "4 minutes ago"),
        (timedelta(hours=2), "in 2 hours"),
        (timedelta(hours=30), "in 30 hours"),
        (timedelta(days=3), "in 3 days"),
        (timedelta(days=28), "in 4 weeks"),
        (timedelta(days=183), "in 6 months"),
    ],
)
def test_distances_are_rounded_as_people_do(away: timedelta, expected: str) -> None:
    assert words.relative(NOW + away, NOW) == expected


@pytest.mark.parametrize(
    ("moment", "zone", "expected"),
    [
        (NOW, LONDON, "Sat 21 Nov, 11:42 in London"),
        (NOW, "America/New_York", "Sat 21 Nov, 06:42 in New York"),
        (NOW, "Asia/Kathmandu", "Sat 21 Nov, 17:27 in Kathmandu"),
        (NOW + timedelta(days=181), LONDON, "Fri 21 May 2027, 12:42 in London"),
        (NOW, "UTC", "Sat 21 Nov, 11:42 in UTC"),
    ],
)
def test_a_time_is_local_and_says_where(moment: datetime, zone: str, expected: str) -> None:
    assert words.local_time(moment, zone, NOW) == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(0, "Today"), (-24, "Yesterday"), (24, "Tomorrow"), (13, "Tomorrow"), (-72, "Wed 18 Nov")],
)
def test_near_days_have_names(hours: int, expected: str) -> None:
    assert words.near_day(NOW + timedelta(hours=hours), LONDON, NOW) == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(), "At once"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=20), "Day 1"),
        (timedelta(days=42), "Day 42"),
        (timedelta(days=181), "6 months"),
    ],
)
def test_a_step_is_named_by_how_long_after_the_visit_it_comes(length: timedelta, expected: str) -> None:
    assert words.after(NOW + length, NOW, LONDON) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("past", "Its time was over."),
        ("ends-well", "Did it?"),
        ("some-new_code", "Some new code."),
        ("", ""),
    ],
)
def test_a_reason_is_a_sentence_even_where_nobody_wrote_one(code: str, expected: str) -> None:
    assert words.sentence(code, {"past": "its time was over", "ends-well": "Did it?"}) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("+447400123456", "+44 7400 123456"),
        ("ada@example.com", "ada@example.com"),
        ("+", "+"),
        ("", ""),
    ],
)
def test_numbers_are_grouped_for_reading(given: str, expected: str) -> None:
    assert words.address(given) == expected


@pytest.mark.parametrize(
    ("step", "occurrence", "expected"),
    [
        ("day-1-sunscreen", 0, "Day 1 sunscreen"),
        ("next-session", 1, "Next session, 2nd time"),
        ("maintenance-due", 4, "Maintenance due, 5th time"),
    ],
)
def test_a_step_reads_as_a_title(step: str, occurrence: int, expected: str) -> None:
    assert words.step_title(step, occurrence) == expected


def test_addresses_in_a_text_are_marked_but_lead_nowhere() -> None:
    marked = words.linked("See https://glow.example/a?x=<b>&y now")
    assert marked == 'See <span class="link">https://glow.example/a?x=&lt;b&gt;&amp;y</span> now'
