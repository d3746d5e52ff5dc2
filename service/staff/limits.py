"""How much may be sent to a staff member: counted in the database, so neither restarts nor many processes forget."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import AftercareError, Conflict, NotFound, Problem
from service.pumping import ABROAD, may_text
from service.store import staff as store
from service.store.clinics import House, houses
from service.types import Medium

_HOUR: Final = timedelta(hours=1)
_CROWD: Final = 6
"""All the staff together may be sent so many times what one of them may: whoever invents members gains little."""


class TooMany(AftercareError):
    exit_code = 75
    status = 429


async def house_of(connection: AsyncConnection, clinic: str) -> House:
    """The clinic as it is stored now. Raises NotFound."""
    found = await houses(connection, [clinic])
    if clinic not in found:
        raise NotFound(Problem("unknown-clinic", "", f"there is no clinic {clinic}"))
    return found[clinic]


async def within_limit(
    connection: AsyncConnection, house: House, row: Any, kind: str, most: int, now: datetime
) -> None:
    """Refuse what would be too much for this address, or must not go there. The caller holds the staff member's row.

    Raises TooMany (`too-many-codes`, `too-many-tests`), Conflict (`address-stopped`, `country-not-allowed`).
    """
    if row.medium == Medium.SMS and not may_text(row.address, house.texts_to):
        sentence = "this number is of a country that the clinic does not text: `aftercare clinic set --sms-countries`"
        raise Conflict(Problem(ABROAD, row.staff, sentence))
    if await store.is_stopped(connection, row.clinic, row.medium, row.address):
        sentence = "whoever has this address has told the clinic to stop: only they can take that back"
        raise Conflict(Problem("address-stopped", row.medium, sentence))
    since = now - _HOUR
    for who, limit, staff in ((row.staff, most, row.staff), ("the staff", most * _CROWD, None)):
        asked = await store.asked_since(connection, row.clinic, kind, since, staff=staff)
        if len(asked) >= limit:
            minutes = -(-(asked[-limit] + _HOUR - now) // timedelta(minutes=1))
            sentence = f"{who} has been sent {limit} in the last hour: try again in {minutes} minutes"
            raise TooMany(Problem(f"too-many-{kind}s", row.staff, sentence))
