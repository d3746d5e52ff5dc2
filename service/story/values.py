"""A story as a value."""

from dataclasses import dataclass
from datetime import UTC, datetime

from service.timing import local
from service.types import Json


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that happened, and when."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """`told` in order of time; `now` says where the reminder stands, or what it waits for."""

    zone: str
    told: tuple[Sentence, ...]
    now: str

    def as_json(self) -> Json:
        lines = [
            {"at": _utc(line.at), "local": local(line.at, self.zone).isoformat(timespec="seconds"), "text": line.text}
            for line in self.told
        ]
        return {"zone": self.zone, "told": lines, "now": self.now}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
