"""One event of each type, as a clinic's system would send it: the documentation and OpenAPI show these."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from service.types import Json


def _event(id_: str, type_: str, time: str, **data: Any) -> Json:
    return {"specversion": "1.0", "id": id_, "source": "/pms/glow", "type": type_, "time": time, "data": data}


EXAMPLES: Mapping[str, Json] = MappingProxyType(
    {
        "treatment.completed": _event(
            "e-90211",
            "treatment.completed",
            "2026-11-20T15:05:00Z",
            treatment={
                "id": "visit-8812",
                "protocol": "microneedling",
                "ended_at": "2026-11-20T15:00:00Z",
                "version": 1,
                "area": "face",
                "kind": "session",
                "location": "soho",
                "provider": "Dr Lee",
                "note": "no retinol for 10 days",
            },
            course={"session": 2, "of": 4},
            client={
                "ref": "c-17",
                "first_name": "Ada",
                "phone": "+447400123456",
                "email": "ada@example.com",
                "time_zone": "Europe/London",
                "locale": "en",
                "consent": {"care": ["sms", "email"], "rebook": ["email"]},
            },
        ),
        "appointment.booked": _event(
            "e-90240",
            "appointment.booked",
            "2026-11-21T09:12:00Z",
            appointment={
                "id": "appt-551",
                "starts_at": "2026-12-19T14:00:00Z",
                "protocol": "microneedling",
                "area": "face",
                "version": 1,
            },
            client={"ref": "c-17"},
        ),
        "appointment.cancelled": _event(
            "e-90255",
            "appointment.cancelled",
            "2026-12-01T16:40:00Z",
            appointment={"id": "appt-551", "version": 2},
            client={"ref": "c-17"},
        ),
        "client.updated": _event(
            "e-90260",
            "client.updated",
            "2026-12-02T10:00:00Z",
            client={"ref": "c-17", "phone": "+447400123457", "time_zone": "Europe/Madrid", "locale": "es"},
        ),
        "consent.changed": _event(
            "e-90261",
            "consent.changed",
            "2026-12-02T10:01:00Z",
            client={"ref": "c-17", "consent": {"care": ["sms", "email"], "rebook": []}},
        ),
        "treatment.voided": _event(
            "e-90270",
            "treatment.voided",
            "2026-12-03T08:30:00Z",
            treatment={"id": "visit-8812", "version": 2},
            client={"ref": "c-17"},
        ),
        "client.erased": _event("e-90300", "client.erased", "2026-12-04T12:00:00Z", client={"ref": "c-17"}),
    }
)
"""By type, in the order in which they could happen to one client."""
