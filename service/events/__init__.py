"""Events as they arrive: strict parsing, and the shapes of what a clinic's system may report."""

from service.events.examples import EXAMPLES
from service.events.model import ENVELOPES, Event, event_from
from service.events.parse import parse_json
from service.events.shapes import (
    AppointmentBooked,
    AppointmentCancelled,
    ClientData,
    ClientErased,
    ClientUpdated,
    ConsentChanged,
    TreatmentCompleted,
    TreatmentVoided,
)

__all__ = [
    "ENVELOPES",
    "EXAMPLES",
    "AppointmentBooked",
    "AppointmentCancelled",
    "ClientData",
    "ClientErased",
    "ClientUpdated",
    "ConsentChanged",
    "Event",
    "TreatmentCompleted",
    "TreatmentVoided",
    "event_from",
    "parse_json",
]
