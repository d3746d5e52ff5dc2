"""One event on its way in."""

from dataclasses import dataclass

from service.events import Event
from service.protocols.model import area_key
from service.store.treatments import EventKey


@dataclass(frozen=True, slots=True)
class Entry:
    """One event on its way in, for one clinic."""

    clinic: str
    event: Event

    @property
    def key(self) -> EventKey:
        return (self.clinic, self.event.source, self.event.id)

    @property
    def client(self) -> tuple[str, str]:
        return (self.clinic, self.event.data.client.ref)

    @property
    def treatment(self) -> tuple[str, str]:
        return (self.clinic, self.event.data.treatment.id)

    @property
    def course(self) -> str:
        """The course's id: given, else client, protocol and area together."""
        data = self.event.data
        return data.course.id or f"{data.client.ref}|{data.treatment.protocol}|{area_key(data.treatment.area)}"
