"""Rescue: what a stopped process or a lost answer left behind is found, asked about, and decided.

1. A lease that ran out in `sending` makes the attempt unknown; nothing falls due again by itself.
2. An unknown attempt is looked up in the provider's records from 20 minutes after its start: one message that no other
   attempt holds, for one unknown attempt, is it; none is absence; anything else proves nothing and is held. A provider
   without records shows absence by silence: no report about this message for an hour, while others' reports come.
3. Absence leads to the step's policy: send once more, or hold for a person.
4. By its expiry no reminder is scheduled or sending: it is expired, or waits for a person.

Every decision keeps the evidence it was made on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import logs
from service.channels.base import Channel, LookUp
from service.errors import Unavailable
from service.receipts import Evidence, EvidenceRules, Report, announce, receipt_of
from service.store import receipts as reports
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
from service.types import AttemptState, Found, IfUnknown, Json, Medium, Receipt, ReminderState

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
    silence: timedelta = timedelta(minutes=60)
    """Without a report about it for so long, while others' come, a message of a provider without records is absent."""
    evidence: EvidenceRules = field(default_factory=EvidenceRules)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of an unknown attempt, and why."""

    code: str
    evidence: Json
    found: Found | None = None
    """The message that it turned out to be."""
    attempt: AttemptState = AttemptState.UNKNOWN
    reminder: ReminderState = ReminderState.NEEDS_REVIEW


class NotAsked(Enum):
    """Why a provider's records tell nothing of an unknown attempt."""

    FAILED = "failed"
    """They could not be read this time."""
    NONE_KEPT = "none-kept"
    """This provider keeps none that can be asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a provider's records told."""

    at: datetime
    """Before the question was put: what was accepted after it, the answer could not show."""
    found: list[Found] | NotAsked


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
            asked = await self._ask(row)
            resent |= await self._database.transact(partial(self._resolve, row=row, asked=asked))
        return resent

    async def _take_unknowns(self, connection: AsyncConnection) -> list[Any]:
        """Take unknown attempts for this pass; should we die while asking, another pass takes them later."""
        now = await self._database.now(connection)
        rows = list(await unknown_attempts(connection, now, BATCH))
        await postpone_look_up(connection, [(row.clinic, row.id) for row in rows], now + self._rules.look_up_again)
        return rows

    async def _ask(self, row: Any) -> Asked:
        at, sender = await self._database.transact(partial(self._sender, row=row))
        channel = self._channels.get(Medium(row.medium))
        if channel is None or sender is None or not row.recipient:  # an erased client has no address
            return Asked(at, NotAsked.FAILED)
        query = LookUp(
            to=row.recipient,
            sender=sender_address(sender),
            since=row.created_at - _CLOCK_LEEWAY,
            until=row.created_at + self._rules.deadline + _CLOCK_LEEWAY,
        )
        return Asked(at, await self._look_up(channel, query, row))

    async def _sender(self, connection: AsyncConnection, *, row: Any) -> tuple[datetime, Any]:
        return await self._database.now(connection), await queries.sender_row(connection, row.clinic, row.sender)

    async def _look_up(self, channel: Channel, query: LookUp, row: Any) -> list[Found] | NotAsked:
        try:
            found = await channel.look_up(query)
        except Unavailable as error:
            log.warning("look up failed", attempt=str(row.id), code=error.code)
        except Exception as error:  # what cannot be asked stops only itself
            log.error("look up crashed", attempt=str(row.id), channel=channel.name, exc_info=error)
        else:
            return found if found is not None else NotAsked.NONE_KEPT
        return NotAsked.FAILED

    async def _resolve(self, connection: AsyncConnection, *, row: Any, asked: Asked) -> bool:
        """Decide on what was found, unless a callback has told in the meantime. True where it is to be sent again."""
        now = await self._database.now(connection)
        attempt = await reports.lock_attempt(connection, row.clinic, row.id)
        if attempt is None or attempt.state != AttemptState.UNKNOWN.value:
            return False
        resolution = await self._judge(connection, row, asked, now)
        if resolution is None:  # the expiry pass hands it to a person in the end
            return False
        log.info("attempt resolved", attempt=str(row.id), code=resolution.code)
        if resolution.found is not None:
            await self._write_down(connection, row, resolution, now)
            return await self._accept(connection, attempt, resolution, now)
        await queries.resolve_attempt(connection, row, resolution.attempt, resolution.evidence, now)
        evidence = Evidence(connection, self._rules.evidence)
        absent = Report(attempt, Receipt("", AttemptState.ABSENT, None), now)
        if resolution.attempt is AttemptState.ABSENT and await evidence.went_before(absent):
            await announce(connection, evidence)
            return bool(evidence.due)
        await self._write_down(connection, row, resolution, now)
        await queries.settle_unknown(connection, row, resolution.reminder, resolution.code, now)
        again = resolution.reminder is ReminderState.SCHEDULED
        if again and row.reminder_sender:
            await lower_next_due(connection, {(row.clinic, row.reminder_sender): now})
        return again

    async def _write_down(self, connection: AsyncConnection, row: Any, resolution: Resolution, now: datetime) -> None:
        detail = {"attempt": str(row.id), **resolution.evidence}
        await record_decisions(connection, [_line(row, row.reminder, resolution.code, now, detail)])

    async def _judge(self, connection: AsyncConnection, row: Any, asked: Asked, now: datetime) -> Resolution | None:
        """None: nothing can be said yet."""
        resent = await queries.resends_of(connection, row.clinic, row.reminder)
        if asked.found is NotAsked.NONE_KEPT:
            heard = await reports.heard_at(connection, row.clinic, row.sender)
            return resolve_by_silence(row, heard, resent=resent, after=self._rules.silence, now=now)
        if asked.found is NotAsked.FAILED:
            return None
        held = await held_ids(connection, [one.provider_id for one in asked.found])
        free = [one for one in asked.found if one.provider_id not in held]
        alike = await unknowns_like(connection, row, apart=self._rules.deadline + 2 * _CLOCK_LEEWAY)
        return resolve(row, free, alike=alike, resent=resent, asked_at=asked.at, now=now)

    async def _accept(self, connection: AsyncConnection, attempt: Any, resolution: Resolution, now: datetime) -> bool:
        """What was found is evidence like any report. True where it did not arrive and is to be sent again."""
        assert resolution.found is not None  # noqa: S101 - the caller has looked
        await queries.keep_evidence(connection, attempt, resolution.evidence)
        evidence = Evidence(connection, self._rules.evidence)
        await evidence.apply(Report(attempt, receipt_of(resolution.found), now))
        await announce(connection, evidence)
        return bool(evidence.due)


def resolve(row: Any, free: list[Found], *, alike: int, resent: int, asked_at: datetime, now: datetime) -> Resolution:
    """Decide about an unknown attempt, pure.

    `free` are the provider's messages that fit and that no attempt of ours holds; `alike` is how many unknown attempts
    they could belong to, this one included; `resent` how often absence has led to a further send of this reminder.
    """
    evidence = {"asked_at": asked_at.isoformat(), "candidates": [one.provider_id for one in free], "unknowns": alike}
    if len(free) == 1 and alike == 1:
        return Resolution("found-at-provider", evidence, found=free[0])
    if free:
        return Resolution("ambiguous-at-provider", evidence)
    return _absent(row, evidence, resent=resent, now=now)


def resolve_by_silence(
    row: Any, heard_at: datetime | None, *, resent: int, after: timedelta, now: datetime
) -> Resolution | None:
    """Decide about an unknown attempt of a provider without records, pure; None: nothing can be said.

    `heard_at` is when a report about any message of this sender last came. Had this one gone, its own would have.
    """
    if heard_at is None or heard_at <= row.created_at or now < row.created_at + after:
        return None
    evidence = {"silent_until": now.isoformat(), "heard_at": heard_at.isoformat()}
    return _absent(row, evidence, resent=resent, now=now)


def _absent(row: Any, evidence: Json, *, resent: int, now: datetime) -> Resolution:
    """The message is surely not there: send it once more, if its step says so and there is time."""
    absent = partial(Resolution, evidence=evidence, attempt=AttemptState.ABSENT)
    if row.reminder_called_off:
        return absent(row.reminder_called_off, reminder=ReminderState.CANCELLED)
    if row.reminder_if_unknown == IfUnknown.HOLD:
        return absent("absent-at-provider-held")
    if resent:
        return absent("absent-at-provider-again")
    if now >= row.reminder_expires_at:
        return absent("absent-at-provider-expired", reminder=ReminderState.EXPIRED)
    return absent("absent-at-provider-resent", reminder=ReminderState.SCHEDULED)


def _line(row: Any, reminder: Any, code: str, now: datetime, detail: Json) -> Json:
    return {"clinic": row.clinic, "id": uuid7(), "reminder": reminder, "at": now, "code": code, "by": "worker",
            "detail": detail}  # fmt: skip
