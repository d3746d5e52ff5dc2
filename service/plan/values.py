"""The facts that go into a plan and the reminders that come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from service.protocols import Asks
from service.types import IfUnknown, Kind, Medium, Purpose, Quiet, SendMode
from service.values import value_type

Key: TypeAlias = tuple[str, str, int]


@value_type
class Session:
    """One treatment of a course, as its latest event tells it. Instants are aware."""

    treatment: str
    ended_at: datetime
    kind: Kind
    number: int | None
    """Its place in the series where the clinic gave one; else it is counted."""
    of: int | None
    zone: str
    area: str | None
    course_named: bool = False
    """Whether the clinic named its course: then it is one series, whatever lies between its visits."""

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts the treatments of a course; a greater one is newer."""
        return self.ended_at, self.treatment


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment of the course that stands (not cancelled)."""

    at: datetime


class SkipReason(StrEnum):
    """Why a step of a protocol is not sent. The sentences for people are in `SKIP_SENTENCES`."""

    PAST = "past"
    NEWER_SESSION = "newer-session"
    SERIES_COMPLETE = "series-complete"
    SERIES_LAPSED = "series-lapsed"
    SERIES_NOT_COMPLETE = "series-not-complete"
    SINGLE_VISIT = "single-visit"
    EXPIRES_IN_QUIET_HOURS = "expires-in-quiet-hours"
    NO_ALERT_ADDRESS = "no-alert-address"
    NO_LONGER_PLANNED = "no-longer-planned"
    TREATMENT_VOIDED = "treatment-voided"
    OTHER_CLIENT = "other-client"
    CLIENT_ERASED = "client-erased"


SKIP_SENTENCES: Mapping[SkipReason, str] = {
    SkipReason.PAST: "Its time was already over when it was planned.",
    SkipReason.NEWER_SESSION: "A newer session has taken its place.",
    SkipReason.SERIES_COMPLETE: "The series is complete, so no next session is due.",
    SkipReason.SERIES_LAPSED: "The series will have lapsed by then, so no next session is due.",
    SkipReason.SERIES_NOT_COMPLETE: "The series is still open, and its protocol never lets it lapse.",
    SkipReason.SINGLE_VISIT: "The visit stands on its own, and this step belongs to a series.",
    SkipReason.EXPIRES_IN_QUIET_HOURS: "By the end of quiet hours it would no longer be of use.",
    SkipReason.NO_ALERT_ADDRESS: "It asks something, and no alert address is there where the answer would be heard.",
    SkipReason.NO_LONGER_PLANNED: "The treatment or its protocol has changed, and this step no longer belongs to it.",
    SkipReason.TREATMENT_VOIDED: "The clinic has taken the treatment back: it did not take place.",
    SkipReason.OTHER_CLIENT: "The clinic corrected whose treatment it was; it belongs to another client.",
    SkipReason.CLIENT_ERASED: "The client's personal data was erased.",
}


@value_type
class Planned:
    """One reminder as it should be: when, how, and, where it should not be sent, why."""

    treatment: str
    step: str
    occurrence: int
    """0 for the first send, then 1 to `repeat.times`."""
    purpose: Purpose
    channels: tuple[Medium, ...]
    """In order of preference."""
    medium: Medium
    """The first of them that can reach the client; without one, simply the first."""
    send: SendMode
    quiet: Quiet
    if_unknown: IfUnknown
    intended_at: datetime
    """UTC, before quiet hours."""
    due_at: datetime
    """UTC, after quiet hours of the first channel. May lie before now: then it is due at once."""
    expires_at: datetime
    """UTC; no send starts at or after it."""
    zone: str
    local: str
    """The wall time that is meant in `zone`, like `2026-11-21T10:00`: it stays when a zone's rules change."""
    skip: SkipReason | None
    asks: Asks | None
    topic: str | None

    @property
    def key(self) -> Key:
        """What a reminder is unique by within a clinic."""
        return self.treatment, self.step, self.occurrence
