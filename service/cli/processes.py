"""What the long-running processes share: `run` for trying out and small clinics, `web` and `worker` for others."""

import asyncio
import gc
import signal
from collections.abc import Callable


def spare_the_collector() -> None:
    """Leave what was loaded at the start out of garbage collection; see `main` for how often that happens."""
    gc.collect()
    gc.freeze()


def on_stop(stop: Callable[[], None]) -> None:
    """SIGTERM and Ctrl-C begin an orderly stop."""
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop)
