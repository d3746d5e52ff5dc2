"""A lane's turn, pure: how many sends its rate and its fair share of the slots allow, and when it may go on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.store.lanes import Lane
from service.types import Medium

DAY = timedelta(hours=24)
BURST_SECONDS = 1.0
"""A lane that was idle may send what its rate gives in this time at once."""
_ROUNDED = 1e-9
"""Of a token: the one that a lane was shut for may come out a little short in floating point."""


@dataclass(slots=True)
class Day:
    """What is left of a sender's daily cap: carriers count segments, in the 24 hours from the first of them."""

    began_at: datetime
    spent: int
    cap: int | None
    full: bool = False
    """Whether something waits that does not fit in any more."""

    @property
    def left(self) -> float:
        return math.inf if self.cap is None else max(0, self.cap - self.spent)

    def take(self, segments: int) -> bool:
        """Spend so many, if they fit. A message longer than a whole day's cap goes as the first of its day."""
        self.full = segments > self.left and bool(self.spent)
        if not self.full:
            self.spent += segments
        return not self.full

    @property
    def open_at(self) -> datetime:
        """When the lane may go on as far as its day is concerned."""
        return self.began_at + DAY if self.full or not self.left else self.began_at


@dataclass(frozen=True, slots=True)
class Turn:
    """One lane's turn: its sender row, and at most how many reminders it may start now."""

    lane: Any
    tokens: float
    quota: int
    day: Day

    @property
    def key(self) -> Lane:
        return (self.lane.clinic, self.lane.id)


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
        allotted.append(Turn(lane, tokens, quota, day))
    return allotted


def after(turn: Turn, started: int, next_due: datetime | None, now: datetime) -> dict[str, Any]:
    """The lane's row after its turn: what it spent, and shut until the next token or day where none is left."""
    left = turn.tokens - started
    wait = max(0, math.ceil((1 - left) / turn.lane.rate * 1e6))
    return {
        "clinic": turn.lane.clinic,
        "id": turn.lane.id,
        "tokens": left,
        "tokens_at": now,
        "next_due_at": next_due,
        "open_at": max(now + timedelta(microseconds=wait), turn.day.open_at),
        "turn_at": now,
        "day_began_at": turn.day.began_at if turn.day.spent else None,
        "day_spent": turn.day.spent,
    }


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
