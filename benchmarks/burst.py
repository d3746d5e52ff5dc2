"""A burst: many reminders fall due at one instant. Measured at the sink, in the same way for every contestant."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from benchmarks.machine import quiet, rss_mb, until
from benchmarks.stage import Stage
from service import clock

LEAD = timedelta(seconds=3)
"""Between scheduling and the instant at which all falls due."""
_LONGEST = 90.0


class Contestant(Protocol):
    """A system with its workers running and idle, on a database of its own."""

    name: str
    workers: Sequence[int]
    """Process ids."""

    async def schedule(self, reminders: int, due: datetime) -> None:
        """Make so many messages fall due at that instant."""

    async def is_recorded(self) -> bool:
        """Whether nothing that fell due is waiting or in flight in its own books."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What one burst came to. Times in the unit of their names; CPU is user and system, a message sent."""

    system: str
    workers: int
    reminders: int
    idle_before: float
    sent_per_s: float
    late_p50_ms: float
    late_p99_ms: float
    recorded_s: float
    """From the due instant until its own books said that all were sent."""
    worker_us: float
    database_us: float
    sink_us: float
    rss_mb: float
    lost: int
    duplicates: int


async def burst(stage: Stage, contestant: Contestant, reminders: int) -> Burst:
    """Schedule, wait for the instant, and watch until everything has arrived and is recorded."""
    await stage.sandbox.reset()
    await stage.execute("postgres", "CHECKPOINT")
    idle = await quiet()
    due = clock.now() + LEAD
    await contestant.schedule(reminders, due)
    workers = list(contestant.workers)
    await asyncio.sleep(max(0.0, (due - clock.now()).total_seconds() - 0.05))
    before = stage.cost(workers)
    await until(lambda: _all_arrived(stage, reminders), within=_LONGEST, look_every=0.1)
    await until(contestant.is_recorded, within=_LONGEST, look_every=0.02)
    recorded = (clock.now() - due).total_seconds()
    spent = stage.cost(workers).since(before)
    await asyncio.sleep(0.5)  # a second copy would come now
    arrived, twice = await _arrivals(stage)
    late = sorted((at - due).total_seconds() * 1000 for at in arrived)
    share = 1e6 / max(1, len(arrived))
    return Burst(
        system=contestant.name,
        workers=len(workers),
        reminders=reminders,
        idle_before=round(idle, 2),
        sent_per_s=_rate(arrived),
        late_p50_ms=_percentile(late, 0.5),
        late_p99_ms=_percentile(late, 0.99),
        recorded_s=recorded,
        worker_us=spent.workers * share,
        database_us=spent.database * share,
        sink_us=spent.sink * share,
        rss_mb=rss_mb(workers),
        lost=reminders - (len(arrived) - twice),
        duplicates=twice,
    )


async def _all_arrived(stage: Stage, reminders: int) -> bool:
    return int((await stage.sandbox.stats())["accepted"]) >= reminders


async def _arrivals(stage: Stage) -> tuple[list[datetime], int]:
    """When each accepted message came, in order; and how many were the same as one before."""
    lines = [line for line in await stage.sandbox.ledger() if line["outcome"] == "accepted"]
    distinct = {(line["to"], line["body_hash"]) for line in lines}
    return [datetime.fromisoformat(line["at"]) for line in lines], len(lines) - len(distinct)


def _rate(arrived: Sequence[datetime]) -> float:
    """Messages a second between the first and the last."""
    took = (arrived[-1] - arrived[0]).total_seconds() if arrived else 0.0
    return (len(arrived) - 1) / took if took else 0.0


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
