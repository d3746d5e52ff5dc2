"""The one clock. Wall time is read here and handed down; nothing else in the service asks what time it is.

`now()` serves where no database is at hand; a pass over the database reads `store.session.now(connection)` instead,
so that several machines agree.
"""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The host's wall time, aware UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never jumps and also counts the time a machine or process was suspended.

    Deadlines use it: a process stopped beyond its lease must not believe that no time passed.
    """
    return time.clock_gettime(_SUSPENDED_TOO) if _SUSPENDED_TOO is not None else time.monotonic()


_SUSPENDED_TOO: int | None = getattr(time, "CLOCK_BOOTTIME", None)
