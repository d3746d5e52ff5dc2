"""What fails and when, by a seed. Pure: the same seed and length give the same schedule."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Blow(StrEnum):
    """One kind of misfortune."""

    KILL_WORKER = "kill-worker"
    STOP_WORKER = "stop-worker"
    """SIGTERM: an ordinary deploy in the middle of the work."""
    KILL_WEB = "kill-web"
    FREEZE_WORKER = "freeze-worker"
    """SIGSTOP, and SIGCONT later: often beyond the lease."""
    FREEZE_WEB = "freeze-web"
    KILL_AT_MOMENT = "kill-at-moment"
    FREEZE_AT_MOMENT = "freeze-at-moment"
    """At one of the named moments of a worker's talk with its database or provider."""
    STOP_DATABASE = "stop-database"
    END_SESSIONS = "end-sessions"
    CUT_DATABASE = "cut-database"
    SILENCE_DATABASE = "silence-database"
    CUT_PROVIDER = "cut-provider"
    SILENCE_PROVIDER = "silence-provider"
    FILL_DISK = "fill-disk"
    """The database's disk is full for a while."""
    STORM = "storm"
    """The provider answers badly for a while."""


@dataclass(frozen=True, slots=True)
class Due:
    """A blow `at` seconds after the start, lasting so many `seconds` where it lasts.

    `dice` makes every further choice (which worker, which moment) repeatable.
    """

    at: float
    blow: Blow
    seconds: float
    dice: int


_EVERY: Mapping[Blow, float] = {
    Blow.KILL_WORKER: 12,
    Blow.STOP_WORKER: 40,
    Blow.KILL_WEB: 30,
    Blow.FREEZE_WORKER: 15,
    Blow.FREEZE_WEB: 45,
    Blow.KILL_AT_MOMENT: 8,
    Blow.FREEZE_AT_MOMENT: 15,
    Blow.STOP_DATABASE: 40,
    Blow.END_SESSIONS: 8,
    Blow.CUT_DATABASE: 15,
    Blow.SILENCE_DATABASE: 30,
    Blow.CUT_PROVIDER: 12,
    Blow.SILENCE_PROVIDER: 20,
    Blow.FILL_DISK: 50,
    Blow.STORM: 12,
}
"""Seconds between two of a kind, on average."""

LONGEST_SILENCE = 6.0
"""Seconds for which a line may hold back what was said on it."""

_LASTS: Mapping[Blow, tuple[float, float]] = {
    Blow.FREEZE_WORKER: (1, 10),
    Blow.FREEZE_WEB: (0.5, 4),
    Blow.FREEZE_AT_MOMENT: (3, 12),
    Blow.STOP_DATABASE: (0.5, 5),
    Blow.SILENCE_DATABASE: (1, LONGEST_SILENCE),
    Blow.SILENCE_PROVIDER: (1, LONGEST_SILENCE),
    Blow.FILL_DISK: (1, 5),
    Blow.STORM: (1, 5),
}

_FIRST = 3.0
"""Nothing fails before this second: something must be on its way to be hit."""


def schedule(seed: int, seconds: float) -> list[Due]:
    """Every kind at least once, in order of time."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    blows = []
    for blow, every in _EVERY.items():
        count = max(1, round((seconds - _FIRST) / every))
        span = (seconds - _FIRST) / count
        for number in range(count):
            at = _FIRST + span * (number + dice.random())
            lasts = dice.uniform(*_LASTS.get(blow, (0, 0)))
            blows.append(Due(at, blow, lasts, dice.randrange(2**32)))
    return sorted(blows, key=lambda due: due.at)
