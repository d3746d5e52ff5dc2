"""How much may be sent to a staff member: counted in the database, so neither restarts nor many processes forget."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.errors import Conflict, NotFound, Problem, TooMany
from service.pumping import ABROAD, FLOODED, SPIKE, NumberCap, Texts, may_text
from service.store import staff as store
from service.store.clients import hold_recipients
from service.store.clinics import House, houses
from service.store.numbers import Number, Text, keep_texts, texts_to
from service.store.pauses import BY_HAND, CLINIC_PAUSED, pause_of
from service.types import Medium

_HOUR: Final = timedelta(hours=1)
_CROWD: Final = 6
"""All the staff together may be sent so many times what one of them may: whoever invents members gains little."""
_HOLDS: Final = frozenset({BY_HAND, CLINIC_PAUSED, SPIKE})
"""Pauses that hold what staff are sent, too: somebody said so, or somebody must look first."""


async def house_of(connection: AsyncConnection, clinic: str) -> House:
    """The clinic as it is stored now. Raises NotFound."""
    found = await houses(connection, [clinic])
    if clinic not in found:
        raise NotFound(Problem("unknown-clinic", "", f"there is no clinic {clinic}"))
    return found[clinic]


async def hold_on(connection: AsyncConnection, house: House, medium: Medium) -> str:
    """Why nothing may go to staff by this medium until a person lets the clinic or its sender go on; empty: it may."""
    sender = house.senders.get(medium)
    why = await pause_of(connection, house.id, sender.sender if sender else "")
    return why if why in _HOLDS else ""


async def within_limit(
    connection: AsyncConnection, house: House, row: Any, kind: str, most: int, now: datetime
) -> None:
    """Refuse what would be too much for this address, or must not go there. The caller holds the clinic's staff.

    Raises TooMany (`too-many-codes`, `too-many-tests`), Conflict (`address-stopped`, `country-not-allowed`, or why the
    sender is held).
    """
    if why := await hold_on(connection, house, Medium(row.medium)):
        sentence = "nothing is sent until the clinic and its sender go on: `aftercare clinic resume`, `sender resume`"
        raise Conflict(Problem(why, row.medium, sentence))
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
            wait = asked[-limit] + _HOUR - now
            minutes, seconds = (-(-wait // timedelta(**{unit: 1})) for unit in ("minutes", "seconds"))
            sentence = f"{who} has been sent {limit} in the last hour: try again in {minutes} minutes"
            raise TooMany(Problem(f"too-many-{kind}s", row.staff, sentence), seconds)


async def count_text(connection: AsyncConnection, number: Number, staff: str, cap: NumberCap, now: datetime) -> None:
    """One phone gets so many texts a day, whether it is a client's or said to be a member of staff's.

    For texts to numbers whose owner was not asked. Raises TooMany (`too-many-to-number`).
    """
    since = now - cap.within
    await hold_recipients(connection, [(number[0], Medium.SMS.value, number[1])])
    _, texts = await texts_to(connection, {number}, (), cap.veil, since)
    free_at = Texts(cap, {number}, texts).free_at(*number, now)
    if free_at > now:
        wait = -(-(free_at - now) // _HOUR)
        sentence = f"this number has got {cap.most} texts within {cap.within // _HOUR} hours: try again in {wait} hours"
        raise TooMany(Problem(FLOODED, staff, sentence), -(-(free_at - now) // timedelta(seconds=1)))
    if cap.secret:
        await keep_texts(connection, [Text(*number, uuid7(), now)], cap.veil, since)
