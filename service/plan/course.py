"""Where a course stands: its treatments in order, how far the series has come, whether it is complete or has lapsed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from service.plan.values import Session
from service.protocols import Protocol, Sessions
from service.timing import after, later, local
from service.types import Kind


@dataclass(frozen=True, slots=True)
class Progress:
    """Session `number` of `of`; None where neither the protocol nor the clinic tells."""

    number: int | None
    of: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """All treatments of a course and what they amount to, whatever order they were told in."""

    sessions: tuple[Session, ...]
    """By `ended_at`, then treatment id."""
    latest: Session | None
    """The newest session or maintenance; a single visit is none."""
    complete: bool
    lapses_at: datetime | None
    """UTC; None where it is complete or its protocol knows no lapse."""
    progress: Mapping[str, Progress]
    """By treatment id, for each of kind session."""
    inferred: int
    """How many series begin where only the visits' dates show it."""

    def superseded(self, session: Session) -> bool:
        """Whether a newer session or maintenance has taken place."""
        return self.latest is not None and self.latest.order > session.order


def course_of(protocol: Protocol, sessions: Iterable[Session]) -> Course:
    """A session's number is the one given, else the one after the previous.

    A series begins with a session given as number 1. Where neither number nor course is given it also begins with what
    comes after a series that is complete or has lapsed. It is complete at the last session of its length, by the latest
    event that tells the length, else by the protocol's `max`; or once there was a maintenance. A protocol without a
    series is complete after any session.
    """
    ordered = tuple(sorted(sessions, key=lambda session: session.order))
    count = _Count(protocol)
    for session in ordered:
        count.take(session)
    return Course(ordered, count.latest, count.complete, count.lapses_at, count.progress, count.inferred)


class _Count:
    """How far the series has come, visit by visit."""

    def __init__(self, protocol: Protocol) -> None:
        self.progress: dict[str, Progress] = {}
        self.latest: Session | None = None
        self.complete = False
        self.inferred = 0
        self._protocol = protocol
        self._number = 0
        self._of: int | None = None
        self._maintained = False

    @property
    def lapses_at(self) -> datetime | None:
        return None if self.complete or self.latest is None else _lapse(self._protocol, self.latest)

    def take(self, session: Session) -> None:
        match session.kind:
            case Kind.SESSION:
                self._count(session, self._protocol.sessions_for(session.area))
            case Kind.MAINTENANCE:
                self._maintained = self.complete = True
            case Kind.SINGLE:
                return
        self.latest = session

    def _count(self, session: Session, series: Sessions | None) -> None:
        if self._begins(session):
            self._number, self._of, self._maintained = 0, None, False
            self.inferred += series is not None and session.number is None
        self._number = session.number or self._number + 1
        self._of = session.of or self._of
        if series is None:
            self.progress[session.treatment] = Progress(session.number, session.of)
            self.complete = True
        else:
            length = self._of or series.max
            self.progress[session.treatment] = Progress(self._number, length)
            self.complete = self._maintained or self._number >= length

    def _begins(self, session: Session) -> bool:
        """Whether it is the first of a series: as told, else as its distance from the visit before shows."""
        if session.number is not None or session.course_named:
            return session.number == 1
        lapses_at = self.lapses_at
        return self.latest is None or self.complete or (lapses_at is not None and session.ended_at >= lapses_at)


def _lapse(protocol: Protocol, latest: Session) -> datetime | None:
    series = protocol.sessions_for(latest.area)
    if series is None or series.lapses_after is None:
        return None
    return after(latest.ended_at, series.lapses_after, latest.zone)


def next_window(protocol: Protocol, session: Session) -> tuple[date, date] | None:
    """The first and the last local day on which the next session of the series should be; None without a series."""
    series = protocol.sessions_for(session.area)
    if series is None:
        return None
    day = local(session.ended_at, session.zone).date()
    return later(day, series.every.start), later(day, series.every.end)
