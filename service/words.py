"""From a reminder's facts to its message: which words, with which values. Dispatch and preview write through here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from typing import Protocol as Shape

from service.errors import AftercareError, Problem
from service.plan import Session, next_window
from service.protocols import Protocol
from service.render import (
    ClientFacts,
    ClinicFacts,
    CourseFacts,
    LinkFacts,
    LocationFacts,
    Templates,
    TreatmentFacts,
    Values,
    Wording,
    pick,
    render,
    values_for,
)
from service.store.clinics import House, Place
from service.timing import local
from service.types import Json, Kind, Medium, Message, Purpose, Sms


class Unwritable(AftercareError):
    """There are no words for a reminder, or none can be made of them with this client's values."""


class Facts(Shape):
    """What is read of a reminder and its visit: the columns of a due reminder, or a preview's stand-in for them."""

    @property
    def protocol(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def medium(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def first_name(self) -> str: ...
    @property
    def locale(self) -> str: ...
    @property
    def session(self) -> int | None: ...
    @property
    def of(self) -> int | None: ...
    @property
    def area(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def ended_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Written:
    """A message with what is needed to show it again word for word."""

    message: Message
    wording: Wording
    locale: str
    pinned: dict[str, dict[str, str | int]]
    """The values that the words read, and no others."""

    @property
    def version(self) -> str:
        return self.wording.version

    @property
    def segments(self) -> int:
        """SMS segments; 0 for an email."""
        return self.message.segments if isinstance(self.message, Sms) else 0

    @property
    def body_hash(self) -> str:
        text = self.message.text if isinstance(self.message, Sms) else self.message.subject + self.message.html
        return hashlib.sha256(text.encode()).hexdigest()

    def wording_row(self, clinic: str, now: datetime) -> Json:
        return {
            "clinic": clinic,
            "version": self.wording.version,
            "protocol": self.wording.protocol,
            "step": self.wording.step,
            "medium": self.wording.medium.value,
            "locale": self.wording.locale,
            "source": self.wording.source,
            "first_used_at": now,
        }


class Words:
    """Knows the templates and protocols of this process."""

    def __init__(self, templates: Templates, protocols: Mapping[str, Protocol]) -> None:
        self._templates = templates
        self._protocols = protocols
        self._recall = lru_cache(maxsize=256)(templates.recall)

    def write(self, facts: Facts, house: House) -> Written:
        """Write one reminder's message by its medium, in the client's language.

        Raises Unwritable: `no-words` where there are none, else the code of what went wrong.
        """
        medium, reader = Medium(facts.medium), facts.locale or house.locale
        wording = self._templates.find(facts.protocol, facts.step, medium, reader, house.locale)
        if wording is None:
            raise Unwritable(Problem("no-words", f"{facts.protocol}/{facts.step}", f"there is no {medium} text"))
        locale = wording.locale_for(reader)
        values = self._values(facts, house, wording.fields, locale)
        try:
            message = render(wording, values)
        except AftercareError as error:
            raise Unwritable(*error.problems) from None
        return Written(message, wording, locale, pick(values, wording.fields))

    def show(self, attempt: Any, wording: Any) -> Message:
        """The message of an attempt, word for word, from its row and the row of its words."""
        key = (wording.protocol, wording.step, Medium(wording.medium), wording.locale, wording.source)
        return render(self._recall(*key), attempt.pinned)

    def _values(self, facts: Facts, house: House, fields: frozenset[str], locale: str) -> Values:
        """The values that words with these fields read; working out what they do not read would cost more than they."""
        place = house.places.get(facts.location)
        protocol = self._protocols.get(facts.protocol)
        groups = _groups(fields)
        return values_for(
            ClientFacts(facts.first_name),
            _clinic_facts(house),
            _treatment_facts(facts, protocol) if groups & _OF_THE_TREATMENT else None,
            location=_location_facts(place),
            course=_course_facts(facts, protocol) if "course" in groups else CourseFacts(),
            links=LinkFacts(booking=_booking(facts, house, place)),
            locale=locale,
        )


_OF_THE_TREATMENT = frozenset({"treatment", "provider"})


@lru_cache(maxsize=4096)
def _groups(fields: frozenset[str]) -> frozenset[str]:
    return frozenset(path.partition(".")[0] for path in fields)


def _treatment_facts(facts: Facts, protocol: Protocol | None) -> TreatmentFacts:
    ended = local(facts.ended_at, facts.zone).date()
    return TreatmentFacts(protocol.title if protocol else "", ended, facts.note, facts.area, facts.provider)


def _course_facts(facts: Facts, protocol: Protocol | None) -> CourseFacts:
    if protocol is None or protocol.sessions is None:
        return CourseFacts(facts.session, facts.of)
    session = Session("", facts.ended_at, Kind.SESSION, facts.session, facts.of, facts.zone, facts.area or None)
    first, last = next_window(protocol, session) or (None, None)
    return CourseFacts(facts.session, facts.of, first, last)


def _clinic_facts(house: House) -> ClinicFacts:
    return ClinicFacts(
        name=house.name,
        phone=house.phone,
        urgent_phone=house.urgent_phone,
        address=house.address,
        logo=house.brand.get("logo", ""),
        colour=house.brand.get("colour", ""),
    )


def _location_facts(place: Place | None) -> LocationFacts:
    if place is None:
        return LocationFacts()
    return LocationFacts(place.name, place.phone, place.urgent_phone, place.address)


def _booking(facts: Facts, house: House, place: Place | None) -> str:
    """Only messages that suggest a visit carry the booking link; care messages sell nothing."""
    if facts.purpose != Purpose.REBOOK:
        return ""
    return (place.booking_url if place else "") or house.booking_url
