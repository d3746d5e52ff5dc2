"""Lengths of time, local days across clock changes, and quiet hours."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from service.errors import BadInput
from service.timing import (
    Offset,
    QuietHours,
    Span,
    Unit,
    _zones,
    after,
    first_instant_outside,
    later,
    local,
    moment,
    parse_offset,
    parse_span,
    zone_named,
)

NEW_YORK, LONDON, LOS_ANGELES = "America/New_York", "Europe/London", "America/Los_Angeles"
CHANGING_ZONES = st.sampled_from(
    [LONDON, NEW_YORK, LOS_ANGELES, "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo",
     "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham", "America/Havana", "UTC"]
)  # fmt: skip
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2045, 1, 1)).map(  # noqa: DTZ001 - made aware right here
    lambda naive: naive.replace(second=0, microsecond=0, tzinfo=UTC)
)
CLOCK = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def days(amount: int) -> Offset:
    return Offset(amount, Unit.DAYS)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("0 minutes", Offset(0, Unit.MINUTES)),
        ("1 hour", Offset(1, Unit.HOURS)),
        ("2 hours", Offset(2, Unit.HOURS)),
        ("1 days", Offset(1, Unit.DAYS)),
        ("6 weeks", Offset(6, Unit.WEEKS)),
        ("6 months", Offset(6, Unit.MONTHS)),
        ("10 years", Offset(10, Unit.YEARS)),
    ],
)
def test_a_length_of_time_is_a_number_and_a_unit(text: str, offset: Offset) -> None:
    assert parse_offset(text) == offset


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2 muppets", 'like "2 hours" or "6 weeks"'),
        ("2 wekes", 'did you mean "2 weeks"?'),
        ("2 Weeks", 'did you mean "2 weeks"?'),
        ("2weeks", "no length of time"),
        ("-1 day", "no length of time"),
        ("1.5 days", "no length of time"),
        ("٣ days", "no length of time"),
        ("", "no length of time"),
        ("x" * 9000, "no length of time"),
        ("11 years", "at most 10 years"),
        ("999999 weeks", "at most 10 years"),
    ],
)
def test_what_is_no_length_of_time_is_refused_with_the_accepted_form(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_offset(text)
    assert hint in str(refused.value)
    assert len(str(refused.value)) < 250


@given(st.builds(Offset, st.integers(0, 100), st.sampled_from([Unit.HOURS, Unit.DAYS, Unit.WEEKS, Unit.MONTHS])))
def test_a_length_of_time_reads_back_as_it_is_written(offset: Offset) -> None:
    assert parse_offset(str(offset)) == offset


@pytest.mark.parametrize("text", ["4-6 weeks", "28-42 days", "4 weeks", "1-1 month"])
def test_a_span_goes_from_one_length_to_another(text: str) -> None:
    span = parse_span(text)
    assert parse_span(str(span)) == span
    assert span.start.amount <= span.end.amount


def test_a_span_of_one_number_starts_and_ends_there() -> None:
    assert parse_span("4 weeks") == Span(Offset(4, Unit.WEEKS), Offset(4, Unit.WEEKS))


@pytest.mark.parametrize("text", ["6-4 weeks", "2 hours", "4 to 6 weeks", "4-6 muppets", "4-11 years", ""])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"span|backwards|too long"):
        parse_span(text)


@pytest.mark.parametrize(
    ("start", "offset", "there", "elapsed_hours"),
    [
        ("2029-11-03T00:30-04:00", days(2), "2029-11-05T00:30", 49),
        ("2029-03-10T02:30-05:00", days(2), "2029-03-12T02:30", 47),
        ("2029-03-10T02:30-05:00", days(1), "2029-03-11T03:30", 24),
        ("2029-03-10T12:00-05:00", Offset(24, Unit.HOURS), "2029-03-11T13:00", 24),
        ("2029-11-03T01:30-04:00", days(1), "2029-11-04T01:30", 24),
        ("2028-02-29T10:00-05:00", Offset(1, Unit.YEARS), "2029-02-28T10:00", 366 * 24 - 24),
        ("2028-02-29T10:00-05:00", Offset(4, Unit.YEARS), "2032-02-29T10:00", 1461 * 24),
    ],
)
def test_days_are_local_and_hours_are_exact_in_new_york(
    start: str, offset: Offset, there: str, elapsed_hours: int
) -> None:
    end = after(utc(start), offset, NEW_YORK)
    assert local(end, NEW_YORK) == datetime.fromisoformat(there)
    assert end - utc(start) == timedelta(hours=elapsed_hours)


def test_a_wall_time_that_comes_twice_means_the_first() -> None:
    assert moment(date(2029, 11, 4), time(1, 30), NEW_YORK) == utc("2029-11-04T01:30-04:00")


def test_a_wall_time_that_a_clock_change_skips_moves_forward_by_what_was_skipped() -> None:
    assert moment(date(2029, 3, 11), time(2, 30), NEW_YORK) == utc("2029-03-11T03:30-04:00")


def test_a_whole_skipped_day_moves_to_the_next() -> None:
    assert moment(date(2011, 12, 30), time(10), "Pacific/Apia") == utc("2011-12-31T10:00+14:00")


def test_month_ends_clamp_and_keep_the_anchor_day() -> None:
    months = [later(date(2019, 8, 31), Offset(1, Unit.MONTHS) * times) for times in range(1, 7)]
    assert [day.isoformat()[5:] for day in months] == ["09-30", "10-31", "11-30", "12-31", "01-31", "02-29"]


def test_months_are_added_up_before_they_clamp() -> None:
    assert later(date(2026, 8, 31), Offset(6, Unit.MONTHS), Offset(3, Unit.MONTHS)) == date(2027, 5, 31)


def test_half_past_twelve_in_los_angeles_stays_so_all_year() -> None:
    start = utc("2026-01-01T12:30-08:00")
    walls = {local(after(start, days(day), LOS_ANGELES), LOS_ANGELES).time() for day in range(366)}
    assert walls == {time(12, 30)}


@given(INSTANTS, st.integers(0, 400), CHANGING_ZONES)
def test_the_wall_time_is_kept_over_any_number_of_days_unless_it_was_skipped(
    start: datetime, amount: int, zone: str
) -> None:
    end = after(start, days(amount), zone)
    meant = local(start, zone) + timedelta(days=amount)
    skipped = local(end, zone) - meant
    assert timedelta() <= skipped <= timedelta(hours=24)
    exists = meant.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert (skipped == timedelta()) == (exists == meant)


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        ("16:00-10:00", "09:00", "20 10:00"),
        ("16:00-10:00", "16:30", "21 10:00"),
        ("20:00-09:00", "20:00", "21 09:00"),
        ("20:00-09:00", "19:59", "20 19:59"),
        ("20:00-09:00", "09:00", "20 09:00"),
        ("20:00-09:00", "08:59", "20 09:00"),
        ("20:00-09:00", "00:00", "20 09:00"),
        ("12:00-14:00", "13:00", "20 14:00"),
        ("12:00-14:00", "11:59", "20 11:59"),
        ("12:00-00:00", "13:00", "21 00:00"),
        ("00:00-07:00", "00:00", "20 07:00"),
        ("09:00-09:00", "09:00", "20 09:00"),
    ],
)
def test_quiet_hours_defer_to_the_first_instant_outside(quiet: str, at: str, expected: str) -> None:
    start, end = (time.fromisoformat(part) for part in quiet.split("-"))
    instant = moment(date(2026, 11, 20), time.fromisoformat(at), NEW_YORK)
    outside = first_instant_outside(instant, NEW_YORK, QuietHours(start, end))
    assert local(outside, NEW_YORK).strftime("%d %H:%M") == expected


def test_an_instant_outside_of_quiet_hours_comes_back_in_utc() -> None:
    outside = first_instant_outside(
        datetime.fromisoformat("2026-11-20T12:00-05:00"), NEW_YORK, QuietHours(time(20), time(9))
    )
    assert (outside, outside.utcoffset()) == (utc("2026-11-20T17:00Z"), timedelta())


def test_quiet_hours_whose_end_is_skipped_end_with_the_clock_change() -> None:
    quiet = QuietHours(time(22), time(2, 30))
    outside = first_instant_outside(utc("2029-03-11T01:00-05:00"), NEW_YORK, quiet)
    assert outside == utc("2029-03-11T03:00-04:00")


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    quiet = QuietHours(time(22), time(1, 30))
    outside = first_instant_outside(utc("2029-11-04T01:15-05:00"), NEW_YORK, quiet)
    assert outside == utc("2029-11-04T01:30-05:00")


@given(INSTANTS, CHANGING_ZONES, CLOCK, CLOCK)
def test_quiet_hours_agree_with_a_walk_by_the_minute(instant: datetime, zone: str, start: time, end: time) -> None:
    walked, wall = instant, instant.astimezone(ZoneInfo(zone))
    while _is_quiet(wall.time(), start, end):
        walked += timedelta(minutes=1)
        wall = walked.astimezone(ZoneInfo(zone))
    assert first_instant_outside(instant, zone, QuietHours(start, end)) == walked


def _is_quiet(wall: time, start: time, end: time) -> bool:
    if start < end:
        return start <= wall < end
    return start != end and not end <= wall < start


def test_every_zone_of_the_database_is_known_to_the_arithmetic() -> None:
    instant = Instant.from_utc(2026, 11, 20)
    assert {instant.to_tz(name).tz_id for name in _zones()} == set(_zones())
    assert {"Europe/London", "America/New_York", "UTC"} < _zones()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("London", 'did you mean "Europe/London"?'),
        ("europe/london", 'did you mean "Europe/London"?'),
        ("Nowhere/At_All", 'like "Europe/London"'),
        ("", 'like "Europe/London"'),
        ("localtime", 'like "Europe/London"'),
        ("Factory", 'like "Europe/London"'),
        ("posix/Europe/London", 'like "Europe/London"'),
        ("../../etc/passwd", 'like "Europe/London"'),
        ("Europe/London\0", 'like "Europe/London"'),
        ("x" * 5000, 'like "Europe/London"'),
    ],
)
def test_an_unknown_zone_is_refused(name: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        zone_named(name, where="data.client.time_zone")
    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("unknown-zone", "data.client.time_zone")
    assert hint in problem.message
    assert len(problem.message) < 150


def test_the_arithmetic_itself_refuses_an_unknown_zone() -> None:
    with pytest.raises(BadInput) as refused:
        local(utc("2026-11-20T15:00Z"), "Mars/Olympus")
    assert refused.value.code == "unknown-zone"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        local(datetime(2026, 11, 20, 15), LONDON)  # noqa: DTZ001 - what is refused
    assert refused.value.code == "naive-time"


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "overflow",
    [
        lambda: local(LAST, "Asia/Tokyo"),
        lambda: local(FIRST, NEW_YORK),
        lambda: local(datetime.fromisoformat("0001-01-01T00:00+01:00"), LONDON),
        lambda: moment(date.max, time(23), NEW_YORK),
        lambda: moment(date.min, time(1), "Asia/Tokyo"),
        lambda: later(date(9999, 8, 1), Offset(6, Unit.MONTHS)),
        lambda: after(LAST, Offset(1, Unit.MINUTES), LONDON),
        lambda: after(LAST, days(1), LONDON),
        lambda: first_instant_outside(LAST, LONDON, QuietHours(time(20), time(9))),
    ],
)
def test_beyond_the_years_1_to_9999_is_bad_input(overflow: Callable[[], object]) -> None:
    with pytest.raises(BadInput) as refused:
        overflow()
    assert refused.value.code == "date-out-of-range"
