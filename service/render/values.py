"""From facts about a visit to the values that templates read: small strings in the reader's language.

What is absent gets no key, so a template that needs it fails loudly instead of greeting nobody.
"""

import re
from datetime import date, datetime
from functools import lru_cache
from typing import TypeAlias

from service.locales import regional
from service.render.clean import is_web_address, one_line
from service.render.moments import day
from service.values import value_type

_NOT_A_NAME = re.compile(r"[/@\\<>{}\uff0f\uff20]|\w[.\u3002\uff0e\uff61]\w{2}|\d(?:\W?\d){2}")
"""A first name that phones would turn into a link or a number to call came from a form, not from a parent. Full-width
forms and the ideographic full stop do as well; numbers are also written in pairs."""


@value_type
class ClientFacts:
    first_name: str = ""


@value_type
class ClinicFacts:
    """Who writes.

    `logo` is an https address, `colour` `#rrggbb`, `country` as ISO 3166 names it in two letters; all may be empty.
    """

    name: str
    phone: str = ""
    urgent_phone: str = ""
    address: str = ""
    logo: str = ""
    colour: str = ""
    country: str = ""


@value_type
class LocationFacts:
    """Where the treatment was. What is empty is the clinic's."""

    name: str = ""
    phone: str = ""
    urgent_phone: str = ""
    address: str = ""


@value_type
class TreatmentFacts:
    """The visit. `date` is the local day; `note` the clinic's own words for this visit."""

    title: str
    date: date
    note: str = ""
    area: str = ""
    provider: str = ""
    ended_at: datetime | None = None
    """The local wall time at which it ended."""


@value_type
class CourseFacts:
    """Session `session` of `of`, and the local days between which the next one is best."""

    session: int | None = None
    of: int | None = None
    next_from: date | None = None
    next_to: date | None = None


@value_type
class LinkFacts:
    """Whole https addresses, or empty."""

    booking: str = ""
    page: str = ""
    preferences: str = ""


_NO_PLACE = LocationFacts()

Made: TypeAlias = dict[str, dict[str, str | int]]
"""Values as they are made: by group, then by name."""


def values_for(
    client: ClientFacts,
    clinic: ClinicFacts,
    treatment: TreatmentFacts | None,
    *,
    location: LocationFacts = _NO_PLACE,
    course: CourseFacts | None = None,
    links: LinkFacts | None = None,
    locale: str,
) -> Made:
    """The values of one message, as `fields.Values`; dates are written as the readers of `locale` write them, where it
    names no country those in the clinic's.

    Pure: the same facts give the same values. `locale` is best `Wording.locale`, or the reader's own of that language.
    `treatment`, `course` and `links` may be None for words that read nothing of them. What is returned is shared: it
    must not be changed.
    """
    place = values_of_the_place(clinic, location, locale)
    return values_of_the_visit(place, client, treatment, course, links)


def values_of_the_place(clinic: ClinicFacts, location: LocationFacts, locale: str) -> Made:
    """Those of `values_for` that are the same for all clients of a place who read one language."""
    return {
        "clinic": _present(
            name=clinic.name,
            phone=clinic.phone,
            urgent_phone=clinic.urgent_phone or clinic.phone,
            address=clinic.address,
        ),
        "location": _present(
            name=location.name or clinic.name,
            phone=location.phone or clinic.phone,
            urgent_phone=location.urgent_phone or clinic.urgent_phone or location.phone or clinic.phone,
            address=location.address or clinic.address,
        ),
        "brand": _present(logo=_web(clinic.logo), colour=clinic.colour),
        "reader": {"locale": regional(locale, clinic.country).replace("_", "-")},
    }


def values_of_the_visit(
    place: Made,
    client: ClientFacts,
    treatment: TreatmentFacts | None,
    course: CourseFacts | None,
    links: LinkFacts | None,
) -> Made:
    """All of `values_for`, by the values of the place."""
    locale = str(place["reader"]["locale"])
    return {
        **place,
        "client": _of_the_client(client.first_name),
        "treatment": _of_the_treatment(treatment, locale) if treatment else {},
        "course": _of_the_course(course, locale) if course else {},
        "provider": {"name": treatment.provider} if treatment and treatment.provider else {},
        "links": _of_the_links(links) if links else {},
    }


@lru_cache(maxsize=4096)
def _of_the_client(first_name: str) -> dict[str, str | int]:
    """The same for all who have this name, as many do."""
    name = _first_name(first_name)
    return {"first_name": name} if name else {}


def _of_the_treatment(treatment: TreatmentFacts, locale: str) -> dict[str, str | int]:
    return _present(
        title=treatment.title,
        date=day(treatment.date, locale),
        ended_at=treatment.ended_at.isoformat(timespec="minutes") if treatment.ended_at else None,
        note=treatment.note,
        area=treatment.area,
    )


def _of_the_course(course: CourseFacts, locale: str) -> dict[str, str | int]:
    return _present(
        session=course.session,
        of=course.of,
        next_from=day(course.next_from, locale) if course.next_from else None,
        next_to=day(course.next_to, locale) if course.next_to else None,
    )


def _of_the_links(links: LinkFacts) -> dict[str, str | int]:
    addresses = {"booking": links.booking, "page": links.page, "preferences": links.preferences}
    return {name: address for name, address in addresses.items() if is_web_address(address)}


def _present(**values: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _first_name(name: str) -> str:
    plain = one_line(name)
    return "" if _NOT_A_NAME.search(plain) else plain


def _web(address: str) -> str:
    return address if is_web_address(address) else ""
