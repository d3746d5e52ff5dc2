"""What is told of an event that is taken although something of it is not as its sender will have meant it."""

from collections.abc import Collection, Iterator
from functools import lru_cache

from service.errors import Problem
from service.events import TreatmentCompleted
from service.intake.answer import Standing
from service.intake.entry import Entry
from service.intake.facts import misspelt
from service.intake.people import Contact
from service.protocols.values import did_you_mean
from service.pumping import ABROAD, country_of
from service.store.clinics import House

_MOST_NAMED = 20
"""So many of a clinic's locations are named in a sentence: an answer to a batch may hold a thousand of them."""


def warnings_of(
    entry: Entry, standing: Standing, contact: Contact, house: House, protocols: Collection[str]
) -> tuple[Problem, ...]:
    """All that an event's answer warns of: the same for the same event, as long as the clinic is set up alike."""
    return (
        *entry.event.warnings,
        *contact.warnings,
        *_abroad(contact, house),
        *misspelt(entry.protocol, standing, protocols),
        *_elsewhere(entry, house),
    )


def _abroad(contact: Contact, house: House) -> Iterator[Problem]:
    number = contact.phone.value if contact.phone else None
    if number and (country := country_of(number)) not in house.texts_to:
        named = f"names {country}" if country.isalpha() else "names its country"
        sentence = (
            f"this clinic texts to {', '.join(house.texts_to)} only: no SMS goes there until sms_countries {named}"
        )
        yield Problem(ABROAD, "data.client.phone", sentence)


def _elsewhere(entry: Entry, house: House) -> Iterator[Problem]:
    data = entry.event.data
    location = data.treatment.location if isinstance(data, TreatmentCompleted) else ""
    if location and location not in house.places:
        yield Problem("unknown-location", "data.treatment.location", _no_such(location, tuple(house.places)))


@lru_cache(maxsize=1024)  # a clinic that names one wrongly does so in every event, and looking for the nearest costs
def _no_such(location: str, places: tuple[str, ...]) -> str:
    more = [f"{len(places) - _MOST_NAMED} more"] if len(places) > _MOST_NAMED else []
    there = ", ".join([*sorted(places)[:_MOST_NAMED], *more]) or "none"
    near = did_you_mean(location, places)
    return (
        f"this clinic has no such location{near}; there are {there}: messages name the clinic's own address and phone"
    )
