"""The start: one short transaction that decides about due reminders and writes the intents of those to send.

1. Lock the open lanes that have something due, the one that waited longest first; share the free slots among them.
2. Lock each lane's due reminders, as many as its slots and tokens allow.
3. Hold the recipients, then read the consents: after a STOP has committed there is no new intent.
4. Judge and render each. What is not sent is settled here and now; what its sender's day has no room for stays due.
5. Meanwhile write the attempts of those before, and mark their reminders `sending` with a lease and a new fence.
6. Give the lanes back, commit.

Nothing is sent inside: a crash before the commit leaves nothing, a crash after it leaves intents to be looked up.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service import clock, logs
from service.dispatch.batch import Batch, Started
from service.dispatch.behind import write_behind
from service.dispatch.caps import CapBook, Counts
from service.dispatch.intent import Lease, StatusCallback
from service.dispatch.judge import Defer, Expire, Reroute, Send, Skip, Verdict, address_of, unless_capped, verdict_on
from service.dispatch.lanes import Turn, after, turns
from service.dispatch.shared import as_addressed
from service.pumping import NumberCap, Texts
from service.store.clinics import House, houses
from service.store.due import Address, consents_of, hold_addresses, lock_due, sent_between
from service.store.lanes import lock_open_lanes, lower_next_due, next_due, next_wake_up, save_turns
from service.store.numbers import Number, texts_to
from service.store.session import Database, is_passing
from service.store.templates import HELD, UNCONFIRMED
from service.types import Cap, Medium, Quiet, ReminderState
from service.words import Unwritable, Words

log = logs.get(__name__)

Save: TypeAlias = Callable[[Batch, AsyncConnection], Coroutine[Any, Any, None]]

_ANY_NUMBER = NumberCap(1_000_000)
_UNCAPPED: Mapping[str, Cap] = MappingProxyType({})
_A_FEW = 20
"""Fewer than are written at once: they are written one by one, when all of them have been decided."""
LANES_A_START = 50
"""More lanes than this wait for the next start, so that no transaction grows long."""
_WRITTEN_AT_ONCE = 100
"""Reminders."""
_IN_ONE_GO = 25
"""Reminders decided about before answers to what is in flight, and the write behind, have their turn."""
_SERVED_ELSEWHERE = timedelta(milliseconds=20)
"""Lanes that are due but locked are in another worker's hands: asking again without a pause would wear on both."""


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
        self._kept: set[tuple[str, str]] = set()

    async def start(self, slots: int) -> Started:
        """Start at most `slots` sends. Their intents are committed when this returns.

        Where the database refuses what a start would write, one of its reminders is at fault: a few are then written
        one by one, and those that cannot be wait for a person.
        """
        try:
            batch = await self._database.transact(partial(self._start, slots=slots, save=Batch.save))
        except DBAPIError as error:
            if is_passing(error):
                raise
            log.error("start refused", exc_info=error)
            batch = await self._database.transact(
                partial(self._start, slots=min(slots, _A_FEW), save=Batch.save_singly)
            )
        self._kept |= batch.new_wordings.keys()
        return batch.started

    async def _start(self, connection: AsyncConnection, *, slots: int, save: Save) -> Batch:
        now = await self._database.now(connection)
        batch = Batch(now, self._lease, started_at=clock.monotonic())
        lanes = await lock_open_lanes(connection, now, LANES_A_START)
        if lanes:
            allotted = turns(lanes, slots, now, self._texts_a_day)
            batch.days = {turn.key: turn.day for turn in allotted}
            due = await lock_due(connection, {turn.key: turn.quota for turn in allotted}, now)
            await self._decide(connection, batch, due, save)
            await self._give_back(connection, batch, allotted)
        if batch.is_empty:
            batch.started.wake_up = await _wake_up(connection, now, served_elsewhere=not lanes)
        return batch

    async def _decide(self, connection: AsyncConnection, batch: Batch, due: Sequence[Any], save: Save) -> None:
        """Decide about each; what was decided is written while the next are being decided."""
        known = await self._learn(connection, due, batch.now)
        async with write_behind() as behind:
            for place, row in enumerate(due, 1):
                self._decide_one(batch, row, known)
                if not place % _WRITTEN_AT_ONCE:
                    await behind.begin(save(batch, connection))
                if not place % _IN_ONE_GO:
                    await asyncio.sleep(0)
            await behind.begin(save(batch, connection))

    async def _learn(self, connection: AsyncConnection, due: Sequence[Any], now: datetime) -> "_Known":
        """What is to be known about these, as it is now. The recipients are held before the consents are read."""
        clinics = await houses(connection, {row.clinic for row in due})
        await self._words.refresh(connection, clinics.values())
        recipients = await hold_addresses(connection, [held for row in due if (held := address_of(row))], now)
        consents = await consents_of(connection, due)
        caps = CapBook(self._caps, clinics.values())
        return _Known(clinics, recipients, consents, await self._counts(connection, due, caps, recipients, now))

    def _decide_one(self, batch: Batch, row: Any, known: "_Known") -> None:
        if _overtaken(batch, row):
            return
        try:
            house = known.clinics[row.clinic]
            verdict = verdict_on(row, house, known.recipients, known.consents, batch.now)
            verdict = unless_capped(verdict, row, known.counts, batch.now)
            self._carry_out(batch, as_addressed(row, known.recipients), house, verdict)
        except Exception as error:  # a row or clinic that nothing can be made of stops only itself
            log.error("reminder undecidable", reminder=str(row.id), exc_info=error)
            batch.move(row, ReminderState.NEEDS_REVIEW, "internal-error")

    async def _counts(
        self,
        connection: AsyncConnection,
        due: Sequence[Any],
        caps: CapBook,
        recipients: Mapping[Address, Any],
        now: datetime,
    ) -> Counts:
        capped = [(row, cap) for row in due if (cap := caps.cap_of(row))]
        longest = max((cap.within for _, cap in capped), default=timedelta())
        sent = await sent_between(connection, [row for row, _ in capped], now - longest, now)
        always, a_number = _numbers_to_count(due, recipients.values()), self._number_cap
        numbers, texts = await texts_to(connection, always, _texted(due), a_number.veil, now - a_number.within)
        return Counts(caps, sent, Texts(a_number, numbers, texts))

    def _carry_out(self, batch: Batch, row: Any, house: House, verdict: Verdict) -> None:
        match verdict:
            case Send() if self._words.held(row, house):  # until a person releases it, which makes it due again
                batch.move(row, ReminderState.SCHEDULED, HELD, due_at=row.expires_at)
            case Expire() if self._words.held(row, house):
                batch.move(row, ReminderState.EXPIRED, HELD)
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

    async def _give_back(self, connection: AsyncConnection, batch: Batch, allotted: Sequence[Turn]) -> None:
        coming = await next_due(connection, [turn.key for turn in allotted])
        await save_turns(
            connection,
            [after(turn, batch.spent.get(turn.key, 0), coming.get(turn.key), batch.now) for turn in allotted],
        )
        elsewhere = {lane: due for lane, due in batch.due.items() if lane not in coming}
        await lower_next_due(connection, elsewhere)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a start knows about the reminders that it decides about."""

    clinics: Mapping[str, House]
    recipients: Mapping[Address, Any]
    consents: Mapping[tuple[str, str, str, str], bool]
    counts: Counts


async def _wake_up(connection: AsyncConnection, now: datetime, *, served_elsewhere: bool) -> datetime | None:
    """When to look again, where nothing was started."""
    wake_up = await next_wake_up(connection, now)
    return max(wake_up, now + _SERVED_ELSEWHERE) if wake_up is not None and served_elsewhere else wake_up


def _numbers_to_count(due: Iterable[Any], recipients: Iterable[Any]) -> set[Number]:
    """Those that no cap by purpose holds: several clients have them, or what goes there is not counted by purpose.

    Nearly no number is shared, and little may ignore quiet hours, so few starts ask for more.
    """
    shared = {(row.clinic, row.address) for row in recipients if row.shared}
    return shared | _texted(row for row in due if row.quiet == Quiet.IGNORE)


def _texted(due: Iterable[Any]) -> set[Number]:
    """The numbers that get a text, but for what has begun: that was counted then."""
    return {(row.clinic, row.phone) for row in due if row.medium == Medium.SMS and row.phone and not row.fence}


def _overtaken(batch: Batch, row: Any) -> bool:
    """What a newer session, a correction or a void has said while an earlier try was under way, is heeded now."""
    if row.called_off:
        batch.move(row, ReminderState.CANCELLED, row.called_off)
        return True
    if row.fence and row.by == "worker" and row.intended_at > batch.now:
        batch.move(row, ReminderState.SCHEDULED, "replanned", due_at=row.intended_at)
        return True
    return False
