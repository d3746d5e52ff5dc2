"""From facts to rows: plan a course anew from all that is known of it, and save what that changes.

Planning always starts from every treatment of the course and every appointment of its client, so a correction, a newer
session, a booking or a client's move need no rules of their own, and events may arrive in any order. Only what nothing
can change any more is left as it is, and a step that its protocol was given since does not reach it: a client of many
years costs hardly more than a new one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake.drafts import Cause, Drafts
from service.intake.effects import Effects
from service.intake.entry import Named, course_id
from service.intake.facts import stands
from service.intake.matters import OTHER_CLIENT, VOIDED, Touched
from service.intake.people import People
from service.intake.ramp import RAMPED, Ramp
from service.plan import (
    Booking,
    Course,
    Existing,
    Planned,
    QuietHours,
    Session,
    SkipReason,
    course_of,
    plan_course,
    reconcile,
)
from service.protocols import Protocol
from service.protocols.model import area_key
from service.store.appointments import appointments_of_clients
from service.store.clinics import House
from service.store.reminders import reminders_of, treatments_over
from service.store.treatments import courses_of_clients, treatments_of_courses
from service.types import Json, Kind, Medium, ReminderState, SendMode

_Group = tuple[str, str, str, str]
"""(clinic, course, client, protocol): what is planned together."""

_GONE = {VOIDED: SkipReason.TREATMENT_VOIDED, OTHER_CLIENT: SkipReason.OTHER_CLIENT}
"""Treatments in these states are planned no more."""

_LONG_OVER = timedelta(days=2)
"""After its end of use no reminder comes back: a client's new zone moves that end by a day at most."""


class Planner:
    """Plans courses with the protocols it knows."""

    def __init__(self, protocols: Mapping[str, Protocol], ramp: Ramp | None = None) -> None:
        self._protocols = protocols
        self._ramp = ramp

    async def plan(
        self,
        connection: AsyncConnection,
        touched: Touched,
        people: People,
        clinics: Mapping[str, House],
        effects: Effects,
        cause: Cause,
        now: datetime,
    ) -> Drafts:
        """Plan the courses that were touched, and all those of clients whose own facts have changed.

        Tells `effects` and the result what that changes.
        """
        drafts = Drafts(effects, cause, touched.corrected, now, self._ramp)
        clients = touched.clients | people.moved
        courses = touched.courses | (await courses_of_clients(connection, clients) if clients else set())
        if courses:
            treatments = await treatments_of_courses(connection, courses)
            groups = _groups(treatments, people)
            await self._draft(connection, drafts, groups, touched, people, clinics)
            if touched.new:
                effects.courses += self._inferred(groups, touched.new, people, clinics)
            await drafts.save(connection)
        return drafts

    async def _draft(
        self,
        connection: AsyncConnection,
        drafts: Drafts,
        groups: Mapping[_Group, Sequence[Any]],
        touched: Touched,
        people: People,
        clinics: Mapping[str, House],
    ) -> None:
        treatments = {(row.clinic, row.id) for members in groups.values() for row in members}
        past = self._past(groups, people, clinics) - touched.new - touched.corrected
        over = await treatments_over(connection, past, drafts.now - _LONG_OVER)
        rows = by_treatment(await reminders_of(connection, treatments - over))
        booked = {client for client, row in people.clients.items() if row["has_booked"]}
        appointments = await appointments_of_clients(connection, booked)
        for group, members in groups.items():
            self._plan_group(drafts, group, members, over, rows, appointments, people, clinics[group[0]])

    def _past(self, groups: Mapping[_Group, Sequence[Any]], people: People, clinics: Mapping[str, House]) -> set[Named]:
        """The visits that a newer one has taken the place of."""
        past: set[Named] = set()
        for (clinic, _, ref, code), members in groups.items():
            protocol = self._protocols.get(code)
            if protocol and len(members) > 1:
                course = _course(protocol, members, people.clients[clinic, ref], clinics[clinic])
                past.update((clinic, one.treatment) for one in course.sessions if course.superseded(one))
        return past

    def _inferred(
        self,
        groups: Mapping[_Group, Sequence[Any]],
        new: Collection[Named],
        people: People,
        clinics: Mapping[str, House],
    ) -> int:
        """How many more courses these treatments make by their dates alone than they did without the new ones."""
        more = 0
        for (clinic, _, ref, code), members in groups.items():
            protocol, client, house = self._protocols.get(code), people.clients[clinic, ref], clinics[clinic]
            if protocol and any(_is_counted(row) for row in members):
                before = [row for row in members if (clinic, row.id) not in new]
                more += _course(protocol, members, client, house).inferred
                more -= _course(protocol, before, client, house).inferred
        return more

    def _plan_group(
        self,
        drafts: Drafts,
        group: _Group,
        treatments: Sequence[Any],
        over: Collection[Named],
        rows: Mapping[Named, Sequence[Any]],
        appointments: Iterable[Any],
        people: People,
        house: House,
    ) -> None:
        clinic, _, ref, code = group
        client = people.clients[clinic, ref]
        existing = {row.id: _as_dict(row) for one in treatments for row in rows.get((clinic, one.id), ())}
        protocol = self._protocols.get(code)
        own = {row.id for row in treatments if (clinic, row.id) in over}
        desired = plan_of(protocol, treatments, client, house, drafts.now, appointments, own) if protocol else []
        gone = {row.id: reason for row in treatments if (reason := gone_by(row, client))}
        changes = reconcile(desired, [_as_planned(row, code, house) for row in existing.values()], gone)
        drafts.apply(changes, existing, {row.id: row for row in treatments}, client, house)


def plan_of(
    protocol: Protocol,
    treatments: Sequence[Any],
    client: Mapping[str, Any],
    house: House,
    now: datetime,
    appointments: Iterable[Any] = (),
    over: Collection[str] = frozenset(),
) -> list[Planned]:
    """The plan of one course, from the rows of its treatments and its client, and of the client's appointments.

    Treatments that are `over` count for the course, and get no plan.
    """
    present = [row for row in treatments if gone_by(row, client) is None]
    return plan_course(
        protocol,
        _sessions(present, client, house),
        bookings=_bookings(present, appointments),
        quiet=quiet_hours(house),
        usable=usable_media(client, house),
        heard=bool(house.alert_email),
        over=over,
        now=now,
    )


def gone_by(treatment: Any, client: Mapping[str, Any]) -> SkipReason | None:
    """Why nothing of a treatment is planned any more."""
    return SkipReason.CLIENT_ERASED if client["erased_at"] is not None else _GONE.get(treatment.state)


def _bookings(treatments: Sequence[Any], appointments: Iterable[Any]) -> list[Booking]:
    """The appointments that stand and continue this course: by its id where the clinic named one, else by what it is.

    One that names no area may be of any.
    """
    if not treatments:
        return []
    course = treatments[0]
    areas = {"", *(area_key(row.area) for row in treatments)}

    def continues(row: Any) -> bool:
        if (row.clinic, row.client) != (course.clinic, course.client):
            return False
        named = bool(row.course == course.course)
        return named if row.course else row.protocol == course.protocol and area_key(row.area) in areas

    return [Booking(row.starts_at) for row in appointments if continues(row) and stands(row)]


@lru_cache(maxsize=1024)
def quiet_hours(house: House) -> QuietHours:
    """The clinic's quiet hours; they bind SMS, and email only where the clinic says so."""
    media = frozenset(Medium) if house.quiet_email else frozenset({Medium.SMS})
    return QuietHours(house.quiet_start, house.quiet_end, media)


def usable_media(client: Mapping[str, Any], house: House) -> frozenset[Medium]:
    """The media that the client has an address for and the clinic a sender."""
    return frozenset(medium for medium in house.senders if client[_COLUMN[medium]])


_COLUMN = {Medium.SMS: "phone", Medium.EMAIL: "email"}


def _groups(treatments: Sequence[Any], people: People) -> dict[_Group, list[Any]]:
    groups: dict[_Group, list[Any]] = {}
    for row in treatments:
        if (row.clinic, row.client) in people.clients:
            groups.setdefault((row.clinic, row.course, row.client, row.protocol), []).append(row)
    return groups


def _is_counted(row: Any) -> bool:
    """Whether the clinic leaves it to us which session of which series it was."""
    return row.session is None and row.course == course_id(row.client, row.protocol, row.area)


def _course(protocol: Protocol, treatments: Iterable[Any], client: Mapping[str, Any], house: House) -> Course:
    present = [row for row in treatments if gone_by(row, client) is None]
    return course_of(protocol, _sessions(present, client, house))


def _sessions(treatments: Iterable[Any], client: Mapping[str, Any], house: House) -> list[Session]:
    return [_session(row, house.zone_for(client["time_zone"], row.location)) for row in treatments]


def _session(row: Any, zone: str) -> Session:
    return Session(
        treatment=row.id,
        ended_at=row.ended_at,
        kind=Kind(row.kind),
        number=row.session,
        of=row.of,
        zone=zone,
        area=row.area or None,
        course_named=row.course != course_id(row.client, row.protocol, row.area),
    )


def existing_of(row: Json) -> Existing:
    """A reminder's row as planning knows it."""
    return Existing(
        id=row["id"],
        treatment=row["treatment"],
        step=row["step"],
        occurrence=row["occurrence"],
        state=ReminderState(row["state"]),
        settled_by_plan=row["by"] == "plan",
        medium=Medium(row["medium"]),
        due_at=row["due_at"],
        expires_at=row["expires_at"],
        intended_at=row["intended_at"],
        zone=row["zone"],
        moved=row["by"] != "plan",
        begun=row["send_mode"] == SendMode.ALL and row["fence"] > 0,
        called_off=row["called_off"],
        spread=row["reason"] == RAMPED,
    )


def _as_planned(row: Json, code: str, house: House) -> Existing:
    """What another protocol planned is planned anew though its times may be the same, and so is what waits without a
    sender that there is: its plan was made before the sender was known. No plan is for no zone."""
    stranded = row["sender"] is None and row["medium"] in house.senders and row["state"] == ReminderState.SCHEDULED
    return existing_of(row | {"zone": ""} if stranded or row["protocol"] != code else row)


def by_treatment(rows: Collection[Any]) -> dict[Named, list[Any]]:
    """Reminders by (clinic, treatment), in the order given."""
    found: dict[Named, list[Any]] = {}
    for row in rows:
        found.setdefault((row.clinic, row.treatment), []).append(row)
    return found


def _as_dict(row: Any) -> Json:
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
