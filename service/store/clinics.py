"""Clinics as intake and dispatch need them: read together, once a pass."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.store.dialect import POSTGRESQL
from service.store.tables import Clinic, Location, ProtocolReview, Sender, core
from service.types import Cap, Medium, SenderAddress

log = logs.get(__name__)

CLINIC, LOCATION, REVIEW, SENDER = core(Clinic), core(Location), core(ProtocolReview), core(Sender)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One of a clinic's locations; empty texts fall back to the clinic's own."""

    id: str
    name: str
    time_zone: str
    address: str
    phone: str
    urgent_phone: str
    booking_url: str


@dataclass(frozen=True, slots=True, eq=False)
class House:
    """A clinic with its locations and senders, as one pass read it: what follows from it may be kept by identity."""

    id: str
    name: str
    time_zone: str
    locale: str
    country: str
    address: str
    phone: str
    urgent_phone: str
    booking_url: str
    care_consent: str
    quiet_start: time
    quiet_end: time
    quiet_email: bool
    brand: dict[str, Any]
    places: dict[str, Place]
    senders: dict[Medium, SenderAddress]
    """The clinic's sender of each medium that it has one for."""
    alert_email: str = ""
    """Where its staff are told of what clients answer; empty: then nothing is asked of clients."""
    words_stamp: int = 0
    """Grows whenever the clinic's own words, holds or confirmations change."""
    sms_countries: tuple[str, ...] = ()
    """Where its texts may go, as ISO codes; empty: to its own country."""

    caps: Mapping[str, Cap] = field(default_factory=dict)
    """How often a client hears from it, by purpose, where it differs from the settings."""

    @property
    def texts_to(self) -> tuple[str, ...]:
        return self.sms_countries or (self.country,)

    def zone_for(self, client_zone: str, location: str) -> str:
        """The zone that a client's reminders are counted in: the client's, else the location's, else the clinic's."""
        place = self.places.get(location)
        return client_zone or (place.time_zone if place else "") or self.time_zone


_PASS = sa.text(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended(name, 7120415)) FROM unnest(CAST(:names AS text[])) name"
)
_CLOSE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7120415))")


_ADDRESSED = ("clinic", "id", "medium", "address", "name", "messaging_service")
_HOUSES_KEPT = 2_000


async def houses(connection: AsyncConnection, ids: Collection[str], *, hold: bool = False) -> dict[str, House]:
    """The clinics of these ids, as they are now; without one whose row nothing can be made of: it stops only itself.

    `hold`: they stay so until this transaction ends, for whoever stores what follows from them.
    """
    dialect, wanted = connection.dialect.name, sorted(set(ids))
    if hold and dialect == POSTGRESQL:
        await connection.execute(_PASS, {"names": wanted})
    clinics, places, senders = _read(dialect, hold)
    found = (await connection.execute(clinics, {"ids": wanted})).all()
    placed = _by_clinic(await connection.execute(places, {"ids": wanted}))
    sending = _by_clinic(await connection.execute(senders, {"ids": wanted}))
    read = ((row.id, _readable(row, placed.get(row.id, []), sending.get(row.id, []))) for row in found)
    return {clinic: house for clinic, house in read if house}


@cache
def _read(dialect: str, hold: bool) -> tuple[sa.Select[Any], sa.Select[Any], sa.Select[Any]]:
    clinics = sa.select(CLINIC).where(_named(dialect, CLINIC.c.id)).order_by(CLINIC.c.id)
    senders = sa.select(*(SENDER.c[name] for name in _ADDRESSED)).where(_named(dialect, SENDER.c.clinic))
    return (
        clinics.with_for_update(read=True) if hold else clinics,
        sa.select(LOCATION).where(_named(dialect, LOCATION.c.clinic)),
        senders.order_by(SENDER.c.id.desc()),
    )


def _named(dialect: str, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """In a list given as `ids`; PostgreSQL takes it as one array, and so the statement as it is."""
    if dialect == POSTGRESQL:
        return column == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Text)))
    return column.in_(sa.bindparam("ids", expanding=True))


def _by_clinic(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.clinic, []).append(row)
    return found


_made: dict[str, tuple[Any, House]] = {}
"""The houses read last, with the rows that they were made of. While nothing changes they are not made anew, and what
is kept by their identity stays of use."""


def _readable(clinic: Any, places: Sequence[Any], senders: Sequence[Any]) -> House | None:
    rows = (clinic, places, senders)
    known = _made.get(clinic.id)
    if known and known[0] == rows:
        return known[1]
    try:
        house = house_of_rows(clinic, places, senders)
    except (KeyError, TypeError, ValueError) as error:
        log.error("clinic unreadable", clinic=clinic.id, exc_info=error)
        return None
    if len(_made) >= _HOUSES_KEPT:
        _made.clear()
    _made[clinic.id] = rows, house
    return house


async def clinics_page(
    connection: AsyncConnection, *, paused: bool | None = None, live: bool | None = None, after: str | None = None,
    limit: int | None = None,
) -> Sequence[Any]:  # fmt: skip
    """Clinics in order of their short names, each with `live`: whether it has confirmed a protocol.

    None narrows nothing down.
    """
    confirmed = sa.exists().where(REVIEW.c.clinic == CLINIC.c.id).correlate(CLINIC)
    names = ("id", "name", "time_zone", "locale", "country", "paused_at", "created_at")
    query = sa.select(*(CLINIC.c[name] for name in names), confirmed.label("live")).order_by(CLINIC.c.id).limit(limit)
    if paused is not None:
        query = query.where(CLINIC.c.paused_at.is_not(None) if paused else CLINIC.c.paused_at.is_(None))
    if live is not None:
        query = query.where(confirmed if live else ~confirmed)
    if after is not None:
        query = query.where(CLINIC.c.id > after)
    return (await connection.execute(query)).all()


async def hold_clinic(connection: AsyncConnection, clinic: str) -> None:
    """Let nobody else change it, nor store what follows from it, before this transaction has ended.

    Whoever holds it to plan passes a gate that is closed here first: those who share a row's lock overtake whoever
    waits for it, so that under a steady stream of events a change would never come.
    """
    if connection.dialect.name == POSTGRESQL:
        await connection.execute(_CLOSE, {"name": clinic})
    await connection.execute(sa.select(CLINIC.c.id).where(CLINIC.c.id == clinic).with_for_update(key_share=True))


async def clinic_exists(connection: AsyncConnection, clinic: str) -> bool:
    return await connection.scalar(sa.select(CLINIC.c.id).where(CLINIC.c.id == clinic)) is not None


async def country_of_clinic(connection: AsyncConnection, clinic: str) -> str:
    return str(await connection.scalar(sa.select(CLINIC.c.country).where(CLINIC.c.id == clinic)))


async def time_zone_of(connection: AsyncConnection, clinic: str) -> str:
    return str(await connection.scalar(sa.select(CLINIC.c.time_zone).where(CLINIC.c.id == clinic)))


def house_of_rows(clinic: Any, places: Collection[Any], senders: Collection[Any]) -> House:
    """A clinic from its row and those of its locations and senders."""
    return House(
        id=clinic.id,
        name=clinic.name,
        time_zone=clinic.time_zone,
        locale=clinic.locale,
        country=clinic.country,
        address=clinic.address,
        phone=clinic.phone,
        urgent_phone=clinic.urgent_phone,
        booking_url=clinic.booking_url,
        care_consent=clinic.care_consent,
        quiet_start=time.fromisoformat(clinic.quiet_start),
        quiet_end=time.fromisoformat(clinic.quiet_end),
        quiet_email=clinic.quiet_email,
        brand=clinic.brand,
        places={
            row.id: Place(
                id=row.id,
                name=row.name,
                time_zone=row.time_zone,
                address=row.address,
                phone=row.phone,
                urgent_phone=row.urgent_phone,
                booking_url=row.booking_url,
            )
            for row in places
        },
        senders={Medium(row.medium): sender_address(row) for row in senders},
        alert_email=clinic.alert_email,
        words_stamp=clinic.words_stamp,
        sms_countries=tuple(clinic.sms_countries),
        caps={purpose: Cap(cap["most"], timedelta(days=cap["days"])) for purpose, cap in clinic.caps.items()},
    )


def sender_address(row: Any) -> SenderAddress:
    return SenderAddress(
        clinic=row.clinic,
        sender=row.id,
        medium=Medium(row.medium),
        address=row.address,
        name=row.name,
        messaging_service=row.messaging_service,
    )
