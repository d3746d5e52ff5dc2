"""What the long-running processes share: `run` for trying out and small clinics, `web` and `worker` for others."""

import asyncio
import gc
import resource
import signal
from collections.abc import Callable

_FILES = 10_240


def spare_the_collector() -> None:
    """Leave what was loaded at the start out of garbage collection; see `main` for how often that happens."""
    gc.collect()
    gc.freeze()


def allow_many_files() -> None:
    """Every send in flight has a connection, and shells allow some thousand open files, or fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def on_stop(stop: Callable[[], None]) -> None:
    """SIGTERM and Ctrl-C begin an orderly stop."""
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop)
