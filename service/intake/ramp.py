"""A ramp: what an import finds due already goes out from a day on, a few a day, instead of all at once.

Histories are full of maintenance and next sessions that are due today: a thousand such texts in one minute are neither
what clients expect nor what a front desk can answer.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from service.timing import local, moment
from service.types import Json, Purpose, ReminderState

RAMPED: Final = "ramped"
TOO_LATE: Final = "too-late-for-ramp"


@dataclass(frozen=True, slots=True)
class Ramp:
    """Gives each new reminder that would be due too early a day of its own, at the local hour it is meant for."""

    start: date
    """Nothing goes before this local day."""
    a_day: int | None = None
    """At most so many nudges a day; None: as many as there are. Care is of use for days only, and takes no turn."""
    placed: int = 0
    """How many have a day already."""

    def place(self, row: Json, now: datetime, placed: int = 0) -> Json:
        """A new reminder's row; scheduled on its day where it would have been due at once, or before the start.

        `placed` were given a day since this ramp began. Marked as settled by a person, so that planning again leaves
        its day alone. What cannot wait so long is skipped.
        """
        if row["state"] != ReminderState.SCHEDULED or not self._is_early(row, now):
            return row
        turn = (self.placed + placed) // self.a_day if self.a_day and row["purpose"] != Purpose.CARE else 0
        day = self.start + timedelta(days=turn)
        due_at = max(now, moment(day, datetime.fromisoformat(row["local_time"]).time(), row["zone"]))
        if due_at >= row["expires_at"]:
            return row | {"state": ReminderState.SKIPPED.value, "reason": TOO_LATE, "by": "person"}
        return row | {"due_at": due_at, "reason": RAMPED, "by": "person"}

    def _is_early(self, row: Json, now: datetime) -> bool:
        return row["due_at"] <= now or local(row["due_at"], row["zone"]).date() < self.start
