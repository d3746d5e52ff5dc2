"""From a course's visits to the reminders that follow from them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from service.plan.course import Course, course_of, next_window
from service.plan.values import Booking, Planned, Session, SkipReason
from service.protocols import From, Only, Protocol, Step, Until
from service.timing import Offset, QuietHours, Unit, after, first_instant_outside, later, local, moment
from service.types import Kind, Medium, Quiet
from service.values import value_type

_HELD_AFTER_A_BOOKING = Offset(2, Unit.DAYS)
_NOTHING = Offset(0, Unit.DAYS)


def plan_course(
    protocol: Protocol,
    sessions: Sequence[Session],
    *,
    bookings: Sequence[Booking] = (),
    quiet: QuietHours,
    usable: Collection[Medium] = frozenset(Medium),
    heard: bool = True,
    over: Collection[str] = frozenset(),
    now: datetime,
) -> list[Planned]:
    """Every occurrence of every step of every treatment of one course, those not to be sent with the reason.

    Sorted by treatment (oldest first), then as the protocol lists its steps. A step limited to other areas yields
    nothing. The order of `sessions` and `bookings` does not matter; treatment ids must differ.

    :param usable: the media that can reach the client; quiet hours defer by the first of a step's channels among them.
    :param heard: whether the clinic's staff are told what clients answer; without that nothing is asked.
    :param over: treatments that count for their course alone: they get no plan.
    :param now: aware; only tells what is past.
    :raises BadInput: `unknown-zone`, `naive-time`, `date-out-of-range`.
    """
    plan = _Plan(protocol, course_of(protocol, sessions), bookings, quiet, usable, heard, now)
    return [
        planned
        for visit in (plan.visit(session) for session in plan.course.sessions if session.treatment not in over)
        for step in protocol.steps_for(visit.session.area)
        for planned in plan.occurrences(step, visit)
    ]


@value_type
class _Visit:
    """A treatment with what all of its steps count from."""

    session: Session
    ended_at: datetime
    """UTC."""
    day: date
    """Local."""
    window: tuple[date, date] | None


@dataclass(frozen=True, slots=True)
class _Plan:
    protocol: Protocol
    course: Course
    bookings: Sequence[Booking]
    quiet: QuietHours
    usable: Collection[Medium]
    heard: bool
    now: datetime

    def visit(self, session: Session) -> _Visit:
        day = local(session.ended_at, session.zone).date()
        return _Visit(session, session.ended_at.astimezone(UTC), day, next_window(self.protocol, session))

    def occurrences(self, step: Step, visit: _Visit) -> Iterator[Planned]:
        zone = visit.session.zone
        medium = next((medium for medium in step.channels if medium in self.usable), step.channels[0])
        for occurrence, (intended_at, wall) in enumerate(self._times(step, visit)):
            due_at = self._due(step, medium, intended_at, zone)
            expires_at = after(intended_at, step.expires, zone)
            yield Planned(
                treatment=visit.session.treatment,
                step=step.name,
                occurrence=occurrence,
                purpose=step.purpose,
                channels=step.channels,
                medium=medium,
                send=step.send,
                quiet=step.quiet,
                if_unknown=step.if_unknown,
                intended_at=intended_at,
                due_at=due_at,
                expires_at=expires_at,
                zone=zone,
                local=wall.isoformat(timespec="seconds" if wall.second else "minutes"),
                skip=self._skip(step, visit.session, intended_at, due_at, expires_at),
                asks=step.asks,
                topic=step.topic,
            )

    def _times(self, step: Step, visit: _Visit) -> Iterator[tuple[datetime, datetime]]:
        """The instant and the wall time of each send, always counted from the anchor, so that nothing drifts."""
        zone = visit.session.zone
        if step.at is None:
            for further in step.occurrences:
                instant = after(after(visit.ended_at, step.after, zone), further, zone)
                yield instant, local(instant, zone)
            return
        anchor, first = self._anchor(step, visit, step.at)
        for further in step.occurrences:
            day = later(anchor, first, further)
            # An hour that comes twice can put a first midnight before a second 23:30.
            yield max(moment(day, step.at, zone), visit.ended_at), datetime.combine(day, step.at)

    def _anchor(self, step: Step, visit: _Visit, at: time) -> tuple[date, Offset]:
        """The day to count from and what to count: the step's own, or nothing from a later day that must come first."""
        day = visit.day
        if visit.window and step.counts_from is not From.TREATMENT:
            day = visit.window[step.counts_from is From.WINDOW_END]
        awaited = max(self._awaited(step, visit, at), default=day)
        return (awaited, _NOTHING) if awaited > later(day, step.after) else (day, step.after)

    def _awaited(self, step: Step, visit: _Visit, at: time) -> Iterator[date]:
        """Days before which a step may not fall due: upkeep waits for the window and the lapse, nudges for bookings."""
        zone = visit.session.zone
        if Only.SERIES_OVER in step.only:
            if visit.window and step.counts_from is From.TREATMENT:
                yield visit.window[1]
            if self.course.lapses_at:
                yield local(self.course.lapses_at, zone).date()
        if Until.BOOKING in step.until:
            for booking in self.bookings:
                if booking.at > visit.ended_at:
                    yield _first_day_with(at, after(booking.at, _HELD_AFTER_A_BOOKING, zone), zone)

    def _due(self, step: Step, medium: Medium, intended_at: datetime, zone: str) -> datetime:
        if step.quiet is Quiet.IGNORE or medium not in self.quiet.media:
            return intended_at
        return first_instant_outside(intended_at, zone, self.quiet)

    def _skip(
        self, step: Step, session: Session, intended_at: datetime, due_at: datetime, expires_at: datetime
    ) -> SkipReason | None:
        """The first reason that holds. `past` leads: an old visit's plan is history, whatever came after it."""
        if expires_at <= self.now:
            return SkipReason.PAST
        if step.only and session.kind is Kind.SINGLE:
            return SkipReason.SINGLE_VISIT
        # A step about the series belongs to the latest session, whether it says so or not.
        if (step.only or Until.NEWER_SESSION in step.until) and self.course.superseded(session):
            return SkipReason.NEWER_SESSION
        if step.only and (reason := self._series(step.only[0], intended_at)):
            return reason
        if step.asks and not self.heard:
            return SkipReason.NO_ALERT_ADDRESS
        return SkipReason.EXPIRES_IN_QUIET_HOURS if due_at >= expires_at else None

    def _series(self, only: Only, intended_at: datetime) -> SkipReason | None:
        lapses_at = self.course.lapses_at
        match only:
            case Only.SERIES_OPEN if self.course.complete:
                return SkipReason.SERIES_COMPLETE
            case Only.SERIES_OPEN if lapses_at and intended_at >= lapses_at:
                return SkipReason.SERIES_LAPSED
            case Only.SERIES_OVER if not self.course.complete and lapses_at is None:
                return SkipReason.SERIES_NOT_COMPLETE
        return None


def _first_day_with(at: time, instant: datetime, zone: str) -> date:
    """The first local day on which the wall time `at` does not come before `instant`."""
    wall = local(instant, zone)
    return wall.date() if wall.time() <= at else later(wall.date(), Offset(1, Unit.DAYS))
