"""What recording events changes in the schedule."""

from dataclasses import dataclass, field
from datetime import datetime

from service.store.lanes import Lane
from service.store.numbers import Number


@dataclass(slots=True)
class Effects:
    """Of one group of events, over all plans that it touched; of an intake, over all groups that it committed."""

    due: dict[Lane, datetime] = field(default_factory=dict)
    """The earliest instant that was scheduled, by lane."""
    planned: int = 0
    """Reminders newly scheduled, less those called off."""
    past: int = 0
    """New reminders whose time was over: recorded as skipped."""
    ramped: int = 0
    """How many reminders an import's ramp has given a day of their own, those of the groups before included."""
    courses: int = 0
    """Courses that begin where only the dates of their visits show it: so many more than before."""
    new_numbers: set[Number] = field(default_factory=set)
    """Numbers that these clinics had never heard of."""

    def schedule(self, lane: Lane, moment: datetime) -> None:
        self.due[lane] = min(moment, self.due.get(lane, moment))

    @property
    def earliest(self) -> datetime | None:
        return min(self.due.values(), default=None)

    def add(self, other: "Effects") -> None:
        """Count what another group changed, too."""
        self.planned += other.planned
        self.past += other.past
        self.courses += other.courses
        self.ramped = other.ramped
