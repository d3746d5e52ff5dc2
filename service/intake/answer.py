"""What intake answers: what became of an event, and the plan that it made."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from service.errors import Problem
from service.types import Json


class Standing(StrEnum):
    """What became of an event."""

    PLANNED = "planned"
    UNMAPPED = "unmapped"
    """Stored, but the clinic has no protocol of this code yet: it is listed, and can be planned once it is mapped."""
    OUTDATED = "outdated"
    """Stored, but something newer about this treatment was known already."""


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One line of a plan. `local` is the wall time in `zone` at which it goes out, deferral included."""

    id: str
    step: str
    occurrence: int
    purpose: str
    medium: str
    state: str
    reason: str
    due_at: datetime
    expires_at: datetime
    zone: str

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "step": self.step,
            "occurrence": self.occurrence,
            "purpose": self.purpose,
            "medium": self.medium,
            "state": self.state,
            "reason": self.reason or None,
            "due_at": self.due_at.isoformat().replace("+00:00", "Z"),
            "expires_at": self.expires_at.isoformat().replace("+00:00", "Z"),
            "zone": self.zone,
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to one event. `created` is False for one that was known: its plan is given again."""

    source: str
    id: str
    created: bool
    standing: Standing
    treatment: str
    plan: tuple[PlannedReminder, ...]
    warnings: tuple[Problem, ...]

    def as_json(self) -> Json:
        return {
            "event": {"source": self.source, "id": self.id},
            "result": self.standing.value,
            "treatment": self.treatment,
            "plan": [line.as_json() for line in self.plan],
            "warnings": [
                {"code": warning.code, "where": warning.where, "message": warning.message} for warning in self.warnings
            ],
        }


def plan_line(row: Any) -> PlannedReminder:
    """A reminder row, or a mapping of its columns, as a line of the plan."""
    value = row if isinstance(row, dict) else row._mapping  # noqa: SLF001 - SQLAlchemy's documented accessor
    return PlannedReminder(
        id=str(value["id"]),
        step=value["step"],
        occurrence=value["occurrence"],
        purpose=value["purpose"],
        medium=value["medium"],
        state=value["state"],
        reason=value["reason"],
        due_at=value["due_at"],
        expires_at=value["expires_at"],
        zone=value["zone"],
    )
