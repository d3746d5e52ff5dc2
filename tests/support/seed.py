"""Rows for pages to show, inserted directly: a clinic with two places and two languages, treatments, messages.

`show` stands in for rendering where only the pages are under test: a wording's source is filled with its pinned values.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.segments import measure
from service.store.tables import (
    Attempt,
    Client,
    Clinic,
    Course,
    Decision,
    Location,
    Reminder,
    Sender,
    Staff,
    Treatment,
    Wording,
    core,
)
from service.types import Email, Message, Sms

NOW = datetime(2026, 11, 21, 11, 42, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    ref: str
    first_name: str
    phone: str = "+447400123456"
    zone: str = "Europe/London"
    locale: str = "en"

    @property
    def email(self) -> str:
        return f"{self.ref}@example.com"


@dataclass(frozen=True)
class Line:
    """A reminder of a plan, and its attempt where `attempt` names a state."""

    step: str
    due_at: datetime
    state: str = "scheduled"
    medium: str = "sms"
    reason: str = ""
    purpose: str = "care"
    attempt: str = ""
    occurrence: int = 0
    decisions: Sequence[tuple[datetime, str]] = field(default_factory=tuple)


ADA = Person("c-17", "Ada")
WORDS = {
    ("sms", "en"): "{clinic}: hi {name}, this is your {step} note. Questions? Call 020 7946 0123.",
    ("sms", "es"): "{clinic}: hola, {name}. Este es tu aviso de {step}. ¿Dudas? Llámanos al 020 7946 0123.",
    ("email", "en"): "{clinic}: {step}\nA short note for {name}.\nHi {name},\n\nThis is your {step} letter.",
    ("email", "es"): "{clinic}: {step}\nUna nota breve para {name}.\nHola, {name}:\n\nEsta es tu carta de {step}.",
}


async def add_clinic(connection: AsyncConnection, clinic: str = "glow", name: str = "Glow Skin Clinic") -> None:
    """A clinic with two locations, two senders and an owner."""
    row = {
        "id": clinic,
        "name": name,
        "time_zone": "Europe/London",
        "locale": "en",
        "country": "GB",
        "phone": "020 7946 0123",
    }
    await _insert(connection, Clinic, **row, created_at=NOW, brand={})
    first = name.partition(" ")[0]
    await _insert(connection, Location, clinic=clinic, id="soho", name=f"{first} Soho")
    zone = "America/New_York"
    await _insert(connection, Location, clinic=clinic, id="ny", name=f"{first} New York", time_zone=zone)
    await _insert(connection, Staff, clinic=clinic, id="owner", role="owner", created_at=NOW)
    for medium, address in (("sms", "+447400654321"), ("email", f"care@{clinic}.example.com")):
        lane = {"rate": 10.0, "tokens": 10.0, "tokens_at": NOW, "turn_at": NOW, "open_at": NOW}
        await _insert(connection, Sender, clinic=clinic, id=medium, medium=medium, address=address, name=name, **lane)


async def add_treatment(
    connection: AsyncConnection,
    clinic: str,
    person: Person,
    ended_at: datetime,
    lines: Sequence[Line],
    **treatment: Any,
) -> str:
    """A visit of this person with its plan; returns the treatment's id."""
    identity = str(treatment.pop("id", f"visit-{next(_numbers)}"))
    await _add_client(connection, clinic, person)
    protocol = treatment.pop("protocol", "microneedling")
    common = {"clinic": clinic, "client": person.ref, "protocol": protocol}
    await _insert(connection, Course, id=f"course of {identity}", created_at=NOW, **common)
    values = {"kind": "session", "location": "soho", "provider": "Dr Lee", "area": "cheeks", "session": 2, "of": 4}
    values |= {"as_of": ended_at, "event_source": "/pms", "event_id": identity, "state": "planned"} | treatment
    await _insert(
        connection, Treatment, id=identity, course=f"course of {identity}", ended_at=ended_at, **common, **values
    )
    for line in lines:
        await _add_line(connection, clinic, identity, person, protocol, line)
    return identity


def show(attempt: Any, wording: Any) -> Message:
    text = str(wording.source).format(**attempt.pinned)
    if attempt.medium == "sms":
        return Sms(text, *measure(text))
    subject, preheader, body = text.split("\n", 2)
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in body.split("\n\n"))
    style = "body{font:16px/1.6 Georgia,serif;color:#222;margin:0;padding:24px 32px;max-width:560px}"
    html = f"<html><head><style>{style}</style></head><body>{paragraphs}</body></html>"
    return Email(subject, preheader, html, body)


async def _add_client(connection: AsyncConnection, clinic: str, person: Person) -> None:
    table = core(Client)
    known = table.select().where(table.c.clinic == clinic, table.c.ref == person.ref)
    if (await connection.execute(known)).first() is None:
        await _insert(
            connection,
            Client,
            clinic=clinic,
            ref=person.ref,
            first_name=person.first_name,
            phone=person.phone,
            email=person.email,
            time_zone=person.zone,
            locale=person.locale,
            as_of=NOW,
        )


async def _add_line(
    connection: AsyncConnection, clinic: str, treatment: str, person: Person, protocol: str, line: Line
) -> None:
    identity = _id(line.due_at)
    await _insert(
        connection,
        Reminder,
        clinic=clinic,
        id=identity,
        treatment=treatment,
        client=person.ref,
        step=line.step,
        occurrence=line.occurrence,
        protocol=protocol,
        purpose=line.purpose,
        media="sms,email",
        medium=line.medium,
        sender=line.medium,
        send_mode="first",
        quiet="defer",
        if_unknown="resend_if_absent",
        intended_at=line.due_at,
        due_at=line.due_at,
        expires_at=line.due_at + timedelta(hours=20),
        zone=person.zone,
        local_time="2026-11-21T10:00",
        state=line.state,
        reason=line.reason,
        updated_at=line.due_at if line.attempt else min(NOW, line.due_at),
    )
    for at, code in line.decisions:
        await _insert(
            connection, Decision, clinic=clinic, id=_id(at), reminder=identity, at=at, code=code, by="plan", detail={}
        )
    if line.attempt:
        await _add_attempt(connection, clinic, identity, person, protocol, line)


async def _add_attempt(
    connection: AsyncConnection, clinic: str, reminder: UUID, person: Person, protocol: str, line: Line
) -> None:
    version = f"{protocol}/{line.step}/{person.locale}/{line.medium}"
    await _add_wording(connection, clinic, version, protocol, person, line)
    attempt = _id(line.due_at)
    pinned = {"clinic": "Glow", "name": person.first_name or "there", "step": line.step.replace("-", " ")}
    await _insert(
        connection,
        Attempt,
        clinic=clinic,
        id=attempt,
        reminder=reminder,
        token=attempt.hex,
        fence=1,
        medium=line.medium,
        sender=line.medium,
        recipient=person.phone if line.medium == "sms" else person.email,
        wording=version,
        locale=person.locale,
        pinned=pinned,
        body_hash="0" * 64,
        segments=1,
        state=line.attempt,
        created_at=line.due_at,
        lease_until=line.due_at + timedelta(minutes=1),
    )


async def _add_wording(
    connection: AsyncConnection, clinic: str, version: str, protocol: str, person: Person, line: Line
) -> None:
    table = core(Wording)
    known = table.select().where(table.c.clinic == clinic, table.c.version == version)
    if (await connection.execute(known)).first() is None:
        await _insert(
            connection,
            Wording,
            clinic=clinic,
            version=version,
            protocol=protocol,
            step=line.step,
            medium=line.medium,
            locale=person.locale,
            source=WORDS[line.medium, person.locale],
            first_used_at=NOW,
        )


def _id(at: datetime) -> UUID:
    """Ordered by time, as the service's own ids are."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | next(_numbers))


async def _insert(connection: AsyncConnection, model: Any, **values: Any) -> None:
    await connection.execute(core(model).insert().values(**values))
