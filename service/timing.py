"""Time as people in a clinic mean it, pure: lengths of time, zones, local calendar days, quiet hours.

Minutes and hours are exact; days, weeks, months and years are calendar units in a local zone (RFC 5545). A wall time
that a clock change skips moves forward by what was skipped, one that comes twice means the first. Instants go in and
out as aware UTC `datetime`s; `whenever` does the arithmetic and stays inside. The clock is never read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache, lru_cache
from zoneinfo import available_timezones

from whenever import Date, Instant, PlainDateTime, Time, ZonedDateTime

from service.errors import BadInput, Problem
from service.types import Medium


class Unit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


_EXACT = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}
_CALENDAR = {Unit.DAYS: (0, 1), Unit.WEEKS: (0, 7), Unit.MONTHS: (1, 0), Unit.YEARS: (12, 0)}
_TEN_YEARS = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Offset:
    """A length of time that keeps the unit it was written in: `6 months` is not 180 days."""

    amount: int
    unit: Unit
    exact: bool = field(init=False, repr=False, compare=False)
    """True for minutes and hours, False for calendar units."""
    delta: timedelta = field(init=False, repr=False, compare=False)
    """The elapsed time of minutes and hours; zero for calendar units."""
    months: int = field(init=False, repr=False, compare=False)
    days: int = field(init=False, repr=False, compare=False)
    """The calendar part; months and days are zero for minutes and hours."""

    def __post_init__(self) -> None:
        months, days = _CALENDAR.get(self.unit, (0, 0))
        # Worked out once: plans add offsets up thousands of times a second.
        object.__setattr__(self, "exact", self.unit in _EXACT)
        object.__setattr__(self, "delta", self.amount * _EXACT.get(self.unit, timedelta()))
        object.__setattr__(self, "months", self.amount * months)
        object.__setattr__(self, "days", self.amount * days)

    @property
    def roughly(self) -> timedelta:
        """For comparing lengths only: a month as 30 days, a year as 360."""
        return self.delta + timedelta(days=30 * self.months + self.days)

    def __mul__(self, times: int) -> "Offset":
        return Offset(self.amount * times, self.unit)

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"


@dataclass(frozen=True, slots=True)
class Span:
    """From one offset to another, in the same calendar unit: `4-6 weeks`."""

    start: Offset
    end: Offset

    def __str__(self) -> str:
        return str(self.start) if self.start == self.end else f"{self.start.amount}-{self.end}"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local hours `[start, end)` in which the media it binds stay silent. May cross midnight; start == end: none."""

    start: time
    end: time
    media: frozenset[Medium] = frozenset({Medium.SMS})

    def covers(self, wall: time) -> bool:
        if self.start <= self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end


_OFFSET = re.compile(r"(\d{1,6}) ([a-z]+)", re.ASCII)
_SPAN = re.compile(r"(?:(\d{1,6})-)?(\d{1,6}) ([a-z]+)", re.ASCII)
_SINGULAR: Mapping[str, Unit] = {unit.removesuffix("s"): unit for unit in Unit}


def parse_offset(text: str) -> Offset:
    """`2 hours`, `1 day`, `6 weeks` as a value.

    :raises ValueError: with a sentence that says what was found and what is accepted.
    """
    found = _OFFSET.fullmatch(text)
    unit = _unit(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(f'"{text[:40]}" is no length of time{_did_you_mean(text)}; {_OFFSET_FORM}')
    return _of_bearable_length(Offset(int(found[1]), unit))


def parse_span(text: str) -> Span:
    """`4-6 weeks` or `4 weeks` as a value.

    :raises ValueError: with a sentence that says what was found and what is accepted.
    """
    found = _SPAN.fullmatch(text)
    unit = _unit(found[3]) if found else None
    if found is None or unit is None or unit in _EXACT:
        raise ValueError(f'"{text[:40]}" is no span of days; {_SPAN_FORM}')
    end = _of_bearable_length(Offset(int(found[2]), unit))
    start = Offset(int(found[1] or found[2]), unit)
    if start.amount > end.amount:
        raise ValueError(f'"{text}" runs backwards; write the smaller number first, like "4-6 weeks"')
    return Span(start, end)


_OFFSET_FORM = 'write a whole number and minutes, hours, days, weeks, months or years, like "2 hours" or "6 weeks"'
_SPAN_FORM = 'write one or two whole numbers and days, weeks, months or years, like "4-6 weeks" or "28 days"'


def _unit(word: str) -> Unit | None:
    return _SINGULAR.get(word.removesuffix("s"))


def _did_you_mean(text: str) -> str:
    amount, _, word = text.strip().partition(" ")
    near = get_close_matches(word.strip().lower(), Unit, n=1)
    return f' (did you mean "{amount} {near[0]}"?)' if near and amount.isascii() and amount.isdigit() else ""


def _of_bearable_length(offset: Offset) -> Offset:
    if offset.roughly > _TEN_YEARS:
        raise ValueError(f'"{offset}" is too long; at most 10 years')
    return offset


def zone_named(name: str, where: str = "time_zone") -> str:
    """The name of an IANA zone, unchanged, once it is known to exist.

    :raises BadInput: `unknown-zone`, with the right spelling where only capitals or the region are missing.
    """
    if name in _zones():
        return name
    near = _zones_by_word().get(name.casefold()[:60])
    hint = f'did you mean "{near}"?' if near else 'write an IANA name like "Europe/London"'
    raise BadInput(Problem("unknown-zone", where, f'"{name[:60]}" is no time zone; {hint}'))


@cache
def _zones() -> frozenset[str]:
    """The zones of the database; not the host's own zone (`localtime`) nor the placeholder `Factory`."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


@cache
def _zones_by_word() -> Mapping[str, str]:
    """Whole names and last parts in lower case: looked up, not compared, as a long import may be wrong line by line."""
    cities = {name.rpartition("/")[2].casefold(): name for name in sorted(_zones(), reverse=True)}
    return cities | {name.casefold(): name for name in _zones()}


def local(instant: datetime, zone: str) -> datetime:
    """The wall time in `zone` at an instant, naive.

    :raises BadInput: `unknown-zone`, `naive-time`, `date-out-of-range`.
    """
    try:
        return _zoned(instant, zone).to_plain().to_stdlib()
    except (ValueError, OverflowError) as error:
        raise _out_of_range() from error


def time_written(text: str, where: str) -> datetime:
    """An instant as people write it, `2026-11-20T15:00:00Z`; naive where it names no offset.

    :raises BadInput: `invalid-time`.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        sentence = "this is no time; write it like 2026-11-20T15:00, with Z or an offset where it is no local time"
        raise BadInput(Problem("invalid-time", where, sentence)) from None


def moment(day: date, at: time, zone: str) -> datetime:
    """The instant, in UTC, of a local day and wall time: moved forward in a gap, the first of two in an overlap.

    :raises BadInput: `unknown-zone`, `date-out-of-range`.
    """
    try:
        return _instant_of(Date(day).at(Time(at)), zone)
    except (ValueError, OverflowError) as error:
        raise _out_of_range() from error


def later(day: date, *offsets: Offset) -> date:
    """The calendar day that lies `offsets` after `day`; hours and minutes count for nothing here.

    Months are added up before the month's end clamps, so a repetition counted from its anchor keeps the anchor's day.

    :raises BadInput: `date-out-of-range`.
    """
    months = days = 0
    for offset in offsets:
        months += offset.months
        days += offset.days
    try:
        return Date(day).add(months=months, days=days).to_stdlib()
    except (ValueError, OverflowError) as error:
        raise _out_of_range() from error


def after(instant: datetime, offset: Offset, zone: str) -> datetime:
    """An instant plus a length of time: exact for minutes and hours, else the same wall time on the later day.

    :raises BadInput: `unknown-zone`, `naive-time`, `date-out-of-range`.
    """
    try:
        if offset.exact:
            return _utc(instant) + offset.delta
        wall = _zoned(instant, zone).to_plain()
        return _instant_of(wall.date().add(months=offset.months, days=offset.days).at(wall.time()), zone)
    except (ValueError, OverflowError) as error:
        raise _out_of_range() from error


@lru_cache(maxsize=4096)
def first_instant_outside(instant: datetime, zone: str, quiet: QuietHours) -> datetime:
    """The instant itself if it lies outside of quiet hours, else the first one after it that does, in UTC.

    Goes along the real timeline, from clock change to clock change: a gap may jump over the end, and an hour that
    comes twice may be quiet twice.

    :raises BadInput: `unknown-zone`, `naive-time`, `date-out-of-range`.
    """
    try:
        here = _zoned(instant, zone)
        while quiet.covers(here.time().to_stdlib()):
            here = _end_or_clock_change(here, quiet.end)
        return here.to_instant().to_stdlib()
    except (ValueError, OverflowError) as error:
        raise _out_of_range() from error


def _end_or_clock_change(here: ZonedDateTime, end: time) -> ZonedDateTime:
    """Where quiet hours end if no clock is changed before, else the change."""
    ends = here.add(microseconds=_microseconds(end) - _microseconds(here.time().to_stdlib()))
    if ends <= here:
        ends = ends.add(hours=24)
    change = here.next_transition()
    return change if change is not None and change < ends else ends


def _microseconds(wall: time) -> int:
    return ((wall.hour * 60 + wall.minute) * 60 + wall.second) * 1_000_000 + wall.microsecond


def _zoned(instant: datetime, zone: str) -> ZonedDateTime:
    return Instant(_utc(instant)).to_tz(zone_named(zone))


def _instant_of(wall: PlainDateTime, zone: str) -> datetime:
    return wall.assume_tz(zone_named(zone), disambiguation="compatible").to_instant().to_stdlib()


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise BadInput(Problem("naive-time", "", "this time names no offset; write it like 2026-11-20T15:00:00Z"))
    return instant.astimezone(UTC)


def _out_of_range() -> BadInput:
    return BadInput(Problem("date-out-of-range", "", "this leads to a date outside of the years 1 to 9999"))
