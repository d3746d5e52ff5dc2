"""The aftercare page: a step's full advice behind the short link of a text, for as long as the course goes on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service.protocols import Protocol
from service.store import client_pages as store
from service.store.clinics import House
from service.timing import after

AT_LEAST: Final = timedelta(days=30)
"""So long after its message a page stays, also where the course ended with that visit or lapses soon."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who to turn to: the place of the treatment, and the clinic where that has nothing of its own."""

    name: str
    phone: str
    urgent_phone: str
    address: str


def contact_of(house: House, location: str) -> Contact:
    place = house.places.get(location)
    if place is None:
        return Contact(house.name, house.phone, house.urgent_phone or house.phone, house.address)
    phone = place.phone or house.phone
    return Contact(
        name=place.name or house.name,
        phone=phone,
        urgent_phone=place.urgent_phone or house.urgent_phone or phone,
        address=place.address or house.address,
    )


async def closes_at(connection: AsyncConnection, message: Any, protocol: Protocol | None) -> datetime:
    """When a message's page closes: with its course, and not within a month of the message."""
    earliest: datetime = message.created_at + AT_LEAST
    series = protocol.sessions_for(message.area or None) if protocol else None
    if series is None or series.lapses_after is None:
        return earliest
    last = await store.last_visit(connection, message.clinic, message.course)
    return max(earliest, after(last, series.lapses_after, message.zone))
