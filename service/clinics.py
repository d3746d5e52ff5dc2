"""Making clinics: a tenant with its places, its senders and its first member of staff."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, time
from types import SimpleNamespace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.clinic_fields import Setting, clinic_problems, field_problems, phone_problems, sender_number
from service.errors import BadInput, Conflict, Problem
from service.intake.addresses import email_address
from service.store.alerts import hurry_alerts
from service.store.clinics import House, country_of_clinic, house_of_rows
from service.store.replanning import replan_clinic
from service.store.signals import notify_alert
from service.store.tables import Clinic, Location, ProtocolReview, Sender, Staff, core
from service.store.treatments import lock_matters
from service.types import Medium

OWNER = "owner"
RATE: Final = 10.0
"""Messages a second, where nobody has said more."""
_TEXTS_FROM = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}|(?=[A-Za-z0-9 ]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ]{0,10}")
"""A number, a short code, or a name."""
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class NewPlace:
    id: str
    name: str
    time_zone: str = ""
    address: str = ""
    phone: str = ""
    urgent_phone: str = ""
    booking_url: str = ""


@dataclass(frozen=True, slots=True)
class NewSender:
    """A number, messaging service or address that the clinic's messages come from. `rate` is messages a second."""

    medium: Medium
    address: str
    rate: float
    messaging_service: str = ""
    daily_cap: int | None = None
    """Segments (letters, by email) in 24 hours; None: as the settings say."""


@dataclass(frozen=True, slots=True)
class NewClinic:
    """`id` is the clinic's short name: lower-case letters, digits and hyphens."""

    id: str
    name: str
    time_zone: str
    country: str
    locale: str = "en"
    address: str = ""
    phone: str = ""
    urgent_phone: str = ""
    booking_url: str = ""
    alert_email: str = ""
    brand: dict[str, str] = field(default_factory=dict)
    quiet_start: time = time(20)
    quiet_end: time = time(9)
    quiet_email: bool = False
    forget_after_months: int = 0
    sms_countries: Sequence[str] = ()
    """Where its texts may go, as ISO codes; none: to its own country."""
    care_consent: str = "assumed"
    caps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By purpose: at most `most` messages to a client within `days`; others as the settings say."""
    places: Sequence[NewPlace] = ()
    senders: Sequence[NewSender] = ()
    confirmed: Sequence[tuple[str, str]] = ()
    """Protocols that it has confirmed already, each with a language: the others are not sent to anybody."""


@dataclass(frozen=True, slots=True)
class ClinicDefaults:
    """What a new clinic has where nobody says more: as the installation is set up."""

    quiet_start: time = time(20)
    quiet_end: time = time(9)
    sms_from: str = ""
    sms_service: str = ""
    email_from: str = ""

    def senders(self, number: str, service: str, email: str) -> tuple[NewSender, NewSender]:
        """One sender a medium: what is given, else the installation's; a nameless one only the outbox can use."""
        if not (number or service):
            number, service = self.sms_from, self.sms_service
        return (
            NewSender(Medium.SMS, number, RATE, service),
            NewSender(Medium.EMAIL, email or self.email_from, RATE),
        )


async def add_clinic(connection: AsyncConnection, new: NewClinic, now: datetime) -> None:
    """Store a clinic with its places and senders, and its owner.

    Raises BadInput with every problem at once, Conflict (`clinic-exists`, `sender-taken`).
    """
    new = replace(new, senders=[as_stored(sender, new.country) for sender in new.senders])
    if problems := _problems(new):
        raise BadInput(*problems)
    await refuse_taken(connection, new.id, new.senders)
    try:
        await connection.execute(core(Clinic).insert(), [_clinic_row(new, now)])
    except IntegrityError:
        raise Conflict(Problem("clinic-exists", "id", f"there is a clinic {new.id} already")) from None
    for table, rows in (
        (core(Location), [_place_row(new.id, place) for place in new.places]),
        (core(Sender), [sender_row(new.id, new.name, sender, now) for sender in new.senders]),
        (core(ProtocolReview), [_review_row(new.id, *confirmed, now) for confirmed in new.confirmed]),
        (core(Staff), [{"clinic": new.id, "id": OWNER, "role": OWNER, "created_at": now}]),
    ):
        if rows:
            await connection.execute(table.insert(), rows)


async def refuse_taken(connection: AsyncConnection, clinic: str, senders: Sequence[NewSender]) -> None:
    """Texts come from one clinic alone: what clients write back, a STOP above all, must find the right one.

    Raises Conflict (`sender-taken`). Nobody else takes the same number before this transaction has ended.
    """
    table = core(Sender)
    for sender in senders:
        if sender.medium is not Medium.SMS:
            continue
        await lock_matters(connection, [f"sms from {own}" for own in (sender.address, sender.messaging_service) if own])
        same = [table.c.address == sender.address] if sender.address else []
        same += [table.c.messaging_service == sender.messaging_service] if sender.messaging_service else []
        used = sa.select(table.c.address).where(table.c.medium == sender.medium.value, sa.or_(sa.false(), *same))
        taken = await connection.scalar(used.where(table.c.clinic != clinic).limit(1))
        if taken is not None:
            which = "address" if sender.address and taken == sender.address else "messaging_service"
            sentence = (
                "another clinic's texts come from here: give this clinic a number or messaging service of its own"
            )
            raise Conflict(Problem("sender-taken", f"senders.sms.{which}", sentence))


def house_of(new: NewClinic, now: datetime) -> House:
    """The clinic as it would be read, had it been stored: for looking at words without a database."""
    places = [SimpleNamespace(**_place_row(new.id, place)) for place in new.places]
    senders = [SimpleNamespace(**sender_row(new.id, new.name, sender, now)) for sender in new.senders]
    return house_of_rows(SimpleNamespace(**_clinic_row(new, now)), places, senders)


async def change_clinic(connection: AsyncConnection, clinic: str, values: Mapping[str, Setting], now: datetime) -> None:
    """Set columns of a clinic, as people write them (`quiet_start="20:00"`). Workers have the plans follow.

    Raises BadInput with every problem at once; nothing is stored then.
    """
    if problems := change_problems(values, await country_of_clinic(connection, clinic)):
        raise BadInput(*problems)
    table = core(Clinic)
    if "caps" in values:
        values = {**values, "caps": await _changed_caps(connection, clinic, values["caps"])}
    await connection.execute(table.update().where(table.c.id == clinic).values(**values))
    if _PLANS_FOLLOW & values.keys():
        await replan_clinic(connection, clinic, now)
    if values.get("alert_email"):  # what waits to be told to somebody can be told now
        await hurry_alerts(connection, clinic, now)
        await notify_alert(connection)


def change_problems(values: Mapping[str, Setting], country: str) -> list[Problem]:
    """What is wrong with what is to be set for a clinic. `country` is what it has: its phones without a prefix are
    there."""
    return [*field_problems(values), *phone_problems(values, str(values.get("country") or country))]


async def _changed_caps(connection: AsyncConnection, clinic: str, changes: Any) -> dict[str, Any]:
    """What is not named stays; a purpose that is set to None is as the settings say again."""
    table = core(Clinic)
    query = sa.select(table.c.caps).where(table.c.id == clinic).with_for_update(key_share=True)
    caps = {**(await connection.scalar(query) or {}), **changes}
    return {purpose: cap for purpose, cap in caps.items() if cap is not None}


_PLANS_FOLLOW = frozenset({"time_zone", "quiet_start", "quiet_end", "quiet_email", "alert_email"})


_CHECKED = ("id", "alert_email", "brand", "caps", "care_consent", "country", "forget_after_months", "locale", "name",
            "phone", "sms_countries", "time_zone", "urgent_phone")  # fmt: skip


def _problems(new: NewClinic) -> list[Problem]:
    known = {name: getattr(new, name) for name in _CHECKED} | {"locations": [asdict(place) for place in new.places]}
    return [*clinic_problems(known), *sender_problems(new.senders)]


def as_stored(sender: NewSender, country: str) -> NewSender:
    """With its number as providers know it, however it is written. `country` is the clinic's."""
    return replace(sender, address=sender_number(sender.address, country)) if sender.medium is Medium.SMS else sender


def sender_problems(senders: Sequence[NewSender]) -> list[Problem]:
    sentence = "a rate is messages a second, more than none: 0.1 is one in ten seconds"
    rates = [
        Problem("invalid-rate", f"senders.{sender.medium}.rate", sentence)
        for sender in senders
        if not 0 < sender.rate < math.inf
    ]
    wrong = [problem for sender in senders for problem in _wrong_origins(sender)]
    return [*rates, *wrong, *_twice([sender.medium for sender in senders])]


def _wrong_origins(sender: NewSender) -> Iterator[Problem]:
    """What messages cannot come from."""
    if sender.medium is Medium.SMS and sender.address and not _TEXTS_FROM.fullmatch(sender.address):
        sentence = "write the number with + and its country, like +447400123456, a short code, or a name of 11 letters"
        yield Problem("invalid-number", "senders.sms.address", sentence)
    by_service = sender.medium is Medium.SMS and _SERVICE.fullmatch(sender.messaging_service)
    if sender.messaging_service and not by_service:
        sentence = "this is no messaging service of Twilio, which sends texts: MG and 32 of 0-9 and a-f"
        yield Problem("invalid-number", f"senders.{sender.medium}.messaging_service", sentence)
    if sender.medium is Medium.EMAIL and sender.address and not email_address(sender.address).value:
        sentence = "write the address that letters come from, like care@clinic.example"
        yield Problem("invalid-email", "senders.email.address", sentence)


def _twice(media: Sequence[Medium]) -> list[Problem]:
    repeated = sorted({medium for medium in media if media.count(medium) > 1})
    return [Problem("given-twice", f"senders.{medium}", "this is given twice") for medium in repeated]


def _clinic_row(new: NewClinic, now: datetime) -> dict[str, object]:
    return {
        "id": new.id,
        "name": new.name.strip(),
        "time_zone": new.time_zone,
        "locale": new.locale,
        "country": new.country,
        "address": new.address,
        "phone": new.phone,
        "urgent_phone": new.urgent_phone,
        "booking_url": new.booking_url,
        "alert_email": new.alert_email,
        "care_consent": new.care_consent,
        "quiet_start": new.quiet_start.strftime("%H:%M"),
        "quiet_end": new.quiet_end.strftime("%H:%M"),
        "quiet_email": new.quiet_email,
        "forget_after_months": new.forget_after_months,
        "brand": new.brand,
        "caps": {purpose: dict(cap) for purpose, cap in new.caps.items()},
        "sms_countries": list(new.sms_countries),
        "words_stamp": 1 if new.confirmed else 0,
        "created_at": now,
    }


def _review_row(clinic: str, protocol: str, locale: str, now: datetime) -> dict[str, object]:
    who = {"clinician": OWNER, "reader": OWNER, "confirmed_at": now}
    return {"clinic": clinic, "protocol": protocol, "locale": locale, **who}


def _place_row(clinic: str, place: NewPlace) -> dict[str, object]:
    return {
        "clinic": clinic,
        "id": place.id,
        "name": place.name,
        "time_zone": place.time_zone,
        "address": place.address,
        "phone": place.phone,
        "urgent_phone": place.urgent_phone,
        "booking_url": place.booking_url,
    }


def sender_row(clinic: str, name: str, sender: NewSender, now: datetime) -> dict[str, object]:
    """A sender that goes from now on. `name` is the clinic's."""
    return {
        "clinic": clinic,
        "id": sender.medium.value,
        "medium": sender.medium.value,
        "address": sender.address,
        "name": name.strip(),
        "messaging_service": sender.messaging_service,
        "rate": sender.rate,
        "daily_cap": sender.daily_cap,
        "tokens": sender.rate,
        "tokens_at": now,
        "next_due_at": None,
        "open_at": now,
        "turn_at": now,
        "paused_reason": "",
    }
