"""What a run leaves behind, as values: the provider's ledger, the rows, what was reported meanwhile, and a verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias
from uuid import UUID

from service.types import AttemptState, IfUnknown, Json, ReminderState

Span: TypeAlias = tuple[datetime, datetime]
"""From when to when."""


class Breach(StrEnum):
    """The ways in which the promise can be broken."""

    LOST = "lost"
    DOUBLED = "doubled"
    UNEXPECTED = "unexpected"
    LATE = "late"
    AFTER_STOP = "after stop"
    CONTRADICTION = "contradictions"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the provider accepted, by its ledger."""

    line: int
    at: datetime
    to: str
    provider_id: str
    token: str
    body_hash: str
    """Empty where the provider's book and ours do not hash the same words: letters."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of `attempt`. Instants are aware."""

    clinic: str
    id: UUID
    reminder: UUID
    token: str
    fence: int
    medium: str
    recipient: str
    body_hash: str
    state: AttemptState
    provider_id: str | None
    code: str
    created_at: datetime
    receipt_at: datetime | None
    evidence: Json | None

    @property
    def empty_look_up(self) -> datetime | None:
        """When the provider's records were asked and did not show this message; None where that is not recorded."""
        if self.evidence is None or self.evidence.get("candidates") != []:
            return None
        return datetime.fromisoformat(self.evidence["asked_at"])


@dataclass(frozen=True, slots=True)
class Reminder:
    """A row of `reminder`."""

    clinic: str
    id: UUID
    treatment: str
    step: str
    sender: str | None
    if_unknown: IfUnknown
    state: ReminderState
    reason: str
    fence: int
    intended_at: datetime
    due_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """Consent that was taken away: `at` is an instant after its commit."""

    clinic: str
    medium: str
    address: str
    at: datetime


@dataclass(frozen=True)
class Evidence:
    """All that is known at the end of a run."""

    taken: Sequence[Taken]
    attempts: Sequence[Attempt]
    reminders: Sequence[Reminder]
    planned: frozenset[tuple[str, str, str]] = frozenset()
    """(clinic, treatment, step) of every event that was acknowledged."""
    stops: Sequence[Stop] = ()
    paused: frozenset[tuple[str, str]] = frozenset()
    """(clinic, sender) of senders that were ever paused: theirs may expire unsent."""
    earliest: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """By (clinic, treatment), before when nothing of it may be sent, whatever its corrections said."""
    attended: Sequence[Span] = ()
    """When some worker was up and the provider knew who we are."""
    ended_at: datetime = field(kw_only=True)
    grace: timedelta = timedelta(seconds=2)
    """What was started in time may arrive so much later: the send deadline, and what the network held back."""

    @cached_property
    def by_token(self) -> Mapping[str, Attempt]:
        return {attempt.token: attempt for attempt in self.attempts}

    @cached_property
    def by_id(self) -> Mapping[UUID, Reminder]:
        return {reminder.id: reminder for reminder in self.reminders}

    @cached_property
    def attempts_of(self) -> Mapping[UUID, Sequence[Attempt]]:
        """By reminder, in the order of their starts."""
        found: dict[UUID, list[Attempt]] = {}
        for attempt in sorted(self.attempts, key=lambda one: one.fence):
            found.setdefault(attempt.reminder, []).append(attempt)
        return found

    @cached_property
    def taken_of(self) -> Mapping[str, Sequence[Taken]]:
        """By the attempt's token."""
        found: dict[str, list[Taken]] = {}
        for one in self.taken:
            found.setdefault(one.token, []).append(one)
        return found


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: what about, and how it shows."""

    breach: Breach
    about: str
    how: str


@dataclass(frozen=True, slots=True)
class Resent:
    """A message that went out twice after the provider's records had not shown the first: allowed, and listed."""

    about: str
    asked_at: datetime
    accepted: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Verdict:
    findings: Sequence[Finding]
    resent: Sequence[Resent]

    @property
    def kept(self) -> bool:
        return not self.findings

    def count(self, breach: Breach) -> int:
        return sum(finding.breach is breach for finding in self.findings)


def without(span: Span, holes: Sequence[Span]) -> Iterator[Span]:
    """What is left of a span where these are cut out of it."""
    since, until = span
    for begins, ends in sorted(holes):
        if begins > since and begins < until:
            yield since, begins
        if ends > since and begins < until:
            since = ends
    if since < until:
        yield since, until
