"""What a message costs to write, beside two template engines that fill in the same words.

Ours goes from a reminder's facts to a finished message: which words, with which values, cleaned, checked, counted. The
engines are only asked to fill finished values into the finished page, and must give the same text to the byte.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as wall_time
from functools import partial
from html import escape

import jinja2
import liquid

from benchmarks.visits import CLINIC
from service.content import load_content
from service.render import render
from service.store.clinics import House
from service.types import Medium, Message, Purpose, Sms
from service.words import Words, Written

_TURN = 100
OURS, FILLED, JINJA, LIQUID = "aftercare", "aftercare, filling in alone", "jinja2", "Liquid"


@dataclass(frozen=True, slots=True)
class Writing:
    """Microseconds a message: of the process, in the median and at the 95th of a hundred."""

    medium: str
    who: str
    median_us: float
    p95_us: float


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
    """Everyone in turns of a hundred messages, so that what else the machine does meets all alike."""
    content = load_content()
    words, house = Words(content.templates, content.protocols), _house()
    texts = _Facts("day-1-sunscreen", Medium.SMS), _Facts("same-day-aftercare", Medium.EMAIL)
    return [result for facts in texts for result in _measured(facts, words, house, messages)]


def _measured(facts: _Facts, words: Words, house: House, messages: int) -> list[Writing]:
    written = words.write(facts, house)
    contestants: dict[str, Callable[[], object]] = {
        OURS: partial(words.write, facts, house),
        FILLED: partial(render, written.wording, written.pinned),
        JINJA: _filler(written, _by_jinja),
        LIQUID: _filler(written, _by_liquid),
    }
    times: dict[str, list[float]] = {who: [] for who in contestants}
    for _ in range(max(1, messages // _TURN)):
        for who, write in contestants.items():
            times[who] += _turn(write)
    return [Writing(facts.medium, who, statistics.median(one), _p95(one)) for who, one in times.items()]


def _turn(write: Callable[[], object]) -> list[float]:
    took = []
    for _ in range(_TURN):
        began = time.perf_counter_ns()
        write()
        took.append((time.perf_counter_ns() - began) / 1_000)
    return took


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _filler(written: Written, by: Callable[[str, bool], Callable[..., str]]) -> Callable[[], list[str]]:
    """An engine filling the message's values into its parts; raises where it would write anything else than we do."""
    parts = _parts(written.message)
    fillers = [by(_with_fields(text, written, html=html), html) for text, html in parts]
    values = written.pinned

    def fill() -> list[str]:
        return [fill_one(**values) for fill_one in fillers]

    assert fill() == [text for text, _ in parts]
    return fill


def _parts(message: Message) -> list[tuple[str, bool]]:
    """The texts of a message, and whether each is HTML."""
    if isinstance(message, Sms):
        return [(message.text, False)]
    return [(message.subject, False), (message.html, True), (message.text, False)]


def _with_fields(text: str, written: Written, *, html: bool) -> str:
    """The finished text with its values as fields again."""
    values = [(f"{group}.{name}", value) for group, found in written.pinned.items() for name, value in found.items()]
    for path, value in sorted(values, key=lambda one: -len(str(one[1]))):
        if isinstance(value, str) and value:
            text = text.replace(escape(value) if html else value, f"{{{{ {path} }}}}")
    return text


def _by_jinja(source: str, html: bool) -> Callable[..., str]:
    environment = jinja2.Environment(autoescape=html, keep_trailing_newline=True)  # noqa: S701 - a text is no page
    return environment.from_string(source).render


def _by_liquid(source: str, html: bool) -> Callable[..., str]:
    return liquid.Environment(autoescape=html).from_string(source).render


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
