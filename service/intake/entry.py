"""One event on its way in."""

from collections.abc import Iterator
from typing import TypeAlias

from service.events import AppointmentBooked, Event, TreatmentCompleted
from service.intake.word import Word
from service.protocols.model import area_key
from service.store.treatments import EventKey
from service.values import value_type

Named: TypeAlias = tuple[str, str]
"""(clinic, id) of a client, a treatment, an appointment or a course."""


@value_type
class Entry:
    """One event on its way in, for one clinic."""

    clinic: str
    event: Event
    mapped: str = ""
    """The protocol that the clinic's own code stands for, where it gave one of its own."""
    by: str = ""
    """Who asked for it, as the audit log names them; empty: the clinic's system, by the event itself."""

    @property
    def key(self) -> EventKey:
        return (self.clinic, self.event.source, self.event.id)

    @property
    def name(self) -> str:
        """The event's source and id, as rows refer to it."""
        return f"{self.event.source} {self.event.id}"

    @property
    def word(self) -> Word:
        return Word(self.event.version, self.event.time, self.event.id)

    @property
    def client(self) -> Named | None:
        """The client that the event names."""
        ref = self.event.client
        return (self.clinic, ref) if ref is not None else None

    @property
    def treatment(self) -> Named | None:
        id_ = self.event.treatment
        return (self.clinic, id_) if id_ is not None else None

    @property
    def appointment(self) -> Named | None:
        id_ = self.event.appointment
        return (self.clinic, id_) if id_ is not None else None

    @property
    def code(self) -> str:
        """The protocol as the event names it; empty where it names none."""
        match self.event.data:
            case TreatmentCompleted(treatment=treatment):
                return treatment.protocol
            case AppointmentBooked(appointment=appointment):
                return appointment.protocol
        return ""

    @property
    def protocol(self) -> str:
        return self.mapped or self.code

    def matters(self) -> Iterator[tuple[str, ...]]:
        """What it is about: two events about the same matter are recorded one after the other."""
        yield ("event", *self.key)
        for kind, name in (("client", self.client), ("treatment", self.treatment), ("appointment", self.appointment)):
            if name:
                yield (kind, *name)


def course_id(client: str, protocol: str, area: str) -> str:
    """The id of a course that the clinic gave none: client, protocol and area together."""
    return f"{client}|{protocol}|{area_key(area)}"
