"""Which of two events is the newer word on a matter, pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Word:
    """When something was said: its version where the clinic's system counts them, the event's `time`, and its id."""

    version: int | None
    time: datetime
    event: str

    def older_than(self, other: "Word") -> bool:
        """Among words of one kind: by version where given (one with a version is newer than one without), time, id."""
        return self.order < other.order

    def outranks(self, other: "Word") -> bool:
        """Whether this word takes back what `other` said. Versions count where both have one: systems that count the
        versions of a visit often report its end without."""
        if self.version is not None and other.version is not None:
            return self.order > other.order
        return (self.time, self.event) > (other.time, other.event)

    @property
    def order(self) -> tuple[int, datetime, str]:
        return (-1 if self.version is None else self.version, self.time, self.event)
