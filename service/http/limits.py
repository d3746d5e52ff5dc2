"""How much one key may ask of this process: a bucket of tokens for each, so that one runaway system slows no other."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from service import clock
from service.errors import Problem, TooMany

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`rate` is requests a second, `burst` how many may come at once."""

    rate: float
    burst: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """By key, in memory: every web process counts for itself."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str) -> None:
        """Count one request. Raises TooMany, which costs nothing: whoever waits as told gets through."""
        now = clock.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._new(key, now)
        bucket.tokens = min(self._limit.burst, bucket.tokens + (now - bucket.at) * self._limit.rate)
        bucket.at = now
        if bucket.tokens < 1:
            seconds = max(1, math.ceil((1 - bucket.tokens) / self._limit.rate))
            sentence = f"this key asks too often: go on in {seconds} s, and send events in batches"
            raise TooMany(Problem("rate-limited", "Authorization", sentence), seconds)
        bucket.tokens -= 1

    def _new(self, key: str, now: float) -> _Bucket:
        if len(self._buckets) >= _MOST:  # so many keys in use at once are no runaway: forget what was counted
            self._buckets.clear()
        return self._buckets.setdefault(key, _Bucket(self._limit.burst, now))


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Turns:
    """For what costs the database much: each clinic has one of it at a time in this process, and few that wait."""

    def __init__(self, most_waiting: int = 10) -> None:
        self._most = most_waiting
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def turn(self, clinic: str) -> AsyncIterator[None]:
        """Waits until nothing else of this clinic runs. Raises TooMany where too many wait."""
        queue = self._queues.setdefault(clinic, _Queue())
        if queue.length > self._most:
            sentence = "this clinic asks for much at once: go on in 1 s, and ask for one after another"
            raise TooMany(Problem("rate-limited", "", sentence), 1)
        queue.length += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.length -= 1
            if not queue.length:
                self._queues.pop(clinic)
