"""What events say of treatments and appointments, saved as the newest words have it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.events import AppointmentBooked, AppointmentCancelled, TreatmentCompleted, TreatmentVoided
from service.intake.answer import Standing
from service.intake.entry import Entry, Named, course_id
from service.intake.facts import Facts
from service.store.appointments import save_appointments, save_voids
from service.store.treatments import EventKey, save_courses, save_treatments, set_aside, set_state, take_up_again
from service.types import Json

OTHER_CLIENT = "other-client"
VOIDED = "voided"


@dataclass(slots=True)
class Touched:
    """What is to be planned anew."""

    courses: set[Named] = field(default_factory=set)
    clients: set[Named] = field(default_factory=set)
    """All courses of theirs."""
    corrected: set[Named] = field(default_factory=set)
    """Treatments that were known and are told otherwise now."""
    new: set[Named] = field(default_factory=set)
    """Treatments that were not known before."""


async def record_matters(
    connection: AsyncConnection, entries: Sequence[Entry], standings: Mapping[EventKey, Standing], facts: Facts
) -> Touched:
    """Save what these events say, but for those that are outdated. No matter occurs twice among them."""
    touched = Touched()
    counted = [entry for entry in entries if standings[entry.key] is not Standing.OUTDATED]
    await _complete(connection, _of(counted, TreatmentCompleted), standings, facts, touched)
    await _void(connection, _of(counted, TreatmentVoided), facts, touched)
    await _book(connection, _of(counted, AppointmentBooked, AppointmentCancelled), facts, touched)
    return touched


async def _complete(
    connection: AsyncConnection,
    entries: Sequence[Entry],
    standings: Mapping[EventKey, Standing],
    facts: Facts,
    touched: Touched,
) -> None:
    if not entries:
        return
    for entry in entries:
        assert entry.treatment is not None  # noqa: S101 - of this type
        touched.courses.add((entry.clinic, course_of_entry(entry)))
        stored = facts.treatments.get(entry.treatment)
        if stored is None:
            touched.new.add(entry.treatment)
        else:
            touched.courses.add((entry.clinic, stored.course))
            touched.corrected.add(entry.treatment)
            if stored.client != entry.event.client:
                touched.corrected.add(await _part(connection, stored, entry))
    await save_courses(connection, [_course_row(entry) for entry in entries])
    await save_treatments(connection, [treatment_row(entry, standings[entry.key]) for entry in entries])


async def _part(connection: AsyncConnection, stored: Any, entry: Entry) -> Named:
    """It is another client's treatment. What was planned and sent stays with the one whom it was taken for, under an id
    of its own: the right client's plan begins from nothing, or from what it was before, should it be theirs again."""
    kept_as = f"{stored.id}~{stored.client}"
    await set_aside(connection, stored, kept_as, OTHER_CLIENT)
    await take_up_again(connection, stored, f"{stored.id}~{entry.event.client}")
    return stored.clinic, kept_as


async def _void(connection: AsyncConnection, entries: Sequence[Entry], facts: Facts, touched: Touched) -> None:
    if not entries:
        return
    known = {entry.treatment: row for entry in entries if (row := _treatment_of(entry, facts)) is not None}
    touched.courses.update((row.clinic, row.course) for row in known.values())
    touched.corrected.update(key for key in known if key)
    await save_voids(connection, [_void_row(entry) for entry in entries])
    if known:
        await set_state(connection, [(row.clinic, row.id) for row in known.values()], VOIDED)


async def _book(connection: AsyncConnection, entries: Sequence[Entry], facts: Facts, touched: Touched) -> None:
    for entry in entries:
        touched.clients.update(client for client in (entry.client, facts.owner(entry)) if client)
    await save_appointments(connection, [_appointment_row(entry, facts) for entry in entries])


def course_of_entry(entry: Entry) -> str:
    """The id of the course that a treatment belongs to: given, else client, protocol and area together."""
    data = entry.event.data
    assert isinstance(data, TreatmentCompleted)  # noqa: S101 - of this type
    return data.course.id or course_id(data.client.ref, entry.protocol, data.treatment.area)


def treatment_row(entry: Entry, standing: Standing) -> Json:
    """The treatment as its newest event has it, as columns."""
    event, data = entry.event, entry.event.data
    assert isinstance(data, TreatmentCompleted)  # noqa: S101 - of this type
    treatment, course = data.treatment, data.course
    return {
        "clinic": entry.clinic,
        "id": treatment.id,
        "client": data.client.ref,
        "course": course_of_entry(entry),
        "protocol": entry.protocol,
        "kind": treatment.kind.value,
        "session": course.session,
        "of": course.of,
        "area": treatment.area,
        "location": treatment.location,
        "provider": treatment.provider,
        "note": treatment.note,
        "ended_at": treatment.ended_at,
        "version": treatment.version,
        "as_of": event.time,
        "event_source": event.source,
        "event_id": event.id,
        "state": standing.value,
    }


def _course_row(entry: Entry) -> Json:
    data = entry.event.data
    assert isinstance(data, TreatmentCompleted)  # noqa: S101 - of this type
    return {
        "clinic": entry.clinic,
        "id": course_of_entry(entry),
        "client": data.client.ref,
        "protocol": entry.protocol,
        "area": data.treatment.area,
        "created_at": entry.event.time,
    }


def _void_row(entry: Entry) -> Json:
    return {
        "clinic": entry.clinic,
        "treatment": entry.event.treatment,
        "version": entry.event.version,
        "as_of": entry.event.time,
        "event_id": entry.event.id,
    }


_NO_APPOINTMENT: Json = {
    "client": None, "course": "", "protocol": "", "area": "", "starts_at": None,
    "booked_version": None, "booked_at": None, "booked_by": "",
    "cancelled_version": None, "cancelled_at": None, "cancelled_by": "",
}  # fmt: skip


def _appointment_row(entry: Entry, facts: Facts) -> Json:
    """The appointment after this event, which is the newest booking or the newest cancellation of it."""
    assert entry.appointment is not None  # noqa: S101 - of this type
    stored = facts.appointments.get(entry.appointment)
    before = dict(stored._mapping) if stored is not None else _NO_APPOINTMENT  # noqa: SLF001 - SQLAlchemy's documented accessor
    row = before | {"clinic": entry.clinic, "id": entry.event.appointment}
    said = {"version": entry.event.version, "at": entry.event.time, "by": entry.event.id}
    match entry.event.data:
        case AppointmentBooked(appointment=booked, course=course, client=client):
            about = {"client": client.ref, "course": course.id or "", "protocol": entry.protocol, "area": booked.area}
            when = {"starts_at": booked.starts_at}
            return row | about | when | {f"booked_{name}": value for name, value in said.items()}
        case _:
            return row | {f"cancelled_{name}": value for name, value in said.items()}


def _treatment_of(entry: Entry, facts: Facts) -> Any:
    return facts.treatments.get(entry.treatment) if entry.treatment else None


def _of(entries: Iterable[Entry], *types: type) -> list[Entry]:
    return [entry for entry in entries if isinstance(entry.event.data, types)]
