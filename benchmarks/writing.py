"""What a message costs to write: from a reminder's facts to its finished words, in one process."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as wall_time
from functools import partial

from benchmarks.visits import CLINIC
from service.content import load_content
from service.store.clinics import House
from service.types import Medium, Purpose
from service.words import Words

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Writing:
    medium: str
    message_us: float


@dataclass(frozen=True, slots=True)
class _Facts:
    step: str
    medium: str
    protocol: str = "microneedling"
    purpose: str = Purpose.CARE
    zone: str = "Europe/London"
    first_name: str = "Ada"
    locale: str = "en"
    session: int | None = 1
    of: int | None = 4
    area: str = ""
    location: str = ""
    provider: str = "Dr Lee"
    note: str = ""
    ended_at: datetime = datetime(2026, 11, 20, 15, tzinfo=UTC)


def writing(messages: int) -> list[Writing]:
    """CPU of the best of five rounds, a message."""
    content = load_content()
    words, house = Words(content.templates, content.protocols), _house()
    texts = _Facts("day-1-sunscreen", Medium.SMS), _Facts("same-day-aftercare", Medium.EMAIL)
    return [Writing(facts.medium, _best(partial(words.write, facts, house), messages)) for facts in texts]


def _best(write: Callable[[], object], messages: int) -> float:
    return min(_round(write, messages) for _ in range(_ROUNDS))


def _round(write: Callable[[], object], messages: int) -> float:
    began = time.process_time()
    for _ in range(messages):
        write()
    return (time.process_time() - began) / messages * 1e6


def _house() -> House:
    return House(
        id=CLINIC,
        name="Bench Clinic",
        time_zone="Europe/London",
        locale="en",
        country="GB",
        address="12 Frith Street, London W1D 4RB",
        phone="+44 20 7946 0018",
        urgent_phone="",
        booking_url="https://bench.example/book",
        care_consent="assumed",
        quiet_start=wall_time(20),
        quiet_end=wall_time(9),
        quiet_email=False,
        brand={},
        places={},
        senders={},
    )
