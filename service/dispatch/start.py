"""The start: one short transaction that decides about due reminders and writes the intents of those to send.

1. Lock the open lanes that have something due, the one that waited longest first; share the free slots among them.
2. Lock each lane's due reminders, as many as its slots and tokens allow.
3. Hold the recipients, then read the consents: after a STOP has committed there is no new intent.
4. Judge and render each. What is not sent is settled here and now.
5. Write the attempts, mark the reminders `sending` with a lease and a new fence, give the lanes back, commit.

Nothing is sent inside: a crash before the commit leaves nothing, a crash after it leaves intents to be looked up.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import clock, logs
from service.dispatch.judge import Defer, Expire, Reroute, Send, Skip, Verdict, address_of, verdict_on
from service.dispatch.lanes import Turn, after, turns
from service.store.attempts import keep_wordings, move_reminders, write_intents
from service.store.clinics import House, houses
from service.store.due import consents_of, hold_addresses, lock_due, next_due
from service.store.lanes import Lane, lock_open_lanes, lower_next_due, next_wake_up, save_turns
from service.store.reminders import record_decisions
from service.store.session import Database
from service.types import AttemptState, Json, Medium, Outgoing, ReminderState, SenderAddress
from service.words import Unwritable, Words, Written

log = logs.get(__name__)

LANES_A_START = 16
"""More lanes than this wait for the next start, so that no transaction grows long."""

StatusCallback: TypeAlias = Callable[[Medium, str], str | None]
"""Where a provider should report on the attempt with this token; None where it can not reach us."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A send that is committed to: what to send, and what settling it will need."""

    clinic: str
    reminder: UUID
    fence: int
    tries: int
    media: str
    medium: Medium
    send_mode: str
    expires_at: datetime
    due_at: datetime
    started_at: datetime
    outgoing: Outgoing


@dataclass(slots=True)
class Started:
    """What one start did: intents to send now, how many reminders were settled without, and when to look again."""

    intents: list[Intent] = field(default_factory=list)
    settled: int = 0
    wake_up: datetime | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Deadline < lease < first look-up: an intent is never looked for while it may still be sent."""

    deadline: timedelta
    lease: timedelta


class Starter:
    """Makes starts for one worker."""

    def __init__(self, database: Database, words: Words, lease: Lease, callback: StatusCallback) -> None:
        self._database = database
        self._words = words
        self._lease = lease
        self._callback = callback
        self._kept: set[tuple[str, str]] = set()

    async def start(self, slots: int) -> Started:
        """Start at most `slots` sends. Their intents are committed when this returns."""
        batch = await self._database.transact(lambda connection: self._start(connection, slots))
        self._kept |= batch.new_wordings.keys()
        return batch.started

    async def _start(self, connection: AsyncConnection, slots: int) -> "_Batch":
        now = await self._database.now(connection)
        batch = _Batch(now, self._lease, started_at=clock.monotonic())
        lanes = await lock_open_lanes(connection, now, LANES_A_START)
        if lanes:
            allotted = turns(lanes, slots, now)
            due = [row for turn in allotted if turn.quota for row in await lock_due(
                connection, (turn.lane.clinic, turn.lane.id), now, turn.quota)]  # fmt: skip
            await self._decide(connection, batch, due)
            await batch.save(connection)
            await self._give_back(connection, batch, allotted)
        batch.started.wake_up = await next_wake_up(connection, now)
        return batch

    async def _decide(self, connection: AsyncConnection, batch: "_Batch", due: Sequence[Any]) -> None:
        clinics = await houses(connection, {row.clinic for row in due})
        recipients = await hold_addresses(connection, [held for row in due if (held := address_of(row))])
        consents = await consents_of(connection, {(row.clinic, row.client) for row in due})
        for row in due:
            house = clinics[row.clinic]
            self._carry_out(batch, row, house, verdict_on(row, house, recipients, consents, batch.now))

    def _carry_out(self, batch: "_Batch", row: Any, house: House, verdict: Verdict) -> None:
        match verdict:
            case Send(address):
                self._intend(batch, row, house, address)
            case Defer(until, reason):
                batch.move(row, ReminderState.SCHEDULED, reason, due_at=until)
            case Reroute(medium, reason):
                batch.move(row, ReminderState.SCHEDULED, reason, medium=medium, sender=house.senders.get(medium))
            case Skip(reason):
                batch.move(row, ReminderState.SKIPPED, reason)
            case Expire(reason):
                batch.move(row, ReminderState.EXPIRED, reason)

    def _intend(self, batch: "_Batch", row: Any, house: House, address: str) -> None:
        """Write the message; words that cannot be written stop this reminder alone, and wait for a person."""
        try:
            written = self._words.write(row, house)
        except Unwritable as error:
            log.warning("reminder unwritable", reminder=str(row.id), code=error.code)
            batch.move(row, ReminderState.NEEDS_REVIEW, error.code)
            return
        if (row.clinic, written.version) not in self._kept:
            batch.new_wordings[row.clinic, written.version] = written.wording_row(row.clinic, batch.now)
        sender = house.senders[Medium(row.medium)]
        batch.intend(row, sender, address, written, self._callback)

    async def _give_back(self, connection: AsyncConnection, batch: "_Batch", allotted: Sequence[Turn]) -> None:
        rows = []
        for turn in allotted:
            lane = (turn.lane.clinic, turn.lane.id)
            moment = await next_due(connection, lane)
            rows.append(after(turn, batch.spent.get(lane, 0), moment, batch.now))
        await save_turns(connection, rows)
        own = {(turn.lane.clinic, turn.lane.id) for turn in allotted}
        await lower_next_due(connection, {lane: due for lane, due in batch.due.items() if lane not in own})


class _Batch:
    """What one start writes, gathered and saved in a few statements."""

    def __init__(self, now: datetime, lease: Lease, *, started_at: float) -> None:
        self.now = now
        self.started = Started(now=now)
        self.spent: dict[Lane, int] = {}
        self.due: dict[Lane, datetime] = {}
        self.new_wordings: dict[tuple[str, str], Json] = {}
        self._lease_until = now + lease.lease
        self._start_before = started_at + lease.deadline.total_seconds()
        self._attempts: list[Json] = []
        self._starts: list[Json] = []
        self._moves: list[Json] = []
        self._decisions: list[Json] = []

    def intend(self, row: Any, sender: SenderAddress, address: str, written: Written, callback: StatusCallback) -> None:
        attempt, token = uuid7(), secrets.token_urlsafe(16)
        lane = (row.clinic, row.sender)
        self.spent[lane] = self.spent.get(lane, 0) + 1
        self._attempts.append(
            {
                "clinic": row.clinic,
                "id": attempt,
                "reminder": row.id,
                "token": token,
                "fence": row.fence + 1,
                "medium": row.medium,
                "sender": row.sender,
                "recipient": address,
                "wording": written.version,
                "locale": written.locale,
                "pinned": written.pinned,
                "body_hash": written.body_hash,
                "segments": written.segments,
                "state": AttemptState.SENDING.value,
                "failure": "",
                "code": "",
                "created_at": self.now,
                "lease_until": self._lease_until,
            }
        )
        self._starts.append(
            {
                "clinic": row.clinic,
                "id": row.id,
                "fence": row.fence + 1,
                "tries": row.tries + 1,
                "state": ReminderState.SENDING.value,
                "reason": "",
                "by": "worker",
                "lease_until": self._lease_until,
                "updated_at": self.now,
            }
        )
        outgoing = Outgoing(
            attempt=attempt,
            token=token,
            to=address,
            sender=sender,
            message=written.message,
            start_before=self._start_before,
            useful_for=(row.expires_at - self.now).total_seconds(),
            status_callback=callback(Medium(row.medium), token),
        )
        self.started.intents.append(
            Intent(
                clinic=row.clinic,
                reminder=row.id,
                fence=row.fence + 1,
                tries=row.tries + 1,
                media=row.media,
                medium=Medium(row.medium),
                send_mode=row.send_mode,
                expires_at=row.expires_at,
                due_at=row.due_at,
                started_at=self.now,
                outgoing=outgoing,
            )
        )

    def move(
        self,
        row: Any,
        state: ReminderState,
        reason: str,
        *,
        due_at: datetime | None = None,
        medium: Medium | None = None,
        sender: SenderAddress | None = None,
    ) -> None:
        """Settle, defer or reroute a reminder without sending it, with the line that says why."""
        lane_id = row.sender if medium is None else (sender.sender if sender else None)
        self._moves.append(
            {
                "clinic": row.clinic,
                "id": row.id,
                "fence": row.fence,
                "state": state.value,
                "reason": reason,
                "by": "worker",
                "medium": medium.value if medium else row.medium,
                "sender": lane_id,
                "due_at": due_at or row.due_at,
                "lease_until": None,
                "tries": row.tries,
                "updated_at": self.now,
            }
        )
        self._decisions.append(
            {"clinic": row.clinic, "id": uuid7(), "reminder": row.id, "at": self.now, "code": reason, "by": "worker",
             "detail": {"state": state.value, "medium": row.medium}}
        )  # fmt: skip
        if state is ReminderState.SCHEDULED and lane_id is not None:
            lane = (row.clinic, lane_id)
            self.due[lane] = min(due_at or row.due_at, self.due.get(lane, due_at or row.due_at))
        self.started.settled += 1

    async def save(self, connection: AsyncConnection) -> None:
        await keep_wordings(connection, list(self.new_wordings.values()))
        await write_intents(connection, self._attempts, self._starts)
        await move_reminders(connection, self._moves)
        await record_decisions(connection, self._decisions)
