"""Events as they arrive: strict parsing, and the shapes of what a clinic's system may report."""

from service.events.model import ClientData, Event, TreatmentCompleted, event_from
from service.events.parse import parse_json

__all__ = ["ClientData", "Event", "TreatmentCompleted", "event_from", "parse_json"]
