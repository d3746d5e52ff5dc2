"""From a reminder's facts to its message: which words, with which values. Dispatch and preview write through here."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from typing import Protocol as Shape

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.errors import AftercareError, Problem
from service.links import Link, Links, unlinked, veiled
from service.plan import Session, next_window
from service.protocols import Protocol
from service.render import (
    ClientFacts,
    ClinicFacts,
    CourseFacts,
    LinkFacts,
    LocationFacts,
    Script,
    Templates,
    TreatmentFacts,
    Values,
    Wording,
    render,
    script_of,
    tag_of,
    values_of_the_visit,
)
from service.render.page import Page, page_of
from service.store.clinics import House, Place
from service.timing import local
from service.types import MEDIA, Json, Kind, Medium, Message, Purpose, Sms
from service.values import value_type
from service.wordings import Origin, Own, Wordings

log = logs.get(__name__)

_BEST_KEPT = 4_096


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


@value_type
class Written:
    """A message with what is needed to show it again word for word."""

    message: Message
    wording: Wording
    locale: str
    pinned: dict[str, dict[str, str | int]]
    """The values that the words read, and no others."""
    origin: Origin
    """Whose words these are."""
    link: Link
    """The message's way into its client's pages, whether its words show it or not."""

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

    def __init__(self, templates: Templates, protocols: Mapping[str, Protocol], links: Links | None = None) -> None:
        """Without `links` messages carry no addresses of ours."""
        self._wordings = Wordings(templates)
        self._protocols = protocols
        self._links = links or unlinked()
        self._recall = lru_cache(maxsize=256)(templates.recall)
        self._best = lru_cache(maxsize=_BEST_KEPT)(self._first)

    async def refresh(self, connection: AsyncConnection, houses: Iterable[House]) -> None:
        """Learn what these clinics have published, held or confirmed since. Costs nothing where they have not."""
        await self._wordings.refresh(connection, houses)

    def held(self, facts: Facts, house: House) -> bool:
        """Whether the clinic has stopped this message for now."""
        if not self._wordings.own(house.id).holds:
            return False  # nearly always, and nothing of the reminder need be read
        medium = MEDIA[facts.medium]
        return self._wordings.held(house, facts.protocol, facts.step, medium, facts.locale or house.locale)

    def confirmed(self, written: "Written", house: House) -> bool:
        """Whether the clinic has confirmed this protocol in these words' language, or a clinician the file for all."""
        protocol = self._protocols.get(written.wording.protocol)
        reviewed = protocol is not None and protocol.reviewed
        return reviewed or self._wordings.confirmed(house.id, written.wording.protocol, written.wording.locale)

    def write(self, facts: Facts, house: House) -> Written:
        """Write one reminder's message by its medium, in the client's language.

        A clinic's own words that fail for this client give way to those that come after them: the version that was sent
        before, in the end the shipped ones. Raises Unwritable: `no-words` where there are none, else the code of what
        went wrong with the last.
        """
        medium, reader = MEDIA[facts.medium], facts.locale or house.locale
        failed: Unwritable | None = None
        for words, origin in self._scripts(facts, house, medium, reader):
            try:
                return self._written(facts, words, origin)
            except Unwritable as error:
                failed = error
                if origin.own:
                    log.warning(
                        "own words failed", clinic=house.id, protocol=facts.protocol, step=facts.step, code=error.code
                    )
        raise failed or Unwritable(Problem("no-words", f"{facts.protocol}/{facts.step}", f"there is no {medium} text"))

    def _scripts(self, facts: Facts, house: House, medium: Medium, reader: str) -> Iterator[tuple[Script, Origin]]:
        """The best first. It is nearly always the only one that is asked for, so it is kept."""
        own = self._wordings.own(house.id)
        best = self._best(own, house, facts.location, facts.protocol, facts.step, medium, reader)
        if best is not None:
            yield best
            choices = self._wordings.choices(house, facts.protocol, facts.step, medium, reader)
            for choice in islice(choices, 1, None):
                yield _script(choice.wording, house, facts.location, reader), choice.origin

    def _first(
        self, own: Own, house: House, location: str, protocol: str, step: str, medium: Medium, reader: str
    ) -> tuple[Script, Origin] | None:
        """What this clinic's words are by `own`; it is among the arguments since what is kept must change with it."""
        choice = next(self._wordings.choices(house, protocol, step, medium, reader, own), None)
        return (_script(choice.wording, house, location, reader), choice.origin) if choice else None

    def _written(self, facts: Facts, words: Script, origin: Origin) -> Written:
        link = self._links.new()
        values = self._values(facts, words, link)
        try:
            message = render(words.wording, values)
        except AftercareError as error:
            raise Unwritable(*error.problems) from None
        return Written(message, words.wording, words.locale, words.pin(values), origin, link)

    def page(self, message: Any, house: House, link: Link, sent: Any) -> Page:
        """A sent message's full advice as a page, in the client's language: its step's letter, without a name.

        `message` is what is behind a link (`store.client_pages`), `sent` the row of its words. A letter's page says
        what the letter said; a text's says what the letter of its step says. The values that were sent in this language
        outrank what is known since. Raises Unwritable.
        """
        reader = message.locale or house.locale
        failed = Unwritable(Problem("no-words", f"{message.protocol}/{message.step}", "there is no letter"))
        for wording in self._letters(message, house, reader, sent):
            values = self._values(message, _script(wording, house, message.location, reader), link)
            pinned = message.pinned if _same_language(message.sent_locale, reader) else {}
            told = {group: {**found, **pinned.get(group, {})} for group, found in values.items()}
            try:
                return page_of(wording, {**told, "client": {}})
            except AftercareError as error:
                failed = Unwritable(*error.problems)
        raise failed

    def _letters(self, message: Any, house: House, reader: str, sent: Any) -> Iterator[Wording]:
        if sent is not None and sent.medium == Medium.EMAIL and _same_language(sent.locale, reader):
            yield self._recall(sent.protocol, sent.step, Medium.EMAIL, sent.locale, sent.source)
        choices = self._wordings.choices(house, message.protocol, message.step, Medium.EMAIL, reader)
        yield from (choice.wording for choice in choices)

    def show(self, attempt: Any, wording: Any) -> Message:
        """The message of an attempt, word for word but for its client's links, from its row and that of its words."""
        key = (wording.protocol, wording.step, Medium(wording.medium), wording.locale, wording.source)
        return render(self._recall(*key), veiled(attempt.pinned))

    def _values(self, facts: Facts, words: Script, link: Link) -> Values:
        """The values that these words read; working out what they do not read would cost more than they."""
        groups = words.groups
        return values_of_the_visit(
            words.place,
            ClientFacts(facts.first_name),
            self._treatment_facts(facts) if "treatment" in groups or "provider" in groups else None,
            self._course_facts(facts) if "course" in groups else None,
            _link_facts(facts, words, link) if "links" in groups else None,
        )

    def _treatment_facts(self, facts: Facts) -> TreatmentFacts:
        protocol = self._protocols.get(facts.protocol)
        ended = local(facts.ended_at, facts.zone)
        title = protocol.title if protocol else ""
        return TreatmentFacts(title, ended.date(), facts.note, facts.area, facts.provider, ended)

    def _course_facts(self, facts: Facts) -> CourseFacts:
        protocol = self._protocols.get(facts.protocol)
        if protocol is None or protocol.sessions is None:
            return CourseFacts(facts.session, facts.of)
        session = Session("", facts.ended_at, Kind.SESSION, facts.session, facts.of, facts.zone, facts.area or None)
        first, last = next_window(protocol, session) or (None, None)
        return CourseFacts(facts.session, facts.of, first, last)


def _same_language(one: str, other: str) -> bool:
    return tag_of(one).partition("-")[0] == tag_of(other).partition("-")[0]


def _script(wording: Wording, house: House, location: str, reader: str) -> Script:
    place = house.places.get(location)
    booking = (place.booking_url if place else "") or house.booking_url
    return script_of(wording, reader, clinic_facts(house), _location_facts(place), booking)


def clinic_facts(house: House) -> ClinicFacts:
    """Who writes, as templates read it."""
    return ClinicFacts(
        name=house.name,
        phone=house.phone,
        urgent_phone=house.urgent_phone,
        address=house.address,
        logo=house.brand.get("logo", ""),
        colour=house.brand.get("colour", ""),
        country=house.country,
    )


def _location_facts(place: Place | None) -> LocationFacts:
    if place is None:
        return LocationFacts()
    return LocationFacts(place.name, place.phone, place.urgent_phone, place.address)


def _link_facts(facts: Facts, words: Script, link: Link) -> LinkFacts:
    """Only messages that suggest a visit carry the booking link; care messages sell nothing."""
    return LinkFacts(
        booking=words.booking if "links.booking" in words.own and facts.purpose == Purpose.REBOOK else "",
        page=link.page if "links.page" in words.own else "",
        preferences=link.preferences if "links.preferences" in words.own else "",
    )
