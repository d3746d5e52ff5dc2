"""A plan as a line in time: where each moment stands between the treatment and the last reminder, pure.

Days near the treatment matter as much as months after it, so places go by the logarithm of the days passed, and
neighbours keep a gap that leaves room for their labels. Places run from 0 (the treatment) to 1.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import log1p

_DAY = timedelta(days=1)
_STEEPNESS = 2.0
"""How much room the first days get; larger: more."""


def places(start: datetime, moments: Sequence[datetime], gap: float) -> list[float]:
    """A place for each moment, in the order given (the order of time), at least `gap` apart where they fit so."""
    if not moments:
        return []
    gap = min(gap, 1 / len(moments))
    scale = _stretch(moments[-1] - start) or 1.0
    found: list[float] = []
    for moment in moments:
        least = (found[-1] if found else 0.0) + gap
        found.append(max(_stretch(moment - start) / scale, least))
    most = 1.0
    for number in reversed(range(len(found))):
        found[number] = min(found[number], most)
        most = found[number] - gap
    return found


def place_between(start: datetime, moments: Sequence[datetime], at: Sequence[float], now: datetime) -> float:
    """Where `now` stands among moments that have their places: between its neighbours, by the time passed."""
    if now < start:
        return 0.0
    times, marks = [start, *moments], [0.0, *at]
    after = bisect_right(times, now)
    if after == len(times):
        return 1.0
    before = after - 1
    share = (now - times[before]) / (times[after] - times[before])
    return marks[before] + share * (marks[after] - marks[before])


def steps(start: datetime, moments: Sequence[datetime]) -> list[int]:
    """How far each moment is from the one before it, as one of five lengths (0 to 4): the room on an upright line."""
    return [min(4, int(_stretch(after - before))) for before, after in pairwise([start, *moments])]


def _stretch(length: timedelta) -> float:
    return log1p(_STEEPNESS * max(length, timedelta()) / _DAY)
