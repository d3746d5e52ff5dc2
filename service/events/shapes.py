"""The data of each type of event: what may be reported, field by field.

`client` is who an event is about; where an id of a treatment or an appointment says that already, it may be left out.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from service.events.fields import Key, Line, Locale, Moment, Note, Shape, Version, Whole, Zone
from service.types import Kind, Medium, Purpose

Consents: TypeAlias = dict[Purpose, list[Medium]]
"""By purpose, the media that the client agrees to; those not listed are a no, a purpose not named says nothing."""


class TreatmentData(Shape):
    """One visit. `ended_at` is what every offset runs from."""

    id: Key
    protocol: Key
    ended_at: Moment
    version: Version | None = None
    kind: Kind = Kind.SESSION
    area: Line = ""
    location: Line = ""
    provider: Line = ""
    note: Note = ""


class CourseData(Shape):
    """Which of how many. `id` defaults to client, protocol and area together."""

    id: Key | None = None
    session: Whole | None = Field(default=None, ge=1, le=1000)
    of: Whole | None = Field(default=None, ge=1, le=1000)


class ClientRef(Shape):
    """The person, by the clinic's own reference."""

    ref: Key


class ClientData(ClientRef):
    """The person. Phone and email are judged later: a bad one is stored as unusable, never refused."""

    first_name: Line | None = None
    phone: Line | None = None
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=320)] | None = None
    time_zone: Zone | None = None
    locale: Locale | None = None
    consent: Consents = Field(default_factory=dict)


class ClientConsent(ClientData):
    """The person, and what they agree to."""

    consent: Consents = Field(min_length=1)


class TreatmentCompleted(Shape):
    """A treatment took place; or, for an id that is known, a correction of whatever was reported of it."""

    treatment: TreatmentData
    course: CourseData = CourseData()
    client: ClientData


class VoidedTreatment(Shape):
    id: Key
    version: Version | None = None


class TreatmentVoided(Shape):
    """A treatment did not take place, or was reported by mistake."""

    treatment: VoidedTreatment
    client: ClientRef | None = None


class BookedAppointment(Shape):
    """A visit to come. `protocol` and `area` say which course it continues, unless the course is named."""

    id: Key
    starts_at: Moment
    protocol: Line = ""
    area: Line = ""
    version: Version | None = None


class BookedCourse(Shape):
    id: Key | None = None


class AppointmentBooked(Shape):
    """An appointment was made; or, for an id that is known, moved."""

    appointment: BookedAppointment
    course: BookedCourse = BookedCourse()
    client: ClientData

    @model_validator(mode="after")
    def _names_its_course(self) -> "AppointmentBooked":
        if not self.course.id and not self.appointment.protocol:
            raise ValueError("missing-course")
        return self


class CancelledAppointment(Shape):
    id: Key
    version: Version | None = None


class AppointmentCancelled(Shape):
    """An appointment will not take place."""

    appointment: CancelledAppointment
    client: ClientRef | None = None


class ClientUpdated(Shape):
    """What is known of a client has changed. An empty phone or email takes the stored one away."""

    client: ClientData


class ConsentChanged(Shape):
    """A client agreed to something, or no longer does."""

    client: ClientConsent


class ClientErased(Shape):
    """A client's personal data is to be erased."""

    client: ClientRef


Data: TypeAlias = (
    TreatmentCompleted
    | TreatmentVoided
    | AppointmentBooked
    | AppointmentCancelled
    | ClientUpdated
    | ConsentChanged
    | ClientErased
)

EventType: TypeAlias = Literal[
    "treatment.completed",
    "treatment.voided",
    "appointment.booked",
    "appointment.cancelled",
    "client.updated",
    "consent.changed",
    "client.erased",
]
