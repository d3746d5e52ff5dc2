"""Where a course stands: its treatments in order, how far the series has come, whether it is complete or has lapsed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from service.plan.values import Session
from service.protocols import Protocol
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

    def superseded(self, session: Session) -> bool:
        """Whether a newer session or maintenance has taken place."""
        return self.latest is not None and self.latest.order > session.order


def course_of(protocol: Protocol, sessions: Iterable[Session]) -> Course:
    """A session's number is the one given, else the one after the previous; a session given as number 1 starts anew.

    The series is complete at the last session of its length, by the latest event that tells the length, else by the
    protocol's `max`; or once there was a maintenance. A protocol without a series is complete after any session.
    """
    ordered = tuple(sorted(sessions, key=lambda session: session.order))
    latest = next((session for session in reversed(ordered) if session.kind is not Kind.SINGLE), None)
    progress, complete = _counted(protocol, ordered)
    lapses_at = None if complete or latest is None else _lapse(protocol, latest)
    return Course(ordered, latest, complete, lapses_at, progress)


def _counted(protocol: Protocol, ordered: Iterable[Session]) -> tuple[dict[str, Progress], bool]:
    """Each session's progress, and whether the series is complete after the last of them."""
    progress: dict[str, Progress] = {}
    number, of, maintained, complete = 0, None, False, False
    for session in ordered:
        if session.kind is Kind.MAINTENANCE:
            maintained = complete = True
        if session.kind is not Kind.SESSION:
            continue
        if session.number == 1:
            of, maintained = None, False
        number = session.number or number + 1
        of = session.of or of
        series = protocol.sessions_for(session.area)
        if series is None:
            progress[session.treatment] = Progress(session.number, session.of)
            complete = True
        else:
            progress[session.treatment] = Progress(number, of or series.max)
            complete = maintained or number >= (of or series.max)
    return progress, complete


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
