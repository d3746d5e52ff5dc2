"""The sample clinic of `aftercare run`: real events through the real intake, dated so that something is due now.

Clients live where it is between 10:00 and 19:00 at this moment, and their treatments ended one day, two days, thirty
days, a session window or half a year ago: so their day-1, day-2, day-30, next-session and maintenance reminders have
fallen due this morning by the ordinary rules, and are sent at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.clinics import NewClinic, NewPlace, NewSender
from service.types import Json, Medium

CLINIC = "glow"
_DAYTIME = (time(10, 2), time(19))
_ZONES = (
    "Europe/London", "Europe/Madrid", "America/New_York", "America/Los_Angeles", "America/Mexico_City",
    "America/Sao_Paulo", "Atlantic/Azores", "Africa/Johannesburg", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka",
    "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "Pacific/Honolulu", "Pacific/Tongatapu",
)  # fmt: skip


def sample_clinic() -> NewClinic:
    """Two places, two languages, both channels."""
    return NewClinic(
        id=CLINIC,
        name="Glow Skin Clinic",
        time_zone="Europe/London",
        country="GB",
        locale="en-GB",
        address="12 Frith Street, London W1D 4RB",
        phone="+44 20 7946 0018",
        urgent_phone="+44 20 7946 0019",
        booking_url="https://glow.example/book",
        alert_email="care@glow.example",
        brand={"colour": "#0f766e"},
        places=(
            NewPlace("soho", "Glow Soho", "Europe/London", "12 Frith Street, London W1D 4RB"),
            NewPlace("madrid", "Glow Madrid", "Europe/Madrid", "Calle de Serrano 21, 28001 Madrid"),
        ),
        senders=(
            NewSender(Medium.SMS, "+447400123400", rate=50),
            NewSender(Medium.EMAIL, "care@glow.example", rate=50),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Visit:
    first_name: str
    ended: timedelta
    """How long ago, in whole days before this afternoon."""
    session: int
    of: int
    locale: str = "en-GB"
    note: str = ""
    protocol: str = "microneedling"
    consent: tuple[str, ...] = ("sms", "email")


_VISITS = (
    _Visit("Ada", timedelta(days=1), 2, 4, note="No retinol for 10 days, please."),
    _Visit("Inés", timedelta(days=1), 1, 4, "es"),
    _Visit("Grace", timedelta(days=2), 1, 3),
    _Visit("Lucía", timedelta(days=2), 3, 4, "es"),
    _Visit("Noor", timedelta(days=6), 2, 3),
    _Visit("Katherine", timedelta(days=30), 3, 3),
    _Visit("Mateo", timedelta(days=30), 4, 4, "es"),
    _Visit("Rosalind", timedelta(days=28), 1, 4),
    _Visit("Sofía", timedelta(days=28), 2, 4, "es", consent=("email",)),
    _Visit("Emmy", timedelta(days=185), 4, 4, consent=("email",)),
    _Visit("Carmen", timedelta(days=185), 3, 3, "es"),
    _Visit("Dorothy", timedelta(days=1), 1, 1, protocol="chemical-peel-light"),
    _Visit("Alan", timedelta(days=1), 1, 4, protocol="led-therapy"),
)
"""The last one's protocol is not known here: it shows as unmapped."""


def sample_events(now: datetime) -> Iterator[Json]:
    """CloudEvents as a clinic's system would send them, for a moment at which someone starts the sample."""
    for number, visit in enumerate(_VISITS, start=1):
        zone = daytime_zone(now, number)
        ended_at = _afternoon(now, zone, visit.ended)
        yield {
            "specversion": "1.0",
            "id": f"sample-{number}",
            "source": "/pms/glow",
            "type": "treatment.completed",
            "time": (ended_at + timedelta(minutes=5)).isoformat(),
            "data": {
                "treatment": {
                    "id": f"visit-{100 + number}",
                    "protocol": visit.protocol,
                    "ended_at": ended_at.isoformat(),
                    "location": "madrid" if visit.locale == "es" else "soho",
                    "provider": "Dr Lee",
                    "note": visit.note,
                },
                "course": {"session": visit.session, "of": visit.of},
                "client": {
                    "ref": f"c-{number}",
                    "first_name": visit.first_name,
                    "phone": f"+4474001234{number:02}",
                    "email": f"client{number}@example.com",
                    "time_zone": zone,
                    "locale": visit.locale,
                    "consent": {"care": ["sms", "email"], "rebook": list(visit.consent)},
                },
            },
        }


def daytime_zone(now: datetime, turn: int = 0) -> str:
    """A zone in which it is daytime now: one of several by `turn`, so that the sample shows more than one.

    Somewhere it always is: the zones lie at most three hours apart, daytime lasts nine.
    """
    start, end = _DAYTIME
    fitting = [zone for zone in _ZONES if start <= now.astimezone(ZoneInfo(zone)).time() < end]
    return fitting[turn % len(fitting)]


def _afternoon(now: datetime, zone: str, ago: timedelta) -> datetime:
    """15:00 local, so many calendar days ago."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return datetime.combine(today - ago, time(15), ZoneInfo(zone))
