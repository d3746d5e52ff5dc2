"""The machine under the measurement: whether it is quiet, and what processes cost."""

import asyncio
import os
import platform
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import psutil

from service import clock
from service.types import Json

IDLE = 0.85
"""A machine that is idle to this share is quiet."""
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, user and system, by who spent them."""

    workers: float
    database: float
    sink: float

    def since(self, earlier: "Cost") -> "Cost":
        return Cost(self.workers - earlier.workers, self.database - earlier.database, self.sink - earlier.sink)


async def quiet() -> float:
    """Wait until the machine is mostly idle for half a second, for five seconds at most; returns the idle share."""
    give_up = clock.monotonic() + _PATIENCE
    idle = 0.0
    while idle < IDLE and clock.monotonic() < give_up:
        psutil.cpu_percent()
        await asyncio.sleep(0.5)
        idle = 1 - psutil.cpu_percent() / 100
    return idle


async def until(is_so: Callable[[], Awaitable[bool]], *, within: float, look_every: float) -> bool:
    """Wait until something is so; returns False where it is not within so many seconds."""
    give_up = clock.monotonic() + within
    while not await is_so():
        if clock.monotonic() > give_up:
            return False
        await asyncio.sleep(look_every)
    return True


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes have spent so far."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(time.user + time.system for time in times))


def family_cpu_seconds(pid: int) -> float:
    """What a process and its children have spent, also those that have ended: a database's sessions come and go."""
    parent = psutil.Process(pid)
    ended = parent.cpu_times()
    own = cpu_seconds([pid]) + float(ended.children_user + ended.children_system)
    return own + sum(_spent_by(child) for child in parent.children(recursive=True))


def _spent_by(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # it has just ended, and is its parent's from now on
        return 0.0
    return float(times.user + times.system)


def rss_mb(pids: Iterable[int]) -> float:
    """Resident memory of these processes together, in MiB."""
    return float(sum(psutil.Process(pid).memory_info().rss for pid in pids)) / 2**20


def described() -> Json:
    """What figures depend on, to be kept with them."""
    return {
        "cpus": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "memory_mb": psutil.virtual_memory().total // 2**20,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
