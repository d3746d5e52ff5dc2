"""Rescue: what a stopped process or a lost answer left behind is found, asked about, and decided.

1. A lease that ran out in `sending` makes the attempt unknown; nothing falls due again by itself.
2. An unknown attempt is looked up in the provider's records from 20 minutes after its start: one message that no other
   attempt holds, for one unknown attempt, is it; none is absence; anything else proves nothing and is held.
3. Absence leads to the step's policy: send once more, or hold for a person.
4. By its expiry no reminder is scheduled or sending: it is expired, or waits for a person.

Every decision keeps the evidence it was made on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import logs
from service.channels.base import Channel, LookUp
from service.errors import Unavailable
from service.store import rescue as queries
from service.store.attempts import (
    held_ids,
    overdue_attempts,
    postpone_look_up,
    stay_sent,
    unknown_attempts,
    unknowns_like,
)
from service.store.clinics import sender_address
from service.store.lanes import lower_next_due
from service.store.reminders import record_decisions
from service.store.session import Database
from service.types import AttemptState, Found, IfUnknown, Json, Medium, ReminderState

log = logs.get(__name__)

BATCH = 100
_CLOCK_LEEWAY = timedelta(minutes=5)
"""Providers' clocks and ours may differ by so much."""


@dataclass(frozen=True, slots=True)
class RescueRules:
    look_up_after: timedelta
    """From an attempt's start to the first look-up: records lag."""
    look_up_again: timedelta = timedelta(minutes=10)
    deadline: timedelta = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of an unknown attempt, and why."""

    attempt: AttemptState
    reminder: ReminderState
    code: str
    evidence: Json
    provider_id: str | None = None


class Rescue:
    """One worker's rescue passes; safe to run in several workers at once."""

    def __init__(self, database: Database, channels: Mapping[Medium, Channel], rules: RescueRules) -> None:
        self._database = database
        self._channels = channels
        self._rules = rules

    async def run(self) -> bool:
        """One pass over everything; returns whether a reminder was scheduled again."""
        for step in (self._find_overdue, self._expire):
            while await self._database.transact(step):
                pass
        return await self._look_up_unknowns()

    async def _find_overdue(self, connection: AsyncConnection) -> bool:
        """Returns whether there may be more."""
        now = await self._database.now(connection)
        rows = await overdue_attempts(connection, now, BATCH)
        for row in rows:
            look_up_at = max(now, row.created_at + self._rules.look_up_after)
            await queries.mark_unknown(connection, row, look_up_at=look_up_at, now=now)
            await record_decisions(
                connection, [_line(row, row.reminder, "outcome-unknown", now, {"code": "lease-ran-out"})]
            )
            log.warning("attempt unknown", attempt=str(row.id), code="lease-ran-out")
        return len(rows) == BATCH

    async def _expire(self, connection: AsyncConnection) -> bool:
        """Returns whether there may be more."""
        now = await self._database.now(connection)
        expired = await queries.expire_scheduled(connection, now, BATCH)
        stuck = await queries.hold_stuck(connection, now, BATCH)
        await stay_sent(connection, [(row.clinic, row.id) for row in expired])
        lines = [_line(row, row.id, row.reason, now, {"state": row.state}) for row in (*expired, *stuck)]
        await record_decisions(connection, lines)
        return BATCH in {len(expired), len(stuck)}

    async def _look_up_unknowns(self) -> bool:
        rows = await self._database.transact(self._take_unknowns)
        resent = False
        for row in rows:
            found = await self._ask(row)
            resent |= await self._database.transact(partial(self._resolve, row=row, found=found))
        return resent

    async def _take_unknowns(self, connection: AsyncConnection) -> list[Any]:
        """Take unknown attempts for this pass; should we die while asking, another pass takes them later."""
        now = await self._database.now(connection)
        rows = list(await unknown_attempts(connection, now, BATCH))
        await postpone_look_up(connection, [(row.clinic, row.id) for row in rows], now + self._rules.look_up_again)
        return rows

    async def _ask(self, row: Any) -> list[Found] | None:
        """What the provider's records show; None where they cannot be asked, now or ever."""
        channel = self._channels.get(Medium(row.medium))
        sender = await self._database.transact(
            lambda connection: queries.sender_row(connection, row.clinic, row.sender)
        )
        if channel is None or sender is None:
            return None
        query = LookUp(
            to=row.recipient,
            sender=sender_address(sender),
            since=row.created_at - _CLOCK_LEEWAY,
            until=row.created_at + self._rules.deadline + _CLOCK_LEEWAY,
        )
        try:
            return await channel.look_up(query)
        except Unavailable as error:
            log.warning("look up failed", attempt=str(row.id), code=error.code)
        except Exception as error:  # what cannot be asked stops only itself
            log.error("look up crashed", attempt=str(row.id), channel=channel.name, exc_info=error)
        return None

    async def _resolve(self, connection: AsyncConnection, *, row: Any, found: list[Found] | None) -> bool:
        """Decide on what was found, unless a callback has told in the meantime. True where it is to be sent again."""
        if found is None:  # the expiry pass hands it to a person in the end
            return False
        now = await self._database.now(connection)
        held = await held_ids(connection, [one.provider_id for one in found])
        free = [one for one in found if one.provider_id not in held]
        alike = await unknowns_like(connection, row, apart=self._rules.deadline + 2 * _CLOCK_LEEWAY)
        resent = await queries.resends_of(connection, row.clinic, row.reminder)
        resolution = resolve(row, free, alike=alike, resent=resent, now=now)
        if not await queries.resolve_attempt(connection, row, resolution.attempt, resolution.provider_id,
                                             resolution.evidence, now):  # fmt: skip
            return False
        await queries.settle_unknown(connection, row, resolution.reminder, resolution.code, now)
        detail = {"attempt": str(row.id), **resolution.evidence}
        await record_decisions(connection, [_line(row, row.reminder, resolution.code, now, detail)])
        log.info("attempt resolved", attempt=str(row.id), code=resolution.code)
        again = resolution.reminder is ReminderState.SCHEDULED
        if again and row.reminder_sender:
            await lower_next_due(connection, {(row.clinic, row.reminder_sender): now})
        return again


def resolve(row: Any, free: list[Found], *, alike: int, resent: int, now: datetime) -> Resolution:
    """Decide about an unknown attempt, pure.

    `free` are the provider's messages that fit and that no attempt of ours holds; `alike` is how many unknown attempts
    they could belong to, this one included; `resent` how often absence has led to a further send of this reminder.
    """
    evidence = {"asked_at": now.isoformat(), "candidates": [one.provider_id for one in free], "unknowns": alike}
    if len(free) == 1 and alike == 1:
        one = free[0]
        return Resolution(one.state, _reminder_for(one.state), "found-at-provider", evidence, one.provider_id)
    if free:
        return Resolution(AttemptState.UNKNOWN, ReminderState.NEEDS_REVIEW, "ambiguous-at-provider", evidence)
    if row.reminder_if_unknown == IfUnknown.HOLD:
        return Resolution(AttemptState.ABSENT, ReminderState.NEEDS_REVIEW, "absent-at-provider-held", evidence)
    if resent:
        return Resolution(AttemptState.ABSENT, ReminderState.NEEDS_REVIEW, "absent-at-provider-again", evidence)
    if now >= row.reminder_expires_at:
        return Resolution(AttemptState.ABSENT, ReminderState.EXPIRED, "absent-at-provider-expired", evidence)
    return Resolution(AttemptState.ABSENT, ReminderState.SCHEDULED, "absent-at-provider-resent", evidence)


_REMINDER_FOR: Mapping[AttemptState, ReminderState] = {
    AttemptState.DELIVERED: ReminderState.DELIVERED,
    AttemptState.UNDELIVERED: ReminderState.UNDELIVERED,
    AttemptState.FAILED: ReminderState.FAILED,
}


def _reminder_for(state: AttemptState) -> ReminderState:
    return _REMINDER_FOR.get(state, ReminderState.SENT)


def _line(row: Any, reminder: Any, code: str, now: datetime, detail: Json) -> Json:
    return {"clinic": row.clinic, "id": uuid7(), "reminder": reminder, "at": now, "code": code, "by": "worker",
            "detail": detail}  # fmt: skip
