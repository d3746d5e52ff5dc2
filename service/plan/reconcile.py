"""What a new plan changes in the reminders that a course already has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.plan.values import Key, Planned, SkipReason
from service.types import ReminderState


@dataclass(frozen=True, slots=True)
class Existing:
    """A reminder row, as far as planning cares. Instants are aware."""

    id: UUID
    treatment: str
    step: str
    occurrence: int
    state: ReminderState
    settled_by_plan: bool
    """For skipped and cancelled rows: by a plan, so that a plan may want them again; not by a person or by sending."""
    due_at: datetime
    expires_at: datetime
    intended_at: datetime
    zone: str
    moved: bool = False
    """`due_at` is no longer the plan's: a retry, a deferral at the start or a person has set it."""

    @property
    def key(self) -> Key:
        return self.treatment, self.step, self.occurrence

    @property
    def open(self) -> bool:
        """Whether a plan may still decide about it: it is scheduled, or was put away by a plan."""
        put_away = self.state in {ReminderState.SKIPPED, ReminderState.CANCELLED}
        return self.state is ReminderState.SCHEDULED or (put_away and self.settled_by_plan)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write so that the rows follow the plan. False where there is nothing to do."""

    insert: list[Planned]
    """New rows: scheduled, or skipped where `skip` tells why."""
    reschedule: list[tuple[UUID, Planned]]
    """Rows to (re)schedule at the plan's times: scheduled ones that moved, and put-away ones that are wanted again."""
    cancel: list[tuple[UUID, SkipReason]]
    """Scheduled rows that are wanted no longer."""

    def __bool__(self) -> bool:
        return bool(self.insert or self.reschedule or self.cancel)


def reconcile(desired: Sequence[Planned], existing: Sequence[Existing]) -> Changes:
    """Compares a course's plan with its rows. Doing so again once the changes are written gives none.

    What is sending, was sent, has expired, waits for a person or was settled by one never changes.
    """
    rows = {row.key: row for row in existing}
    wanted = {planned.key: planned for planned in desired}
    pairs = [(row, wanted.get(key)) for key, row in rows.items()]
    return Changes(
        insert=[planned for key, planned in wanted.items() if key not in rows],
        reschedule=[(row.id, planned) for row, planned in pairs if planned and _to_schedule(row, planned)],
        cancel=[(row.id, _reason(planned)) for row, planned in pairs if _to_cancel(row, planned)],
    )


def _to_schedule(row: Existing, planned: Planned) -> bool:
    if planned.skip:
        return False
    if row.state is ReminderState.SCHEDULED:
        return _other_times(row, planned)
    return row.open


def _other_times(row: Existing, planned: Planned) -> bool:
    meant = (row.intended_at, row.expires_at, row.zone) != (planned.intended_at, planned.expires_at, planned.zone)
    return meant or (row.due_at != planned.due_at and not row.moved)


def _to_cancel(row: Existing, planned: Planned | None) -> bool:
    return row.state is ReminderState.SCHEDULED and (planned is None or planned.skip is not None)


def _reason(planned: Planned | None) -> SkipReason:
    return planned.skip if planned and planned.skip else SkipReason.NO_LONGER_PLANNED
