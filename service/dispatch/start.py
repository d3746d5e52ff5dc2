"""The start: two short transactions that decide about due reminders and write the intents of those to send.

1. Share the free slots among the open lanes that have something due, the one that waited longest first; take from each
   the tokens for its turn, commit.
2. Lock each lane's due reminders, as many as its turn allows. The next start may begin now: it finds others.
3. Hold the recipients, then read the consents: after a STOP has committed there is no new intent.
4. Judge and render each. What is not sent is settled here and now; what its sender's day has no room for stays due.
5. Meanwhile write the attempts of those before, and mark their reminders `sending` with a lease and a new fence.
6. End the turns, commit.

Nothing is sent inside: a crash before the commit leaves nothing, a crash after it leaves intents to be looked up.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service import clock, logs
from service.dispatch.batch import Batch, Started
from service.dispatch.behind import write_behind
from service.dispatch.clients import Clients, InHand
from service.dispatch.intent import Lease, StatusCallback
from service.dispatch.judge import Defer, Expire, Reroute, Send, Skip, Verdict, unless_capped, verdict_on
from service.dispatch.known import Known, learn
from service.dispatch.lanes import Turn, fewer
from service.dispatch.shared import as_addressed
from service.dispatch.turns import LANES_A_START, Overtaken, begin_turns, end_turns
from service.pumping import NumberCap
from service.store.clinics import House
from service.store.due import lock_due
from service.store.lanes import next_wake_up
from service.store.session import Database, is_passing
from service.store.templates import HELD, UNCONFIRMED
from service.types import Cap, ReminderState
from service.words import Unwritable, Words

log = logs.get(__name__)

Save: TypeAlias = Callable[[Batch, AsyncConnection], Coroutine[Any, Any, None]]

_ANY_NUMBER = NumberCap(1_000_000)
_UNCAPPED: Mapping[str, Cap] = MappingProxyType({})
_A_FEW = 20
"""Fewer than are written at once: they are written one by one, when all of them have been decided."""
_WRITTEN_AT_ONCE = 100
"""Reminders."""
_IN_ONE_GO = 25
"""Reminders decided about before answers to what is in flight, and the write behind, have their turn."""


def nobody() -> None:
    """Told where nobody asks."""


class Starter:
    """Makes starts for one worker."""

    def __init__(
        self,
        database: Database,
        words: Words,
        lease: Lease,
        callback: StatusCallback,
        caps: Mapping[str, Cap] = _UNCAPPED,
        number_cap: NumberCap = _ANY_NUMBER,
        texts_a_day: int | None = None,
    ) -> None:
        """`caps` by purpose: how often a client hears from a clinic at most; `number_cap`: how often a number does.
        `texts_a_day`: segments that a sender without a daily cap of its own sends; None: as many as come."""
        self._database = database
        self._words = words
        self._lease = lease
        self._callback = callback
        self._caps = caps
        self._number_cap = number_cap
        self._texts_a_day = texts_a_day
        self._in_hand = InHand()
        self._kept: set[tuple[str, str]] = set()

    async def start(self, slots: int, on_more: Callable[[], None] = nobody) -> Started:
        """Start at most `slots` sends. Their intents are committed when this returns.

        Calls `on_more` where more may be due than it takes, as soon as the next start can begin beside it.

        Where the database refuses what a start would write, one of its reminders is at fault: a few are then written
        one by one, and those that cannot be wait for a person.
        """
        taken = await self._database.transact(partial(self._take, slots=slots))
        if not taken.turns:
            return Started(wake_up=taken.wake_up, now=taken.now)
        if len(taken.turns) == LANES_A_START:
            on_more()
        with self._in_hand.more() as clients:
            start = partial(self._start, taken=taken, clients=clients, on_more=on_more)
            try:
                batch = await self._all_or_a_few(start, slots)
            except Overtaken:
                return Started(wake_up=taken.now, now=taken.now)
        self._kept |= batch.new_wordings.keys()
        return batch.started

    async def _all_or_a_few(self, start: Callable[..., Coroutine[Any, Any, Batch]], slots: int) -> Batch:
        try:
            return await self._database.transact(partial(start, most=slots, save=Batch.save))
        except DBAPIError as error:
            if is_passing(error):
                raise
            log.error("start refused", exc_info=error)
        return await self._database.transact(partial(start, most=min(slots, _A_FEW), save=Batch.save_singly))

    async def _take(self, connection: AsyncConnection, *, slots: int) -> "_Taken":
        now = await self._database.now(connection)
        turns = await begin_turns(connection, now, slots, self._texts_a_day)
        return _Taken(now, turns, None if turns else await next_wake_up(connection, now))

    async def _start(
        self,
        connection: AsyncConnection,
        *,
        taken: "_Taken",
        most: int,
        save: Save,
        clients: Clients,
        on_more: Callable[[], None] = nobody,
    ) -> Batch:
        now = await self._database.now(connection)  # anew: the database may have been away since the turns began
        batch = Batch(now, self._lease, started_at=clock.monotonic())
        turns = fewer(taken.turns, most)
        batch.days = {turn.key: turn.day for turn in turns}
        due = await lock_due(connection, {turn.key: turn.quota for turn in turns}, now)
        if len(due) == most:
            on_more()
        await self._decide(connection, batch, clients.take(due), save)
        picked = Counter((row.clinic, row.sender) for row in due)
        await end_turns(connection, turns, picked=picked, started=batch.spent, scheduled=batch.due)
        if batch.is_empty:
            batch.started.wake_up = await next_wake_up(connection, now)
        return batch

    async def _decide(self, connection: AsyncConnection, batch: Batch, due: Sequence[Any], save: Save) -> None:
        """Decide about each; what was decided is written while the next are being decided."""
        known = await learn(connection, due, batch.now, words=self._words, caps=self._caps, number_cap=self._number_cap)
        async with write_behind() as behind:
            for place, row in enumerate(due, 1):
                self._decide_one(batch, row, known)
                if not place % _WRITTEN_AT_ONCE:
                    await behind.begin(save(batch, connection))
                if not place % _IN_ONE_GO:
                    await asyncio.sleep(0)
            await behind.begin(save(batch, connection))

    def _decide_one(self, batch: Batch, row: Any, known: Known) -> None:
        if _called_off(batch, row):
            return
        try:
            house = known.clinics[row.clinic]
            verdict = verdict_on(row, house, known.recipients, known.consents, batch.now)
            verdict = unless_capped(verdict, row, known.counts, batch.now)
            self._carry_out(batch, as_addressed(row, known.recipients), house, verdict)
        except Exception as error:  # a row or clinic that nothing can be made of stops only itself
            log.error("reminder undecidable", reminder=str(row.id), exc_info=error)
            batch.move(row, ReminderState.NEEDS_REVIEW, "internal-error")

    def _carry_out(self, batch: Batch, row: Any, house: House, verdict: Verdict) -> None:
        match verdict:
            case Send() if self._words.held(row, house):  # until a person releases it, which makes it due again
                batch.move(row, ReminderState.SCHEDULED, HELD, due_at=row.expires_at)
            case Send(address):
                self._intend(batch, row, house, address)
            case Defer(until, reason):
                batch.move(row, ReminderState.SCHEDULED, reason, due_at=until)
            case Reroute(medium, reason):
                batch.move(row, ReminderState.SCHEDULED, reason, medium=medium, sender=house.senders.get(medium))
            case Skip(reason):
                batch.move(row, ReminderState.SKIPPED, reason)
            case Expire(reason):
                batch.move(row, ReminderState.EXPIRED, HELD if self._words.held(row, house) else reason)

    def _intend(self, batch: Batch, row: Any, house: House, address: str) -> None:
        """Write the message; words that cannot be written stop this reminder alone, and wait for a person."""
        try:
            written = self._words.write(row, house)
        except Unwritable as error:
            log.warning("reminder unwritable", reminder=str(row.id), code=error.code)
            batch.move(row, ReminderState.NEEDS_REVIEW, error.code)
            return
        if not batch.days[row.clinic, row.sender].take(written.segments or 1):
            return
        if (row.clinic, written.version) not in self._kept:
            batch.reword(row.clinic, written)
        kept_for = "" if self._words.confirmed(written, house) else UNCONFIRMED
        batch.intend(row, house, address, written, self._callback, kept_for)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The turns that a start has begun, and when."""

    now: datetime
    turns: Sequence[Turn]
    wake_up: datetime | None = None
    """When to look again, where no lane has a turn."""


def _called_off(batch: Batch, row: Any) -> bool:
    """What a newer session, a correction or a void has said while an earlier try was under way, is heeded now."""
    if row.called_off:
        batch.move(row, ReminderState.CANCELLED, row.called_off)
        return True
    if row.fence and row.by == "worker" and row.intended_at > batch.now:
        batch.move(row, ReminderState.SCHEDULED, "replanned", due_at=row.intended_at)
        return True
    return False
