"""A clinic's senders: setting one up, how much it sends, holding it back and letting it go on. Each act is audited."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.clinics import RATE, NewSender, as_stored, refuse_taken, sender_problems, sender_row
from service.errors import BadInput, Conflict, NotFound, Problem
from service.store import senders as store
from service.store import troubles as queries
from service.store.clinics import country_of_clinic
from service.store.lanes import pause_sender
from service.store.numbers import cap_sender
from service.store.pauses import BY_HAND
from service.store.replanning import replan_clinic
from service.store.signals import notify
from service.types import Medium


async def put_sender(
    connection: AsyncConnection, clinic: str, medium: Medium, values: Mapping[str, Any], who: object, now: datetime
) -> None:
    """Set up a clinic's sender of this medium, or change what is given of it: columns `address`, `messaging_service`,
    `rate`, `daily_cap`.

    What was planned without one goes from a new one. Raises BadInput, Conflict (`sender-taken`).
    """
    known = await store.hold_sender(connection, clinic, medium)
    had = {name: getattr(known, name) for name in ("address", "messaging_service", "rate", "daily_cap") if known}
    given: dict[str, Any] = {"address": "", "rate": RATE, **had, **values}
    sender = as_stored(NewSender(medium, **given), await country_of_clinic(connection, clinic))
    if problems := sender_problems([sender]):
        raise BadInput(*problems)
    if {"address", "messaging_service"} & values.keys():
        await refuse_taken(connection, clinic, [sender])
    if known:
        changed = {name: getattr(sender, name) for name in values}
        await store.change_sender(connection, clinic, medium, changed)
        await store.open_day(connection, clinic, known.id, now)
    else:
        name = await store.name_of(connection, clinic)
        await store.add_sender(connection, sender_row(clinic, name, sender, now), now)
        # A plan that is being made anew just now, and saved after this, may not know of it yet.
        await replan_clinic(connection, clinic, now)
    await notify(connection, now)
    await note(connection, clinic, who, Deed.SENDER_CHANGED, now, about=medium.value)


async def cap(
    connection: AsyncConnection, clinic: str, sender: str, a_day: int | None, who: object, now: datetime
) -> None:
    """So many segments (letters, by email) in 24 hours at most; None: as the settings say. Raises NotFound."""
    await _the_sender(connection, clinic, sender)
    await cap_sender(connection, (clinic, sender), a_day)
    await store.open_day(connection, clinic, sender, now)
    await notify(connection, now)
    await note(connection, clinic, who, Deed.SENDER_CAPPED, now, about=sender)


async def hold_back(connection: AsyncConnection, clinic: str, sender: str, who: object, now: datetime) -> None:
    """Start nothing from this sender until a person lets it go on. Raises NotFound, Conflict (`sender-paused`)."""
    await _the_sender(connection, clinic, sender)
    if not await pause_sender(connection, (clinic, sender), BY_HAND, now):
        raise Conflict(Problem("sender-paused", sender, "this sender is paused already"))
    await note(connection, clinic, who, Deed.SENDER_PAUSED, now, about=sender)


async def let_go_on(connection: AsyncConnection, clinic: str, sender: str, who: object, now: datetime) -> bool:
    """Let a sender go on, whatever paused it; whether it was paused.

    What a person decides ends what we knew of the sender's trouble, so that a new one is told anew.
    Raises NotFound, Conflict (`clinic-paused`).
    """
    row = await _the_sender(connection, clinic, sender)
    await note(connection, clinic, who, Deed.SENDER_RESUMED, now, about=sender)
    if row.paused_at is None:
        return False
    if not await queries.open_lane(connection, (clinic, sender), now):
        sentence = f"the whole clinic is paused: `aftercare clinic resume --clinic {clinic}` lets it go on"
        raise Conflict(Problem("clinic-paused", clinic, sentence))
    known = {"trouble": "", "trouble_since": None, "probes": 0, "look_at": None, "check_since": None}
    await queries.watch(connection, (clinic, sender), known)
    await notify(connection, now)
    return True


async def _the_sender(connection: AsyncConnection, clinic: str, sender: str) -> Any:
    rows = {row.id: row for row in await queries.senders_of(connection, clinic)}
    if sender not in rows:
        sentence = f"{clinic} has no sender {sender}: there are {', '.join(rows) or 'none'}"
        raise NotFound(Problem("unknown-sender", sender, sentence))
    return rows[sender]
