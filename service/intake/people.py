"""What an event says about its client: who, how to reach them, and what they agreed to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import Problem
from service.events import ClientData
from service.intake.addresses import SENTENCES, Address, email_address, phone_address
from service.intake.entry import Entry
from service.store.clients import (
    hold_recipients,
    lock_clients,
    record_consents,
    remember_recipients,
    update_clients,
)
from service.store.treatments import EventKey
from service.types import Json, Medium


@dataclass(frozen=True, slots=True)
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


_Clients: TypeAlias = Mapping[tuple[str, str], Mapping[str, Any]]
"""By (clinic, ref), as columns."""


@dataclass(frozen=True, slots=True)
class People:
    """The clients of a group of events as they are now, and those whose zone has changed with it."""

    clients: _Clients
    moved: frozenset[tuple[str, str]]


def contact_of(client: ClientData, country: str) -> Contact:
    return Contact(
        phone=phone_address(client.phone, country) if client.phone else None,
        email=email_address(client.email) if client.email else None,
    )


async def record_people(
    connection: AsyncConnection, entries: Sequence[Entry], contacts: Mapping[EventKey, Contact], now: datetime
) -> People:
    """Lock the clients, bring them up to date where this event is the newest word on them, and keep their consents."""
    if not entries:
        return People({}, frozenset())
    described = [client_row(entry, contacts[entry.key]) for entry in entries]
    stored = await lock_clients(connection, described)
    earlier = {key: dict(row._mapping) for key, row in stored.items()}  # noqa: SLF001 - SQLAlchemy's documented accessor
    clients: dict[tuple[str, str], Json] = {}
    changed: list[Json] = []
    moved = set()
    for entry, row in zip(entries, described, strict=True):
        before = earlier[entry.client]
        after = merged(before, row, contacts[entry.key])
        clients[entry.client] = after
        if after != before:
            changed.append(after)
        if after["time_zone"] != before["time_zone"]:
            moved.add(entry.client)
    await update_clients(connection, changed)
    await remember_recipients(connection, _addresses(clients), now)
    await _record_consents(connection, entries, earlier, clients)
    return People(clients, frozenset(moved))


async def _record_consents(
    connection: AsyncConnection, entries: Sequence[Entry], earlier: _Clients, clients: _Clients
) -> None:
    """Where something is withdrawn no start may be under way, to the address that was or to the one that is."""
    rows = [row for entry in entries for row in consent_rows(entry)]
    withdrawn = {(row["clinic"], row["client"]) for row in rows if not row["granted"]}
    held = [_addresses({key: known[key] for key in withdrawn}) for known in (earlier, clients)]
    await hold_recipients(connection, set.union(*held))
    await record_consents(connection, rows)


def consent_rows(entry: Entry) -> list[Json]:
    """A purpose that is named is a yes for the media listed and a no for the others; one not named says nothing."""
    return [
        {
            "clinic": entry.clinic,
            "client": entry.event.data.client.ref,
            "medium": medium.value,
            "purpose": purpose.value,
            "granted": medium in media,
            "source": f"event {entry.event.source} {entry.event.id}",
            "at": entry.event.time,
        }
        for purpose, media in entry.event.data.client.consent.items()
        for medium in Medium
    ]


def client_row(entry: Entry, contact: Contact) -> Json:
    """The client as this event alone describes them, as columns."""
    client = entry.event.data.client
    phone, email = contact.phone or Address(None), contact.email or Address(None)
    return {
        "clinic": entry.clinic,
        "ref": client.ref,
        "first_name": client.first_name or "",
        "phone": phone.value,
        "phone_given": client.phone or "",
        "phone_problem": phone.problem,
        "email": email.value,
        "email_given": client.email or "",
        "email_problem": email.problem,
        "time_zone": client.time_zone or "",
        "locale": (client.locale or "").replace("_", "-"),
        "as_of": entry.event.time,
    }


def merged(before: Json, described: Json, contact: Contact) -> Json:
    """What is known after this event: what it gives replaces what was known, what it leaves out stays.

    An older event still tells what no newer one has told: events may arrive in any order.
    """
    newer = described["as_of"] >= before["as_of"]
    given: list[tuple[str, ...]] = [(name,) for name in ("first_name", "time_zone", "locale") if described[name]]
    given += [("phone_given", "phone", "phone_problem")] if contact.phone is not None else []
    given += [("email_given", "email", "email_problem")] if contact.email is not None else []
    told = [name for names in given if newer or not before[names[0]] for name in names]
    as_of = max(before["as_of"], described["as_of"])
    return before | {name: described[name] for name in told} | {"as_of": as_of}


def _addresses(clients: _Clients) -> set[tuple[str, str, str]]:
    return {
        (clinic, medium.value, client[column])
        for (clinic, _), client in clients.items()
        for medium, column in ((Medium.SMS, "phone"), (Medium.EMAIL, "email"))
        if client[column]
    }
