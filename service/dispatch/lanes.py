"""A lane's turn, pure: how many sends its rate and its fair share of the slots allow, and when it may go on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.store.lanes import Lane

BURST_SECONDS = 1.0
"""A lane that was idle may send what its rate gives in this time at once."""
_ROUNDED = 1e-9
"""Of a token: the one that a lane was shut for may come out a little short in floating point."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One lane's turn: its sender row, and at most how many reminders it may start now."""

    lane: Any
    tokens: float
    quota: int

    @property
    def key(self) -> Lane:
        return (self.lane.clinic, self.lane.id)


def turns(lanes: Sequence[Any], slots: int, now: datetime) -> list[Turn]:
    """Share the free slots among the open lanes; what one lane may not use goes to those after it.

    Where there are fewer slots than lanes, the last lanes have no turn: they keep their place for the next one.
    """
    allotted = []
    for place, lane in enumerate(lanes[:slots]):
        tokens = _filled(lane, now)
        share = -(-slots // (len(lanes) - place))
        quota = min(share, int(tokens + _ROUNDED))
        slots -= quota
        allotted.append(Turn(lane, tokens, quota))
    return allotted


def after(turn: Turn, started: int, next_due: datetime | None, now: datetime) -> dict[str, Any]:
    """The lane's row after its turn: the tokens spent, and shut until the next token where none is left."""
    left = turn.tokens - started
    wait = max(0, math.ceil((1 - left) / turn.lane.rate * 1e6))
    return {
        "clinic": turn.lane.clinic,
        "id": turn.lane.id,
        "tokens": left,
        "tokens_at": now,
        "next_due_at": next_due,
        "open_at": now + timedelta(microseconds=wait),
        "turn_at": now,
    }


def _filled(lane: Any, now: datetime) -> float:
    """The bucket as it has refilled since it was last looked at; it holds at least one token."""
    elapsed = max(0.0, (now - lane.tokens_at).total_seconds())
    tokens: float = lane.tokens + elapsed * lane.rate
    burst: float = max(1.0, lane.rate * BURST_SECONDS)
    return min(tokens, burst)
