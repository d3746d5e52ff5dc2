"""Visits, protocols and plans for the tests of planning, as short as they are told."""

from datetime import UTC, datetime, time
from pathlib import Path

from service.plan import Booking, Planned, QuietHours, Session, plan_course
from service.protocols import Protocol, load_protocols, parse_protocol
from service.types import Kind

LONDON, NEW_YORK = "Europe/London", "America/New_York"
SHIPPED = load_protocols(Path(__file__).parents[2] / "config" / "protocols")
MICRONEEDLING = SHIPPED["microneedling"]
NIGHT = QuietHours(time(20), time(9))
NO_QUIET = QuietHours(time(0), time(0))
SERIES = 'sessions = { min = 3, max = 6, every = "4-6 weeks", lapses_after = "12 weeks" }'


def utc(text: str) -> datetime:
    """`2026-11-20T15:00`, as UTC unless it names an offset."""
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def visit(
    ended_at: str,
    *,
    kind: Kind = Kind.SESSION,
    number: int | None = None,
    of: int | None = None,
    zone: str = LONDON,
    area: str | None = None,
    treatment: str = "",
) -> Session:
    return Session(treatment or f"visit-{ended_at}", utc(ended_at), kind, number, of, zone, area)


def protocol(steps: str, *, head: str = SERIES) -> Protocol:
    return parse_protocol(f'title = "X"\n{head}\n{steps}', code="x", where="x")


def one_step(step: str, *, head: str = SERIES) -> Protocol:
    return protocol(f'[[step]]\nname = "only-step"\n{step}', head=head)


def plan(
    what: Protocol,
    *sessions: Session,
    now: str | None = None,
    quiet: QuietHours = NIGHT,
    bookings: tuple[str, ...] = (),
) -> list[Planned]:
    """Planned at the end of the last visit unless `now` is given."""
    at = utc(now) if now else max(session.ended_at for session in sessions)
    return plan_course(what, sessions, bookings=[Booking(utc(text)) for text in bookings], quiet=quiet, now=at)


def of_step(planned: list[Planned], step: str, session: Session | None = None) -> list[Planned]:
    return [one for one in planned if one.step == step and (session is None or one.treatment == session.treatment)]


def told(planned: list[Planned]) -> list[str]:
    """Each reminder as a line: `day-1-sunscreen 0 2026-11-21T10:00`, with the reason where it is skipped."""
    return [f"{one.step} {one.occurrence} {one.local}{f' {one.skip}' if one.skip else ''}" for one in planned]
