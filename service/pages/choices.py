"""What a client may be sent, and what they choose, pure: from rows to switches, and from a form back to changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeAlias

from service.consent import agreed
from service.errors import BadInput, Problem
from service.pages.phrases import choices as languages
from service.pages.phrases import language_of
from service.store.clinics import House
from service.timing import local, moment
from service.types import Json, Medium, Purpose

SILENCED: Final = "stopped-on-page"
"""Why an address is suppressed whose owner stopped everything on their own page."""
LONGEST_PAUSE: Final = timedelta(days=366)
_COLUMNS: Final = {Medium.SMS: ("phone", "sms_stopped_at"), Medium.EMAIL: ("email", "email_stopped_at")}

Kind: TypeAlias = tuple[Purpose, Medium]
"""One switch: messages of one purpose by one medium."""


@dataclass(frozen=True, slots=True)
class Way:
    """A medium by which the clinic can reach this client. `stopped`: they asked for nothing more by it."""

    medium: Medium
    address: str = field(repr=False)
    stopped: bool
    silenced: bool = False
    """Whoever has this address stopped everything on their page, where it is taken back as well."""
    shown: bool = False
    """The reader came by a message to this very address: it is theirs."""

    @property
    def switchable(self) -> bool:
        """What an address's owner stopped, nobody takes back who cannot read what comes there.

        A stop by phone is the phone's: the provider holds it as well, and only START lifts it there.
        """
        if not (self.stopped or self.silenced):
            return True
        return self.shown and not (self.stopped and self.medium is Medium.SMS)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What holds for a client now."""

    ways: tuple[Way, ...]
    on: frozenset[Kind]
    """What the clinic may send today."""
    locale: str
    paused_until: date | None
    """The local day on which messages may start again."""
    today: date
    zone: str
    locked: frozenset[Kind] = frozenset()
    """What the owner of a number or mailbox withdrew there, to a reader who did not come from there."""

    @property
    def locked_media(self) -> frozenset[Medium]:
        return frozenset(medium for _, medium in self.locked)

    @property
    def earliest(self) -> date:
        return self.today + timedelta(days=1)

    @property
    def latest(self) -> date:
        return self.today + LONGEST_PAUSE


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form says. Only what it showed can have been chosen."""

    shown: frozenset[Kind]
    on: frozenset[Kind]
    language: str
    pause: date | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes different."""

    consents: Mapping[Kind, bool] = field(default_factory=dict)
    lifted: tuple[Way, ...] = ()
    """Stops that the client takes back."""
    client: Json = field(default_factory=dict)
    """Columns of the client."""
    wakes: bool = False
    """Whether a pause ends earlier: what waited for its end is to be looked at now."""
    silenced: frozenset[Medium] = frozenset()
    """Media by which nothing more is to come to where the client is reached now, whoever is said to be there next."""


def addresses_of(client: Any) -> dict[Medium, str]:
    """Where a client can be written to, by medium."""
    given = ((medium, getattr(client, column)) for medium, (column, _) in _COLUMNS.items())
    return {medium: address for medium, address in given if address}


def preferences_of(
    client: Any,
    recipients: Sequence[Any],
    consents: Mapping[tuple[str, str], bool],
    house: House,
    now: datetime,
    came_by: tuple[str, str],
    by_owners: Collection[tuple[str, str]] = (),
) -> Preferences:
    """From a client's row, those of their addresses, and what they said by (purpose, medium).

    `came_by`: the medium and address of the message whose link was opened; `by_owners`: the kinds that were withdrawn
    by a link that had come to the address which they are about.
    """
    suppressed = {row.medium: row.suppressed_reason for row in recipients if row.suppressed_at is not None}

    def way(medium: Medium, address: str) -> Way:
        silenced = suppressed.get(medium) == SILENCED
        stopped = (medium in suppressed and not silenced) or getattr(client, _COLUMNS[medium][1]) is not None
        return Way(medium, address, stopped, silenced, shown=(medium, address) == came_by)

    ways = tuple(way(*found) for found in addresses_of(client).items() if found[0] in house.senders)
    assumed = house.care_consent == "assumed"
    kinds = [(purpose, way.medium) for purpose in Purpose for way in ways if not (way.stopped or way.silenced)]
    on = frozenset(kind for kind in kinds if agreed(consents.get(kind), kind[0], care_assumed=assumed))
    away = [way.medium for way in ways if not way.shown]
    locked = frozenset((purpose, medium) for purpose in Purpose for medium in away if (purpose, medium) in by_owners)
    zone = house.zone_for(client.time_zone, "")
    paused = client.paused_until is not None and client.paused_until > now
    return Preferences(
        ways=ways,
        on=on,
        locale=client.locale_chosen or client.locale or house.locale,
        paused_until=local(client.paused_until, zone).date() if paused else None,
        today=local(now, zone).date(),
        zone=zone,
        locked=locked,
    )


def choices_from(form: Mapping[str, Sequence[str]]) -> Choices:
    """Read a form of the preference page. Raises BadInput (`unreadable-form`) for what it can not have sent."""
    day = next(iter(form.get("pause", ())), "")
    try:
        return Choices(
            shown=_kinds(form.get("shown", ())),
            on=_kinds(form.get("on", ())),
            language=next(iter(form.get("language", ())), ""),
            pause=date.fromisoformat(day) if day else None,
        )
    except ValueError:
        raise BadInput(Problem("unreadable-form", "", "this is not what the page sends")) from None


def may_pause(chosen: Choices, now: Preferences) -> bool:
    """Whether the day chosen is one that may be chosen, or the one that holds already."""
    day = chosen.pause
    return day is None or day == now.paused_until or now.earliest <= day <= now.latest


def changes_of(now: Preferences, chosen: Choices) -> Changes:
    """What a form changes. What it leaves as it is stays unsaid: looking at a switch agrees to nothing."""
    switchable = {(purpose, way.medium) for purpose in Purpose for way in now.ways if way.switchable}
    shown = chosen.shown & switchable - now.locked
    off = [way for way in now.ways if way.stopped or way.silenced]
    lifted = tuple(way for way in off if any(medium is way.medium for _, medium in chosen.on & shown))
    again = {way.medium for way in lifted}
    consents = {
        kind: kind in chosen.on for kind in sorted(shown) if (kind in chosen.on) != (kind in now.on) or kind[1] in again
    }
    client = {_COLUMNS[way.medium][1]: None for way in lifted} | _language(now, chosen) | _pause(now, chosen)
    ends_earlier = now.paused_until is not None and (chosen.pause is None or chosen.pause < now.paused_until)
    return Changes(consents, lifted, client, wakes=ends_earlier)


def stop_everything() -> Changes:
    """No message of any purpose by any medium, also by those that the client may get an address for later; and none to
    the addresses that are theirs alone, under whatever name a clinic's system may report them next."""
    return Changes({(purpose, medium): False for purpose in Purpose for medium in Medium}, silenced=frozenset(Medium))


def unsubscribe(purpose: Purpose, medium: Medium) -> Changes:
    return Changes({(purpose, medium): False})


def _kinds(names: Collection[str]) -> frozenset[Kind]:
    split = (name.partition("-") for name in names)
    return frozenset((Purpose(purpose), Medium(medium)) for purpose, _, medium in split)


def _language(now: Preferences, chosen: Choices) -> Json:
    if not chosen.language or chosen.language == language_of(now.locale):
        return {}
    if chosen.language not in languages(now.locale):
        raise BadInput(Problem("unreadable-form", "language", "this is none of the languages offered"))
    return {"locale_chosen": chosen.language}


def _pause(now: Preferences, chosen: Choices) -> Json:
    if chosen.pause == now.paused_until:
        return {}
    return {"paused_until": moment(chosen.pause, time(), now.zone) if chosen.pause else None}
