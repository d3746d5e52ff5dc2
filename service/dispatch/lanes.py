"""A lane's turn, pure: how many sends its rate and its fair share of the slots allow, and when it may go on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from service.store.lanes import Lane
from service.types import Medium

DAY = timedelta(hours=24)
BURST_SECONDS = 1.0
"""A lane that was idle may send what its rate gives in this time at once."""
_ROUNDED = 1e-9
"""Of a token: the one that a lane was shut for may come out a little short in floating point."""
_IDENTITY = ("paused_at", "address", "name", "messaging_service")
"""What must not change while a turn lasts."""


@dataclass(slots=True)
class Day:
    """What is left of a sender's daily cap: carriers count segments, in the 24 hours from the first of them."""

    began_at: datetime
    spent: int
    cap: int | None
    used: int = 0
    """Of this turn."""
    full: bool = False
    """Whether something waits that does not fit in any more."""

    @property
    def left(self) -> float:
        return math.inf if self.cap is None else max(0, self.cap - self.spent - self.used)

    def take(self, segments: int) -> bool:
        """Spend so many, if they fit. A message longer than a whole day's cap goes as the first of its day."""
        self.full = segments > self.left and bool(self.spent or self.used)
        if not self.full:
            self.used += segments
        return not self.full

    @property
    def open_at(self) -> datetime:
        """When the lane may go on as far as its day is concerned."""
        return self.began_at + DAY if self.full or not self.left else self.began_at


@dataclass(frozen=True, slots=True)
class Turn:
    """One lane's turn: its sender row as the turn began, and at most how many reminders it may start."""

    lane: Any
    tokens: float
    quota: int
    day: Day
    taken: int
    """Tokens that the turn took as it began."""
    texts_a_day: int | None
    """The daily cap of lanes for texts that have none of their own."""

    @property
    def key(self) -> Lane:
        return (self.lane.clinic, self.lane.id)

    def is_overtaken(self, lane: Any) -> bool:
        """Whether the lane has since been paused or become another sender, or its day has no room for what was used:
        then what the turn has decided must not be."""
        if any(getattr(lane, name) != getattr(self.lane, name) for name in _IDENTITY):
            return True
        day = self.day_of(lane)
        return bool(day.spent) and self.day.used > day.left

    def day_of(self, lane: Any) -> Day:
        """The lane's day by its row as it is now."""
        return _day_of(lane, self.day.began_at, self.texts_a_day)


def turns(lanes: Sequence[Any], slots: int, now: datetime, texts_a_day: int | None = None) -> list[Turn]:
    """Share the free slots among the open lanes; what one lane may not use goes to those after it.

    `texts_a_day`: the daily cap of lanes for texts that have none of their own.

    Where there are fewer slots than lanes, the last lanes have no turn: they keep their place for the next one.
    """
    allotted = []
    for place, lane in enumerate(lanes[:slots]):
        tokens, day = _filled(lane, now), _day_of(lane, now, texts_a_day)
        share = -(-slots // (len(lanes) - place))
        quota = int(min(share, tokens + _ROUNDED, day.left))
        slots -= quota
        allotted.append(Turn(lane, tokens, quota, day, quota, texts_a_day))
    return allotted


def fewer(allotted: Sequence[Turn], most: int) -> list[Turn]:
    """The same turns anew, with at most so many reminders in all, shared as before."""
    some = []
    for place, turn in enumerate(allotted):
        quota = min(turn.quota, -(-most // (len(allotted) - place)))
        most -= quota
        some.append(replace(turn, quota=quota, day=replace(turn.day)))
    return some


def begun(turn: Turn, now: datetime) -> dict[str, Any]:
    """The lane's row as its turn begins: all that it may start is taken from its tokens."""
    left = turn.tokens - turn.taken
    return {
        "clinic": turn.lane.clinic,
        "id": turn.lane.id,
        "tokens": left,
        "tokens_at": now,
        "open_at": _open_at(left, now, turn.lane.rate, turn.day),
        "turn_at": now,
    }


def ended(turn: Turn, lane: Any, started: int, next_due: datetime | None) -> dict[str, Any]:
    """The lane's row after a turn, from the row as it is now: what it did not start is given back, and what it used of
    the day is booked. A lane that somebody has shut meanwhile stays so; one with another rate or cap goes by that."""
    before = turn.day_of(lane)
    is_full = turn.day.full and before.cap == turn.day.cap
    after = replace(before, spent=before.spent + turn.day.used, full=is_full)
    tokens = lane.tokens + turn.taken - started
    is_shut = lane.open_at > _open_at(lane.tokens, lane.tokens_at, turn.lane.rate, before)
    return {
        "clinic": lane.clinic,
        "id": lane.id,
        "tokens": tokens,
        "next_due_at": next_due,
        "open_at": lane.open_at if is_shut else _open_at(tokens, lane.tokens_at, lane.rate or turn.lane.rate, after),
        "day_began_at": after.began_at if after.spent else None,
        "day_spent": after.spent,
    }


def _open_at(tokens: float, tokens_at: datetime, rate: float, day: Day) -> datetime:
    """Shut until the next token or day where none is left."""
    wait = max(0, math.ceil((1 - tokens) / rate * 1e6))
    return max(tokens_at + timedelta(microseconds=wait), day.open_at)


def _day_of(lane: Any, now: datetime, texts_a_day: int | None) -> Day:
    cap = texts_a_day if lane.daily_cap is None and lane.medium == Medium.SMS else lane.daily_cap
    if lane.day_began_at is None or now >= lane.day_began_at + DAY:
        return Day(now, 0, cap)
    return Day(lane.day_began_at, lane.day_spent, cap)


def _filled(lane: Any, now: datetime) -> float:
    """The bucket as it has refilled since it was last looked at; it holds at least one token."""
    elapsed = max(0.0, (now - lane.tokens_at).total_seconds())
    tokens: float = lane.tokens + elapsed * lane.rate
    burst: float = max(1.0, lane.rate * BURST_SECONDS)
    return min(tokens, burst)
