"""The load: a clinic, and visits of an hour ago, each of another client, as a clinic's system would report them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from service.clinics import NewClinic, NewSender
from service.events import Event, event_from
from service.sample import daytime_zone
from service.types import Medium

CLINIC = "bench"
STEP = "day-1-sunscreen"
"""The text message that is made due."""
_RATE = 1_000_000.0
"""Messages a second: no limit of ours should be measured."""


def clinic() -> NewClinic:
    """With ordinary quiet hours: all its clients live where it is day."""
    return NewClinic(
        id=CLINIC,
        name="Bench Clinic",
        time_zone="Europe/London",
        country="GB",
        phone="+44 20 7946 0018",
        alert_email="desk@bench.example",
        confirmed=(("microneedling", "en"),),
        senders=(
            NewSender(Medium.SMS, "+447400999999", rate=_RATE),
            NewSender(Medium.EMAIL, "care@bench.example", rate=_RATE),
        ),
    )


def visits(count: int, now: datetime) -> Iterator[Event]:
    """So many first sessions that ended an hour ago."""
    ended_at = (now - timedelta(hours=1)).isoformat()
    zones = [daytime_zone(now, turn) for turn in range(8)]
    for number in range(count):
        value = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/pms/bench",
            "type": "treatment.completed",
            "time": ended_at,
            "data": {
                "treatment": {"id": f"visit-{number}", "protocol": "microneedling", "ended_at": ended_at},
                "course": {"session": 1, "of": 4},
                "client": {
                    "ref": f"c-{number}",
                    "first_name": "Ada",
                    "phone": f"+447400{number:06}",
                    "email": f"c{number}@example.com",
                    "time_zone": zones[number % len(zones)],
                    "locale": "en",
                    "consent": {"care": ["sms", "email"], "rebook": ["email"]},
                },
            },
        }
        yield event_from(value, received_at=now, future_tolerance=timedelta(hours=24))
