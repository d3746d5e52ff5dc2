"""What a new plan changes in the reminders that a course already has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from service.plan.values import Key, Planned, SkipReason
from service.types import Medium, ReminderState
from service.values import value_type

_OUT = frozenset(
    {ReminderState.SENT, ReminderState.DELIVERED, ReminderState.UNDELIVERED, ReminderState.CAPTURED},
)
_UNDER_WAY = frozenset({ReminderState.SENDING, ReminderState.NEEDS_REVIEW})


@value_type
class Existing:
    """A reminder row, as far as planning cares. Instants are aware."""

    id: UUID
    treatment: str
    step: str
    occurrence: int
    state: ReminderState
    settled_by_plan: bool
    """For skipped and cancelled rows: by a plan, so that a plan may want them again; not by a person or by sending."""
    medium: Medium
    due_at: datetime
    expires_at: datetime
    intended_at: datetime
    zone: str
    moved: bool = False
    """`due_at` is no longer the plan's: a retry, a deferral at the start or a person has set it."""
    begun: bool = False
    """It goes by several channels, and one of them has been tried: it is never planned from its beginning again."""
    called_off: str = ""
    """Why the plan wanted it no longer, when it was under way already."""
    spread: bool = False
    """An import gave it a day of its own: whatever changes, it is not due before that."""

    @property
    def key(self) -> Key:
        return self.treatment, self.step, self.occurrence

    @property
    def open(self) -> bool:
        """Whether a plan may still decide about it: it is scheduled, or was put away by a plan."""
        put_away = self.state in {ReminderState.SKIPPED, ReminderState.CANCELLED}
        return self.waits or (put_away and self.settled_by_plan)

    @property
    def waits(self) -> bool:
        return self.state is ReminderState.SCHEDULED

    @property
    def under_way(self) -> bool:
        """Whether a send of it may be in flight: a plan can not undo that, only have no further one follow."""
        return self.state in _UNDER_WAY


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write so that the rows follow the plan. False where there is nothing to do."""

    insert: list[Planned] = field(default_factory=list)
    """New rows: scheduled, or skipped where `skip` tells why."""
    reschedule: list[tuple[UUID, Planned]] = field(default_factory=list)
    """Rows to (re)schedule at the plan's times: scheduled ones that moved, and put-away ones that are wanted again."""
    cancel: list[tuple[UUID, SkipReason]] = field(default_factory=list)
    """Scheduled rows that are wanted no longer."""
    call_off: list[tuple[UUID, SkipReason]] = field(default_factory=list)
    """Rows under way that are wanted no longer: what is in flight may arrive, nothing further is to be started."""
    amend: list[tuple[UUID, Planned]] = field(default_factory=list)
    """Rows under way that are wanted at other times: a further send follows those."""
    kept: list[tuple[UUID, SkipReason | None]] = field(default_factory=list)
    """Rows that went out and are wanted no longer (with the reason), or at other times. Nothing is to be written."""

    def __bool__(self) -> bool:
        return bool(self.insert or self.reschedule or self.cancel or self.call_off or self.amend)


def reconcile(
    desired: Sequence[Planned], existing: Sequence[Existing], gone: Mapping[str, SkipReason] | None = None
) -> Changes:
    """Compares a course's plan with its rows. Doing so again once the changes are written gives none.

    What was sent, has expired or was settled by a person never changes. `gone` tells of treatments that are not
    planned at all, why.
    """
    changes = Changes()
    rows = {row.key: row for row in existing}
    wanted = {planned.key: planned for planned in desired}
    changes.insert.extend(planned for key, planned in wanted.items() if key not in rows)
    for key, row in rows.items():
        planned = wanted.get(key)
        unwanted = _unwanted(planned, (gone or {}).get(row.treatment))
        if unwanted:
            _take_back(changes, row, unwanted)
        elif planned:
            _bring_in_line(changes, row, planned)
    return changes


def _take_back(changes: Changes, row: Existing, reason: SkipReason) -> None:
    if row.waits:
        changes.cancel.append((row.id, reason))
    elif reason is SkipReason.PAST:  # nothing to take back: what is under way has its expiry, what is out is out
        return
    elif row.under_way and row.called_off != reason:
        changes.call_off.append((row.id, reason))
    elif row.state in _OUT:
        changes.kept.append((row.id, reason))


def _bring_in_line(changes: Changes, row: Existing, planned: Planned) -> None:
    otherwise = bool(row.called_off) or _meant_otherwise(row, planned)
    if row.under_way or (row.waits and (row.begun or _keeps_its_day(row, planned))):
        changes.amend.extend([(row.id, planned)] if otherwise else [])
    elif row.waits:
        elsewhere = _lies_elsewhere(row, planned) and not row.moved
        changes.reschedule.extend([(row.id, planned)] if otherwise or elsewhere else [])
    elif row.open:
        changes.reschedule.append((row.id, planned))
    elif row.state in _OUT and otherwise:
        changes.kept.append((row.id, None))


def _keeps_its_day(row: Existing, planned: Planned) -> bool:
    return row.spread and planned.due_at < row.due_at


def _meant_otherwise(row: Existing, planned: Planned) -> bool:
    return (row.intended_at, row.expires_at, row.zone) != (planned.intended_at, planned.expires_at, planned.zone)


def _lies_elsewhere(row: Existing, planned: Planned) -> bool:
    return (row.due_at, row.medium) != (planned.due_at, planned.medium)


def _unwanted(planned: Planned | None, gone: SkipReason | None) -> SkipReason | None:
    if planned is None:
        return gone or SkipReason.NO_LONGER_PLANNED
    return planned.skip
