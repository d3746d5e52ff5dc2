"""Which words a message is made of: the clinic's own or the shipped ones, parsed once a version.

A clinic's row carries a stamp that grows with every publish, restore, hold and confirmation. A pass over the database
reads its clinics anyway, so what any process publishes is sent by every worker from its next pass on; and while nothing
changes, that costs nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.render import BadWording, Templates, Wording, fallbacks, tag_of
from service.store.clinics import House
from service.store.templates import TemplateKey, current_sources, holds_of, reviews_of
from service.types import Medium
from service.values import value_type

log = logs.get(__name__)

_CLINICS_KEPT = 2_000
_PARSED_KEPT = 4_096


class Origin(StrEnum):
    """Where words were taken from, in the order in which they are looked for."""

    CLINIC = "clinic"
    CLINIC_DEFAULT = "clinic-default"
    SHIPPED = "shipped"
    SHIPPED_DEFAULT = "shipped-default"

    @property
    def own(self) -> bool:
        return self in {Origin.CLINIC, Origin.CLINIC_DEFAULT}


@value_type
class Choice:
    """Words that a message may be made of."""

    wording: Wording
    origin: Origin


_Tagged: TypeAlias = tuple[str, str, str, str]
"""Protocol, step, medium and the locale in lower case."""


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """What one clinic has decided about its messages, as it was read: what follows from it may be kept by identity."""

    stamp: int = 0
    sources: Mapping[_Tagged, tuple[tuple[TemplateKey, str], ...]] = field(default_factory=dict)
    """The clinic's own sources: the published one, then the one that was sent before it."""
    holds: frozenset[_Tagged] = frozenset()
    """An empty medium or locale stands for all."""
    confirmed: frozenset[tuple[str, str]] = frozenset()
    """Protocol and language."""

    def with_draft(self, key: TemplateKey, source: str) -> "Own":
        """As if this source were published: what a preview shows."""
        return replace(self, sources={**self.sources, _tagged(key): ((key, source),)})

    def holding(self, protocol: str, step: str, medium: str, locale: str) -> bool:
        """Whether this message may not be sent for now. `locale` is that of its words."""
        tag = tag_of(locale)
        return any((protocol, step, by, of) in self.holds for by in ("", medium) for of in ("", tag))


_NOTHING = Own()


class Wordings:
    """Knows the shipped words, and those of the clinics that were seen lately."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self._own: dict[str, Own] = {}
        self._parsed = lru_cache(maxsize=_PARSED_KEPT)(self._parse)

    async def refresh(self, connection: AsyncConnection, houses: Iterable[House]) -> None:
        """Read anew what these clinics have changed since they were read last, by their stamps."""
        stale = []
        for house in houses:
            own = self._own.pop(house.id, _NOTHING)
            self._own[house.id] = own  # at the end: what was needed last is forgotten last
            if own.stamp != house.words_stamp:
                stale.append(house)
        if stale:
            self._own |= await read_own(connection, stale)
        while len(self._own) > _CLINICS_KEPT:
            del self._own[next(iter(self._own))]

    def own(self, clinic: str) -> Own:
        return self._own.get(clinic, _NOTHING)

    def choices(
        self, house: House, protocol: str, step: str, medium: Medium, reader: str, own: Own | None = None
    ) -> Iterator[Choice]:
        """Words for a reader, the best first: the clinic's own in their language, its own in the clinic's, the shipped.

        Those of the clinic that cannot be read (any more) are passed over, for the version that was sent before them.
        `own` is given where a draft is tried out.
        """
        own = own or self.own(house.id)
        for tag in fallbacks(reader, house.locale):
            for key, source in own.sources.get((protocol, step, medium, tag), ()):
                if wording := self._parsed(key, source):
                    native = _language(tag) == _language(reader)
                    yield Choice(wording, Origin.CLINIC if native else Origin.CLINIC_DEFAULT)
        if shipped := self.templates.find(protocol, step, medium, reader, house.locale):
            native = _language(shipped.locale) == _language(reader)
            yield Choice(shipped, Origin.SHIPPED if native else Origin.SHIPPED_DEFAULT)

    def held(self, house: House, protocol: str, step: str, medium: Medium, reader: str) -> bool:
        """Whether the clinic holds back the message that this reader would get."""
        own = self.own(house.id)
        choice = next(self.choices(house, protocol, step, medium, reader), None)
        return own.holding(protocol, step, medium, choice.wording.locale if choice else reader)

    def confirmed(self, clinic: str, protocol: str, locale: str) -> bool:
        """Whether the clinic has confirmed this protocol in this language."""
        return (protocol, _language(locale)) in self.own(clinic).confirmed

    def _parse(self, key: TemplateKey, source: str) -> Wording | None:
        try:
            return self.templates.recall(*key, source)
        except BadWording as error:
            log.error("published words unreadable", protocol=key.protocol, step=key.step, code=error.code)
            return None


async def read_own(connection: AsyncConnection, houses: Iterable[House]) -> dict[str, Own]:
    """What clinics have decided about their messages, as stored now, by clinic."""
    stamps = {house.id: house.words_stamp for house in houses}
    sources = await current_sources(connection, stamps)
    holds: dict[str, set[_Tagged]] = {clinic: set() for clinic in stamps}
    for row in await holds_of(connection, stamps):
        holds[row.clinic].add((row.protocol, row.step, row.medium, tag_of(row.locale)))
    confirmed: dict[str, set[tuple[str, str]]] = {clinic: set() for clinic in stamps}
    for row in await reviews_of(connection, stamps):
        confirmed[row.clinic].add((row.protocol, _language(row.locale)))
    return {
        clinic: Own(
            stamp=stamp,
            sources={_tagged(key): tuple((key, row.source) for row in rows) for key, rows in sources[clinic].items()},
            holds=frozenset(holds[clinic]),
            confirmed=frozenset(confirmed[clinic]),
        )
        for clinic, stamp in stamps.items()
    }


def _tagged(key: TemplateKey) -> _Tagged:
    return (key.protocol, key.step, key.medium, tag_of(key.locale))


@lru_cache(maxsize=1024)
def _language(locale: str) -> str:
    return tag_of(locale).partition("-")[0]
