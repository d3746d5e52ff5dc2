"""What intake answers: what became of an event, the plan that it made, and what it changed in plans that there were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from service.errors import Problem
from service.types import Json
from service.values import value_type


class Standing(StrEnum):
    """What became of an event."""

    PLANNED = "planned"
    UNMAPPED = "unmapped"
    """Stored, but the clinic has no protocol of this code yet: it is listed, and can be planned once it is mapped."""
    VOIDED = "voided"
    """The treatment was taken back, by this event or by one that came before it."""
    BOOKED = "booked"
    CANCELLED = "cancelled"
    """The appointment will not take place, by this event or by one that came before it."""
    RECORDED = "recorded"
    """What it says of its client is kept."""
    ERASED = "erased"
    OUTDATED = "outdated"
    """Stored, but something newer about its matter was known already."""
    OVERRULED = "overruled"
    """Stored, but the client withdrew this consent on their own page, and only they give it back."""


class Effect(StrEnum):
    """What an event did to a reminder that there was."""

    PLANNED = "planned"
    """It had been put away, and is to be sent after all."""
    MOVED = "moved"
    CANCELLED = "cancelled"
    STOPPING = "stopping"
    """A send of it is under way and may arrive; no further one follows."""
    KEPT = "kept"
    """It went out before, as it was planned then."""


@value_type
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
            "due_at": _utc(self.due_at),
            "expires_at": _utc(self.expires_at),
            "zone": self.zone,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What an event did to one reminder that there was before it. Kept with the reminder's decisions."""

    reminder: UUID
    treatment: str
    client: str
    step: str
    occurrence: int
    effect: Effect
    reason: str
    """A code of `reasons.sentence`."""
    was_due_at: datetime | None = None
    due_at: datetime | None = None
    """Where it moved or is planned again."""
    state: str = ""
    """Of one that is kept: how far it got."""

    def as_json(self) -> Json:
        times = {"was_due_at": self.was_due_at, "due_at": self.due_at}
        return {
            "change": self.effect.value,
            "reason": self.reason,
            "reminder": str(self.reminder),
            "treatment": self.treatment,
            "client": self.client,
            "step": self.step,
            "occurrence": self.occurrence,
            **{name: _utc(time) for name, time in times.items() if time is not None},
            **({"state": self.state} if self.state else {}),
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to one event. `created` is False for one that was known: its plan is given again."""

    source: str
    id: str
    created: bool
    standing: Standing
    treatment: str | None
    """None where the event is about none."""
    plan: tuple[PlannedReminder, ...]
    """Of its treatment, as it is now."""
    changes: tuple[Change, ...]
    warnings: tuple[Problem, ...]

    def as_json(self) -> Json:
        return {
            "event": {"source": self.source, "id": self.id},
            "result": self.standing.value,
            "treatment": self.treatment,
            "plan": [line.as_json() for line in self.plan],
            "changes": [change.as_json() for change in self.changes],
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


def in_order(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The same changes are told in the same order, now and when the event is sent again."""
    return tuple(sorted(changes, key=lambda one: (one.treatment, one.step, one.occurrence, str(one.reminder))))


def change_detail(change: Change) -> Json:
    """What a decision line keeps of a change beside its reminder and its code."""
    times = {"from": change.was_due_at, "to": change.due_at}
    return {
        "change": change.effect.value,
        **{name: time.isoformat() for name, time in times.items() if time is not None},
        **({"state": change.state} if change.state else {}),
    }


def change_of(row: Any) -> Change:
    """A change from its decision line, joined with its reminder."""
    detail = row.detail
    return Change(
        reminder=row.reminder,
        treatment=row.treatment,
        client=row.client,
        step=row.step,
        occurrence=row.occurrence,
        effect=Effect(detail["change"]),
        reason=row.code,
        was_due_at=datetime.fromisoformat(detail["from"]) if "from" in detail else None,
        due_at=datetime.fromisoformat(detail["to"]) if "to" in detail else None,
        state=detail.get("state", ""),
    )


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
