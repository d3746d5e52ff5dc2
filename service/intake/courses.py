"""From facts to rows: plan a course anew from all that is known of it, and save what that changes.

Planning always starts from every treatment of the course, so a correction, a newer session or a client's move need no
rules of their own, and events may arrive in any order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.intake.effects import Effects
from service.intake.people import People
from service.plan import Changes, Existing, Planned, QuietHours, Session, SkipReason, plan_course, reconcile
from service.protocols import Protocol
from service.store.clinics import House
from service.store.reminders import insert_reminders, record_decisions, reminders_of, replan_reminders
from service.store.treatments import courses_of_clients, treatments_of_courses
from service.types import Json, Kind, Medium, ReminderState

Course = tuple[str, str]
"""(clinic, course)."""
_Group = tuple[str, str, str, str]
"""(clinic, course, client, protocol): what is planned together."""


class Planner:
    """Plans courses with the protocols it knows."""

    def __init__(self, protocols: Mapping[str, Protocol]) -> None:
        self._protocols = protocols

    async def plan(
        self,
        connection: AsyncConnection,
        courses: set[Course],
        people: People,
        clinics: Mapping[str, House],
        effects: Effects,
        now: datetime,
    ) -> dict[tuple[str, str], list[Any]]:
        """Plan these courses, and those of clients who moved to another zone.

        Tells `effects` what that changes. Returns the plan by (clinic, treatment), as rows.
        """
        if people.moved:
            courses = courses | await courses_of_clients(connection, people.moved)
        if not courses:
            return {}
        treatments = await treatments_of_courses(connection, courses)
        rows = by_treatment(await reminders_of(connection, [(row.clinic, row.id) for row in treatments]))
        batch = _Batch(effects, now)
        for group, members in _groups(treatments, people).items():
            self._plan_group(batch, group, members, rows, people, clinics[group[0]])
        await batch.save(connection)
        return batch.plans

    def _plan_group(
        self,
        batch: "_Batch",
        group: _Group,
        treatments: Sequence[Any],
        rows: Mapping[tuple[str, str], Sequence[Any]],
        people: People,
        house: House,
    ) -> None:
        clinic, _, ref, code = group
        client = people.clients[clinic, ref]
        existing = {row.id: _as_dict(row) for one in treatments for row in rows.get((clinic, one.id), ())}
        protocol = self._protocols.get(code)
        desired = plan_of(protocol, treatments, client, house, batch.now) if protocol else []
        changes = reconcile(desired, [_planned_by(code, row) for row in existing.values()])
        batch.apply(changes, existing, {row.id: row for row in treatments}, client, house)


class _Batch:
    """What planning changes, gathered for all courses and saved in a few statements."""

    def __init__(self, effects: Effects, now: datetime) -> None:
        self.now = now
        self.plans: dict[tuple[str, str], list[Any]] = {}
        self._effects = effects
        self._inserts: list[Json] = []
        self._updates: list[Json] = []
        self._decisions: list[Json] = []

    def apply(
        self,
        changes: Changes,
        existing: dict[Any, Json],
        treatments: Mapping[str, Any],
        client: Mapping[str, Any],
        house: House,
    ) -> None:
        self._count(changes, existing)
        for planned in changes.insert:
            row = self._row(planned, treatments[planned.treatment], client, house)
            self._inserts.append(row)
            existing[row["id"]] = row
        for id_, planned in changes.reschedule:
            row = existing[id_] | self._times(planned, treatments[planned.treatment], client, house)
            self._change(row, existing, "replanned")
        for id_, reason in changes.cancel:
            cancelled = {"state": ReminderState.CANCELLED.value, "reason": reason.value, "by": "plan"}
            self._change(existing[id_] | cancelled | {"updated_at": self.now}, existing, reason.value)
        for row in existing.values():
            self.plans.setdefault((house.id, row["treatment"]), []).append(row)

    async def save(self, connection: AsyncConnection) -> None:
        await insert_reminders(connection, self._inserts)
        await replan_reminders(connection, self._updates)
        await record_decisions(connection, self._decisions)
        for plan in self.plans.values():
            plan.sort(key=lambda row: (row["intended_at"], row["step"], row["occurrence"]))

    def _count(self, changes: Changes, existing: Mapping[Any, Json]) -> None:
        new = [planned.skip for planned in changes.insert]
        again = [id_ for id_, _ in changes.reschedule if existing[id_]["state"] != ReminderState.SCHEDULED]
        self._effects.planned += new.count(None) + len(again) - len(changes.cancel)
        self._effects.past += new.count(SkipReason.PAST)

    def _change(self, row: Json, existing: dict[Any, Json], code: str) -> None:
        existing[row["id"]] = row
        self._updates.append(row)
        self._decisions.append(
            {"clinic": row["clinic"], "id": uuid7(), "reminder": row["id"], "at": self.now, "code": code,
             "by": "plan", "detail": {}}
        )  # fmt: skip

    def _row(self, planned: Planned, treatment: Any, client: Mapping[str, Any], house: House) -> Json:
        return {
            "clinic": house.id,
            "id": uuid7(),
            "treatment": planned.treatment,
            "step": planned.step,
            "occurrence": planned.occurrence,
            "tries": 0,
            "fence": 0,
            "lease_until": None,
            **self._times(planned, treatment, client, house),
        }

    def _times(self, planned: Planned, treatment: Any, client: Mapping[str, Any], house: House) -> Json:
        row = planned_row(planned, client, house)
        if planned.skip is None and row["sender"] is not None:
            self._effects.schedule((house.id, row["sender"]), planned.due_at)
        return row | {"protocol": treatment.protocol, "updated_at": self.now}


def planned_row(planned: Planned, client: Mapping[str, Any], house: House) -> Json:
    """Everything of a reminder that planning decides, and may decide again, as columns."""
    medium = _first_usable(planned.channels, client, house)
    sender = house.senders.get(medium)
    return {
        "client": client["ref"],
        "purpose": planned.purpose.value,
        "topic": planned.topic or "",
        "media": ",".join(planned.channels),
        "medium": medium.value,
        "sender": sender.sender if sender else None,
        "send_mode": planned.send.value,
        "quiet": planned.quiet.value,
        "if_unknown": planned.if_unknown.value,
        "asks": planned.asks.model_dump(mode="json") if planned.asks else None,
        "intended_at": planned.intended_at,
        "due_at": planned.due_at,
        "expires_at": planned.expires_at,
        "zone": planned.zone,
        "local_time": planned.local,
        "state": (ReminderState.SKIPPED if planned.skip else ReminderState.SCHEDULED).value,
        "reason": planned.skip.value if planned.skip else "",
        "by": "plan",
    }


def plan_of(
    protocol: Protocol, treatments: Sequence[Any], client: Mapping[str, Any], house: House, now: datetime
) -> list[Planned]:
    """The plan of one course, from the rows of its treatments and its client."""
    sessions = [_session(row, house.zone_for(client["time_zone"], row.location)) for row in treatments]
    return plan_course(protocol, sessions, quiet=quiet_hours(house), usable=usable_media(client, house), now=now)


def quiet_hours(house: House) -> QuietHours:
    """The clinic's quiet hours; they bind SMS, and email only where the clinic says so."""
    media = frozenset(Medium) if house.quiet_email else frozenset({Medium.SMS})
    return QuietHours(house.quiet_start, house.quiet_end, media)


def usable_media(client: Mapping[str, Any], house: House) -> frozenset[Medium]:
    """The media that the client has an address for and the clinic a sender."""
    return frozenset(medium for medium in house.senders if client[_COLUMN[medium]])


def _first_usable(media: Sequence[Medium], client: Mapping[str, Any], house: House) -> Medium:
    """The first usable of a step's media; without one, simply the first."""
    usable = usable_media(client, house)
    return next((medium for medium in media if medium in usable), media[0])


_COLUMN = {Medium.SMS: "phone", Medium.EMAIL: "email"}


def _groups(treatments: Sequence[Any], people: People) -> dict[_Group, list[Any]]:
    groups: dict[_Group, list[Any]] = {}
    for row in treatments:
        if (row.clinic, row.client) in people.clients:
            groups.setdefault((row.clinic, row.course, row.client, row.protocol), []).append(row)
    return groups


def _session(row: Any, zone: str) -> Session:
    return Session(
        treatment=row.id,
        ended_at=row.ended_at,
        kind=Kind(row.kind),
        number=row.session,
        of=row.of,
        zone=zone,
        area=row.area or None,
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
        due_at=row["due_at"],
        expires_at=row["expires_at"],
        intended_at=row["intended_at"],
        zone=row["zone"],
        moved=row["by"] != "plan",
    )


def _planned_by(code: str, row: Json) -> Existing:
    """What another protocol planned is planned anew, though its times may be the same: no plan is for no zone."""
    return existing_of(row if row["protocol"] == code else row | {"zone": ""})


def by_treatment(rows: Sequence[Any]) -> dict[tuple[str, str], list[Any]]:
    """Reminders by (clinic, treatment), in the order given."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.clinic, row.treatment), []).append(row)
    return found


def _as_dict(row: Any) -> Json:
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
