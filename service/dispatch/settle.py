"""Settling: outcomes are written in small groups, each with what it means for its attempt and its reminder.

Outcomes gather for `every` seconds or until there are `at` of them, and never wait for the slowest send. What is lost
between a send and its settling (a kill, a lost database) is found again by the lease: the attempt becomes unknown.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import logs
from service.dispatch import telemetry
from service.dispatch.intent import Intent
from service.dispatch.settlement import Backoff, Settlement, settle
from service.store.attempts import (
    cancel_unwanted,
    mark_unusable,
    move_reminders,
    record_outcomes,
    stay_sent,
    suppress,
)
from service.store.clinics import House, houses
from service.store.lanes import Lane, lock_lanes, lower_next_due, pause_sender, shut_lane
from service.store.reminders import record_decisions
from service.store.sends import finish
from service.store.session import TROUBLE, Database, is_passing
from service.types import AttemptState, Json, Outcome, ReminderState

log = logs.get(__name__)

_FINISHED = frozenset({ReminderState.SENT, ReminderState.CAPTURED})
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SettleRules:
    """How long outcomes may gather, and what they lead to."""

    every: float
    """Seconds."""
    at: int
    backoff: Backoff
    look_up_after: timedelta


class Settler:
    """Writes outcomes for one worker; `due` is told of reminders that were scheduled again."""

    def __init__(self, database: Database, rules: SettleRules, due: Callable[[datetime], None]) -> None:
        self._database = database
        self._rules = rules
        self._due = due
        self._waiting: list[tuple[Intent, Outcome]] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False

    def add(self, intent: Intent, outcome: Outcome) -> None:
        self._waiting.append((intent, outcome))
        self._arrived.set()
        if len(self._waiting) >= self._rules.at:
            self._full.set()

    def close(self) -> None:
        """Let `run` end once all that arrived is written."""
        self._closing = True
        self._arrived.set()
        self._full.set()

    async def run(self) -> None:
        """Write groups as they gather, until closed. A database that is down is tried again: outcomes are evidence."""
        while not (self._closing and not self._waiting):
            await self._arrived.wait()
            if not self._closing:
                await self._gather()
            self._arrived.clear()
            self._full.clear()
            group, self._waiting = self._waiting[: self._rules.at], self._waiting[self._rules.at :]
            if self._waiting:
                self._arrived.set()
            if group:
                await self._write_until_done(group)

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(self._rules.every):
                await self._full.wait()
        except TimeoutError:
            pass

    async def _write_until_done(self, group: list[tuple[Intent, Outcome]]) -> None:
        while True:
            try:
                await self._write(group)
            except TROUBLE as error:
                log.error("settle failed", exc_info=error, outcomes=len(group))
                if not is_passing(error):  # one of them is at fault, and stops only itself
                    for one in group if len(group) > 1 else ():
                        await self._write_until_done([one])
                    return
                if self._closing:  # the lease will find these again
                    return
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _write(self, group: Sequence[tuple[Intent, Outcome]]) -> None:
        async def work(connection: AsyncConnection) -> dict[Lane, datetime]:
            now = await self._database.now(connection)
            decided = [(intent, self._settle(intent, outcome, now)) for intent, outcome in group]
            return await write_settlements(connection, decided, now)

        due = await self._database.transact(work)
        telemetry.settled(group)
        if due:
            self._due(min(due.values()))

    def _settle(self, intent: Intent, outcome: Outcome, now: datetime) -> Settlement:
        rules = self._rules
        return settle(intent, outcome, now, backoff=rules.backoff, look_up_after=rules.look_up_after)


async def write_settlements(
    connection: AsyncConnection, decided: Sequence[tuple[Intent, Settlement]], now: datetime
) -> dict[Lane, datetime]:
    """Store the evidence on every attempt, then move the reminders that still carry the attempt's fence.

    Returns the lanes on which something was scheduled, with when.
    """
    ordered = sorted(decided, key=lambda pair: (pair[0].clinic, pair[0].reminder))
    clean = [(i, s) for i, s in ordered if s.reminder in _FINISHED and not s.reason]
    await finish(connection, [_finished_row(intent, settlement) for intent, settlement in clean], now)
    other = [(i, s) for i, s in ordered if s.reminder not in _FINISHED or s.reason]
    if not other:
        return {}
    await record_outcomes(connection, [_outcome_row(intent, settlement) for intent, settlement in other], now)
    clinics = await houses(connection, {intent.clinic for intent, _ in other})
    moves = [row for i, s in other if s.reminder is not None and (row := _move_row(i, s, clinics.get(i.clinic), now))]
    await move_reminders(connection, moves)
    cancelled = await cancel_unwanted(connection, _again(moves), now)
    await stay_sent(connection, [(i.clinic, i.reminder) for i, s in other if i.fence > 1 and s.reminder is not None])
    lines = [_decision_row(intent, settlement, now) for intent, settlement in other]
    await record_decisions(connection, [*lines, *(_cancelled_row(row, now) for row in cancelled)])
    due = _scheduled(moves)
    await _follow_up(connection, other, due.keys(), now)
    await lower_next_due(connection, due)
    return due


async def _follow_up(
    connection: AsyncConnection,
    decided: Sequence[tuple[Intent, Settlement]],
    scheduled: Collection[Lane],
    now: datetime,
) -> None:
    """What an outcome says about the recipient or the sender holds whatever became of the reminder."""
    for intent, settlement in decided:
        await _follow_recipient(connection, intent, settlement, now)
    # Lanes last and in one order, those that something was scheduled on among them: or two would wait for each other.
    of_senders = [(i, s) for i, s in decided if s.pauses_sender or s.shuts_sender_until is not None]
    if of_senders:
        await lock_lanes(connection, {(i.clinic, i.outgoing.sender.sender) for i, _ in of_senders} | set(scheduled))
    for intent, settlement in of_senders:
        await _follow_sender(connection, intent, settlement, now)


async def _follow_recipient(connection: AsyncConnection, intent: Intent, settlement: Settlement, now: datetime) -> None:
    to = (intent.clinic, intent.medium.value, intent.outgoing.to)
    if settlement.suppresses:
        await suppress(connection, *to, reason="provider-opt-out", now=now)
    if settlement.marks_address:
        await mark_unusable(connection, *to, reason=settlement.marks_address, now=now)


async def _follow_sender(connection: AsyncConnection, intent: Intent, settlement: Settlement, now: datetime) -> None:
    lane = (intent.clinic, intent.outgoing.sender.sender)
    if settlement.shuts_sender_until is not None:
        await shut_lane(connection, lane, settlement.shuts_sender_until)
    if settlement.pauses_sender and await pause_sender(connection, lane, settlement.failure, now):
        log.error("sender paused", clinic=intent.clinic, sender=lane[1], code=settlement.code)


def _outcome_row(intent: Intent, settlement: Settlement) -> Json:
    return {
        "clinic": intent.clinic,
        "id": intent.outgoing.attempt,
        "state": settlement.attempt,
        "provider_id": settlement.provider_id,
        "failure": settlement.failure,
        "code": settlement.code,
        "look_up_at": settlement.look_up_at,
    }


def _finished_row(intent: Intent, settlement: Settlement) -> Json:
    return {
        "clinic": intent.clinic,
        "attempt": intent.outgoing.attempt,
        "state": settlement.attempt,
        "provider_id": settlement.provider_id,
        "failure": settlement.failure,
        "code": settlement.code,
        "reminder": intent.reminder,
        "fence": intent.fence,
        "reached": settlement.reminder,
    }


def _move_row(intent: Intent, settlement: Settlement, house: House | None, now: datetime) -> Json:
    """The reminder after its outcome: by its other channel, on that channel's lane, or where it was."""
    assert settlement.reminder is not None  # noqa: S101 - filtered by the caller
    sender = intent.outgoing.sender if settlement.medium is None else house and house.senders.get(settlement.medium)
    return {
        "clinic": intent.clinic,
        "id": intent.reminder,
        "fence": intent.fence,
        "state": settlement.reminder.value,
        "reason": settlement.reason,
        "by": "worker",
        "medium": (settlement.medium or intent.medium).value,
        "sender": sender.sender if sender else None,
        "due_at": settlement.due_at or intent.due_at,
        "lease_until": None,
        "tries": intent.tries if settlement.spent else intent.tries - 1,
        "updated_at": now,
    }


def _decision_row(intent: Intent, settlement: Settlement, now: datetime) -> Json:
    unknown = settlement.attempt is AttemptState.UNKNOWN
    return {
        "clinic": intent.clinic,
        "id": uuid7(),
        "reminder": intent.reminder,
        "at": now,
        "code": "outcome-unknown" if unknown else settlement.reason,
        "by": "worker",
        "detail": {"attempt": str(intent.outgoing.attempt), "medium": intent.medium.value, "code": settlement.code,
                   "failure": settlement.failure,
                   **({"until": settlement.due_at.isoformat()} if settlement.due_at and not settlement.medium else {})},
    }  # fmt: skip


def _cancelled_row(row: Any, now: datetime) -> Json:
    return {"clinic": row.clinic, "id": uuid7(), "reminder": row.id, "at": now, "code": row.reason, "by": "plan",
            "detail": {"state": ReminderState.CANCELLED.value}}  # fmt: skip


def _again(moves: Iterable[Json]) -> list[tuple[str, UUID]]:
    return [(row["clinic"], row["id"]) for row in moves if row["state"] == ReminderState.SCHEDULED.value]


def _scheduled(moves: Iterable[Json]) -> dict[Lane, datetime]:
    due: dict[Lane, datetime] = {}
    for row in moves:
        if row["state"] == ReminderState.SCHEDULED.value and row["sender"] is not None:
            lane = (row["clinic"], row["sender"])
            due[lane] = min(row["due_at"], due.get(lane, row["due_at"]))
    return due
