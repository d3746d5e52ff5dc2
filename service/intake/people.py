"""What an event says about its client: who, how to reach them, and what they agreed to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import Problem
from service.events import AppointmentBooked, ClientErased, ClientUpdated, ConsentChanged, Event
from service.intake.addresses import SENTENCES, Address, email_address, phone_address
from service.intake.answer import Standing
from service.intake.entry import Entry, Named
from service.intake.numbers import perhaps_shared
from service.store.clients import (
    consents_by_client,
    hold_recipients,
    lock_clients,
    record_consents,
    remember_recipients,
    update_clients,
)
from service.store.clients import stands as withdrawn
from service.store.numbers import Number, note_shared
from service.store.treatments import EventKey
from service.types import Json, Medium
from service.values import value_type


@value_type
class Contact:
    """An event's phone and email, made usable or not; None where the event gave none."""

    phone: Address | None
    email: Address | None

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """The usable ones, by medium."""
        given = ((Medium.SMS, self.phone), (Medium.EMAIL, self.email))
        return [(medium.value, address.value) for medium, address in given if address and address.value]

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Named in the answer, so that the clinic can correct them."""
        given = (("data.client.phone", self.phone), ("data.client.email", self.email))
        return tuple(
            Problem(address.problem, where, SENTENCES[address.problem])
            for where, address in given
            if address is not None and address.problem
        )


_Clients: TypeAlias = Mapping[Named, Json]
"""By (clinic, ref), as columns."""

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "first_name": ("first_name",),
    "phone": ("phone_given", "phone", "phone_problem"),
    "email": ("email_given", "email", "email_problem"),
    "time_zone": ("time_zone",),
    "locale": ("locale",),
}
"""What an event may tell of a client, each with its columns; the first of them is empty where nothing is known."""

_MOVES = ("phone", "email")


@dataclass(frozen=True, slots=True)
class People:
    """The clients of a group of events as they are now."""

    clients: dict[Named, Json]
    """By (clinic, ref), as columns."""
    moved: frozenset[Named]
    """Those whose zone changed, or who can be reached by another medium now: all they have coming is planned anew."""
    refused: frozenset[Named]
    """Those whose data had been erased before: nothing of these events may be kept."""
    idle: Mapping[EventKey, Standing]
    """Updates and consents that changed nothing, and why."""
    new_numbers: frozenset[Number] = frozenset()
    """Numbers that these clinics had never heard of."""
    leaving: frozenset[Named] = frozenset()
    """Those who give up a number: for another, or since they are erased."""

    @classmethod
    def known(cls, stored: Mapping[Named, Any]) -> "People":
        """Clients of whom no event tells anything now, from their rows."""
        clients = {key: dict(row._mapping) for key, row in stored.items()}  # noqa: SLF001 - SQLAlchemy's documented accessor
        return cls(clients, frozenset(), frozenset(), {})


def contact_of(event: Event, country: str) -> Contact:
    told = event.told
    if told is None:
        return Contact(None, None)
    # Many systems send an empty text for what they do not know; only an update means it.
    gone = Address(None) if isinstance(event.data, ClientUpdated) else None
    return Contact(
        phone=phone_address(told.phone, country) if told.phone else gone if told.phone == "" else None,
        email=email_address(told.email) if told.email else gone if told.email == "" else None,
    )


async def record_people(
    connection: AsyncConnection,
    entries: Sequence[Entry],
    contacts: Mapping[EventKey, Contact],
    others: Collection[Named],
    now: datetime,
) -> People:
    """Lock the clients of these events and `others`, bring them up to date by what the events tell, and keep their
    consents."""
    described = {
        entry.key: client_row(entry, contacts[entry.key])
        for entry in entries
        if entry.client and _makes_known(entry.event)
    }
    stored = await lock_clients(connection, list(described.values()), others)
    earlier = {key: dict(row._mapping) for key, row in stored.items()}  # noqa: SLF001 - SQLAlchemy's documented accessor
    refused = frozenset(key for key, row in earlier.items() if row["erased_at"] is not None)
    telling = [entry for entry in entries if entry.event.told and entry.client not in refused]
    clients = dict(earlier)
    for entry in telling:
        assert entry.client is not None  # noqa: S101 - it tells of one
        clients[entry.client] = merged(earlier[entry.client], described[entry.key], contacts[entry.key])
    await update_clients(connection, [row for key, row in clients.items() if row is not earlier[key]])
    told = {entry.client: clients[entry.client] for entry in telling if entry.client}
    new = await remember_recipients(connection, addresses(told), now)
    new_numbers = frozenset((clinic, address) for clinic, medium, address in new if medium == Medium.SMS)
    shared = perhaps_shared(told, earlier, new_numbers)
    # Nobody else takes on a number that is counted, and nothing starts to one that a client says no to.
    numbers = {(clinic, Medium.SMS.value, number) for clinic, number in shared}
    leaving = _leaving(entries, earlier, clients)
    given_up = addresses({key: earlier[key] for key in leaving})
    await hold_recipients(connection, numbers | given_up | _withdrawn(telling, earlier, clients))
    await note_shared(connection, shared)
    said = await _record_consents(connection, telling)
    moved = frozenset(key for key, row in clients.items() if _is_elsewhere(earlier[key], row))
    idle = {
        entry.key: standing
        for entry in telling
        if isinstance(entry.event.data, ClientUpdated | ConsentChanged)
        and (standing := _idle(described[entry.key], earlier, contacts[entry.key], consent_rows(entry), said))
    }
    return People(clients, moved, refused, idle, new_numbers, leaving)


def _leaving(entries: Sequence[Entry], earlier: _Clients, clients: _Clients) -> frozenset[Named]:
    erased = {entry.client for entry in entries if isinstance(entry.event.data, ClientErased)}
    had = [key for key, row in earlier.items() if row["phone"]]
    return frozenset(key for key in had if key in erased or clients[key]["phone"] != earlier[key]["phone"])


def _idle(
    described: Json, earlier: _Clients, contact: Contact, consents: Sequence[Json], said: Mapping[tuple[str, ...], Any]
) -> Standing | None:
    """Whether all that an event tells was told by newer ones, or taken back by the client."""
    before = earlier[described["clinic"], described["ref"]]
    if _said_by(before) == _said_by(described) or _newer(before, described, contact):
        return None
    stored = [(row, said.get((row["clinic"], row["client"], row["medium"], row["purpose"]))) for row in consents]
    if any(old is None or (not withdrawn(old) and _counts(row, old)) for row, old in stored):
        return None
    overruled = any(row["granted"] and old is not None and withdrawn(old) for row, old in stored)
    return Standing.OVERRULED if overruled else Standing.OUTDATED


def _counts(row: Json, old: Any) -> bool:
    return bool((row["at"], row["source"]) >= (old.at, old.source))


def _makes_known(event: Event) -> bool:
    """Whether a client who is not known yet becomes known by it: an erasure is remembered, too."""
    return event.told is not None or isinstance(event.data, ClientErased)


def _is_elsewhere(before: Json, after: Json) -> bool:
    reach = [bool(before[name]) != bool(after[name]) for name in _MOVES]
    return any(reach) or bool(before["time_zone"] != after["time_zone"])


def _withdrawn(entries: Sequence[Entry], earlier: _Clients, clients: _Clients) -> set[tuple[str, str, str]]:
    """The addresses that were, and those that are, of clients who say no to something."""
    no = {(row["clinic"], row["client"]) for entry in entries for row in consent_rows(entry) if not row["granted"]}
    return set.union(*(addresses({key: known[key] for key in no}) for known in (earlier, clients)))


async def _record_consents(connection: AsyncConnection, entries: Sequence[Entry]) -> Mapping[tuple[str, ...], Any]:
    """Returns what had been said before by the clients of updates and consents: others are not asked about it."""
    rows = [row for entry in entries for row in consent_rows(entry)]
    asking = {entry.client for entry in entries if isinstance(entry.event.data, ClientUpdated | ConsentChanged)}
    said = await consents_by_client(connection, {client for client in asking if client})
    await record_consents(connection, rows)
    return said


def consent_rows(entry: Entry) -> list[Json]:
    """A purpose that is named is a yes for the media listed and a no for the others; one not named says nothing."""
    told = entry.event.told
    return [
        {
            "clinic": entry.clinic,
            "client": entry.event.client,
            "medium": medium.value,
            "purpose": purpose.value,
            "granted": medium in media,
            "source": f"event {entry.name}",
            "at": entry.event.time,
        }
        for purpose, media in (told.consent if told else {}).items()
        for medium in Medium
    ]


def client_row(entry: Entry, contact: Contact) -> Json:
    """The client as this event alone describes them, as columns."""
    told = entry.event.told
    phone, email = contact.phone or Address(None), contact.email or Address(None)
    row = {
        "clinic": entry.clinic,
        "ref": entry.event.client,
        "first_name": (told and told.first_name) or "",
        "phone": phone.value,
        "phone_given": (told and told.phone) or "",
        "phone_problem": phone.problem,
        "email": email.value,
        "email_given": (told and told.email) or "",
        "email_problem": email.problem,
        "time_zone": (told and told.time_zone) or "",
        "locale": ((told and told.locale) or "").replace("_", "-"),
        "as_of": entry.event.time,
        "as_of_event": entry.name,
        "has_booked": isinstance(entry.event.data, AppointmentBooked),
    }
    return row | {"told": _told({name: _said_by(row) for name in _given(row, contact)}, row)}


def merged(before: Json, described: Json, contact: Contact) -> Json:
    """What is known after this event: what it gives replaces what older ones gave, what it leaves out stays.

    Each field goes by the newest event that told it, so events may arrive in any order.
    """
    if _said_by(before) == _said_by(described):  # it has just been inserted as this event describes it
        return before
    newer = _newer(before, described, contact)
    words = {name: word for name in _FIELDS if (word := _word_on(before, name))}
    words |= dict.fromkeys(newer, _said_by(described))
    changed = {column: described[column] for name in newer for column in _FIELDS[name]}
    as_of, as_of_event = max(_said_by(before), _said_by(described))
    after = before | changed | {"as_of": as_of, "as_of_event": as_of_event}
    has_booked = before["has_booked"] or described["has_booked"]
    return after | {"has_booked": has_booked, "told": _told(words, after)}


def _newer(before: Json, described: Json, contact: Contact) -> list[str]:
    """The fields on which this event is the newest word."""
    words = {name: _word_on(before, name) for name in _given(described, contact)}
    return [name for name, word in words.items() if word is None or _said_by(described) >= word]


_Said: TypeAlias = tuple[datetime, str]
"""When something was told, and by which event."""


def _said_by(row: Json) -> _Said:
    """The newest event that described this client."""
    return row["as_of"], row["as_of_event"]


def _word_on(row: Json, name: str) -> _Said | None:
    """The event that told this field; None where none did."""
    if name in row["told"]:
        time, event = row["told"][name]
        return datetime.fromisoformat(time), event
    return _said_by(row) if row[_FIELDS[name][0]] else None


def _told(words: Mapping[str, _Said], row: Json) -> Json:
    """What is to be remembered of when fields were told: what the row itself does not say already."""
    return {
        name: [time.isoformat(), event]
        for name, (time, event) in words.items()
        if (time, event) != _said_by(row) or not row[_FIELDS[name][0]]
    }


def _given(described: Json, contact: Contact) -> list[str]:
    """The fields that an event tells: also those that it takes away."""
    plain = [name for name in ("first_name", "time_zone", "locale") if described[name]]
    phone = ["phone"] if contact.phone is not None else []
    return plain + phone + (["email"] if contact.email is not None else [])


def addresses(clients: _Clients) -> set[tuple[str, str, str]]:
    """Every address of these clients, as keys of the recipients."""
    return {
        (clinic, medium.value, client[column])
        for (clinic, _), client in clients.items()
        for medium, column in ((Medium.SMS, "phone"), (Medium.EMAIL, "email"))
        if client[column]
    }


def addresses_in(bodies: Iterable[Json], country: str) -> set[tuple[str, str]]:
    """Every usable address that these events told, by medium."""
    found = set()
    for body in bodies:
        told = body.get("data", {}).get("client") or {}
        phone, email = told.get("phone"), told.get("email")
        contact = Contact(phone_address(phone, country) if phone else None, email_address(email) if email else None)
        found.update(contact.addresses)
    return found
