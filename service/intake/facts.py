"""What is known of the matters that events are about, read under their locks; and what becomes of each event by it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import Problem
from service.events import (
    AppointmentBooked,
    AppointmentCancelled,
    ClientErased,
    TreatmentCompleted,
    TreatmentVoided,
)
from service.intake.answer import Standing
from service.intake.entry import Entry, Named
from service.intake.word import Word
from service.protocols.values import misspelt_protocol
from service.store.appointments import appointments_by_id, voids_by_treatment
from service.store.treatments import treatments_by_id


@dataclass(frozen=True, slots=True)
class Facts:
    """Rows by (clinic, id). A treatment that is not voided has its void left out: it would be an older one."""

    treatments: Mapping[Named, Any]
    voids: Mapping[Named, Any]
    appointments: Mapping[Named, Any]

    def owner(self, entry: Entry) -> Named | None:
        """The client to whom the matter belongs that an event is about, as far as is known."""
        row = self.treatments.get(entry.treatment) if entry.treatment else None
        row = row or (self.appointments.get(entry.appointment) if entry.appointment else None)
        return (row.clinic, row.client) if row is not None and row.client is not None else None


async def facts_about(connection: AsyncConnection, entries: Collection[Entry]) -> Facts:
    treatments = await treatments_by_id(connection, [entry.treatment for entry in entries if entry.treatment])
    voids = {
        entry.treatment
        for entry in entries
        if entry.treatment
        and ((row := treatments.get(entry.treatment)) is None or row.state == "voided" or _voids(entry))
    }
    return Facts(
        treatments,
        await voids_by_treatment(connection, voids),
        await appointments_by_id(connection, [entry.appointment for entry in entries if entry.appointment]),
    )


def standing_of(entry: Entry, facts: Facts, protocols: Collection[str]) -> Standing:
    """What becomes of an event, by what is known of its matter and the protocols there are."""
    match entry.event.data:
        case TreatmentCompleted():
            return _completed(entry, facts, protocols)
        case TreatmentVoided():
            return _voided(entry, facts)
        case AppointmentBooked():
            return _booked(entry, facts)
        case AppointmentCancelled():
            return _cancelled(entry, facts)
        case ClientErased():
            return Standing.ERASED
    return Standing.RECORDED


def misspelt(code: str, standing: Standing, protocols: Collection[str]) -> Iterator[Problem]:
    """A warning where a visit has no plan because its code is nearly, but not quite, what a protocol is called."""
    meant = misspelt_protocol(code, protocols) if standing is Standing.UNMAPPED else ""
    if meant:
        sentence = f'no protocol is called so (did you mean "{meant}"?): the visit waits until its code has a meaning'
        yield Problem("unknown-protocol", "data.treatment.protocol", sentence)


def _completed(entry: Entry, facts: Facts, protocols: Collection[str]) -> Standing:
    assert entry.treatment is not None  # noqa: S101 - of this type
    stored, void = facts.treatments.get(entry.treatment), facts.voids.get(entry.treatment)
    if stored is not None and entry.word.older_than(word_of(stored)):
        return Standing.OUTDATED
    if void is not None and word_of(void).outranks(entry.word):
        return Standing.VOIDED
    return Standing.PLANNED if entry.protocol in protocols else Standing.UNMAPPED


def _voided(entry: Entry, facts: Facts) -> Standing:
    assert entry.treatment is not None  # noqa: S101 - of this type
    stored, void = facts.treatments.get(entry.treatment), facts.voids.get(entry.treatment)
    if void is not None and entry.word.older_than(word_of(void)):
        return Standing.OUTDATED
    if stored is not None and not entry.word.outranks(word_of(stored)):
        return Standing.OUTDATED
    return Standing.VOIDED


def _booked(entry: Entry, facts: Facts) -> Standing:
    assert entry.appointment is not None  # noqa: S101 - of this type
    stored = facts.appointments.get(entry.appointment)
    if stored is None:
        return Standing.BOOKED
    booked, cancelled = booking_word(stored), cancelling_word(stored)
    if booked is not None and entry.word.older_than(booked):
        return Standing.OUTDATED
    return Standing.CANCELLED if cancelled is not None and cancelled.outranks(entry.word) else Standing.BOOKED


def _cancelled(entry: Entry, facts: Facts) -> Standing:
    assert entry.appointment is not None  # noqa: S101 - of this type
    stored = facts.appointments.get(entry.appointment)
    if stored is None:
        return Standing.CANCELLED
    booked, cancelled = booking_word(stored), cancelling_word(stored)
    if cancelled is not None and entry.word.older_than(cancelled):
        return Standing.OUTDATED
    return Standing.OUTDATED if booked is not None and not entry.word.outranks(booked) else Standing.CANCELLED


def word_of(row: Any) -> Word:
    """Of a treatment's row, or a void's."""
    return Word(row.version, row.as_of, row.event_id)


def booking_word(row: Any) -> Word | None:
    return Word(row.booked_version, row.booked_at, row.booked_by) if row.booked_at else None


def cancelling_word(row: Any) -> Word | None:
    return Word(row.cancelled_version, row.cancelled_at, row.cancelled_by) if row.cancelled_at else None


def stands(row: Any) -> bool:
    """Whether an appointment was booked and not cancelled since."""
    booked, cancelled = booking_word(row), cancelling_word(row)
    return booked is not None and not (cancelled is not None and cancelled.outranks(booked))


def owners(entries: Iterable[Entry], facts: Facts) -> set[Named]:
    """Every client whose plans these events may touch."""
    found = {entry.client for entry in entries} | {facts.owner(entry) for entry in entries}
    return {client for client in found if client is not None}


def _voids(entry: Entry) -> bool:
    return isinstance(entry.event.data, TreatmentVoided)
