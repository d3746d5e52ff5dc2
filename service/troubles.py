"""Senders that their provider refuses: they pause, staff hear of it once, and they go on by themselves once it works.

Whether it works again is found out by trying: after 5 minutes, then after twice as long each time up to an hour, one
message is let through. While it is refused as before the sender pauses again at once, and its messages stay due.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import logs
from service.alerts.record import alert
from service.receipts.consequences import PAUSES, next_day
from service.receipts.reach import other_channel
from service.store import troubles as queries
from service.store.clinics import houses
from service.store.lanes import Lane, lower_next_due
from service.store.reminders import record_decisions
from service.store.session import Database
from service.types import FailureClass, Json, Medium, Purpose, SendMode

log = logs.get(__name__)

_BATCH = 100
_SURE_AFTER = timedelta(minutes=1)
"""A message that was let through has been refused, if at all, by then."""


@dataclass(frozen=True, slots=True)
class TroubleRules:
    first_probe: timedelta = timedelta(minutes=5)
    longest_gap: timedelta = timedelta(minutes=60)

    def gap(self, probes: int) -> timedelta:
        """How long to wait before the next probe, after so many."""
        return min(self.longest_gap, self.first_probe * (1 << min(probes, 30)))


class Step(Enum):
    """What to do about a sender's trouble now."""

    BEGIN = "begin"
    WAIT_ANEW = "wait-anew"
    """The probe was refused."""
    PROBE = "probe"
    MAKE_SURE = "make-sure"
    """The probe went out; its answer may still be on its way."""
    OVER = "over"


def next_step(row: Any, rules: TroubleRules, now: datetime) -> Step | None:
    """What to do about this sender, pure; `row` is one of `store.troubles`."""
    if row.paused_at is not None:
        if row.paused_reason not in PAUSES:
            return None  # a person, or the whole clinic: not ours to end
        if not row.trouble:
            return Step.BEGIN
        if row.look_at is None or row.look_at < row.paused_at + rules.gap(row.probes):
            return Step.WAIT_ANEW
        return Step.PROBE if row.look_at <= now and row.check_since is None else None
    if row.look_at is not None and row.look_at <= now:
        return Step.OVER
    has_sent = row.trouble_since is None or row.turn_at >= row.trouble_since
    return Step.MAKE_SURE if row.look_at is None and has_sent else None


class Troubles:
    """One worker's passes over refused senders; safe to run in several workers at once."""

    def __init__(self, database: Database, rules: TroubleRules | None = None) -> None:
        self._database = database
        self._rules = rules or TroubleRules()

    async def run(self) -> bool:
        """Returns whether there may be something to send now."""
        return await self._database.transact(self._look_at_all)

    async def _look_at_all(self, connection: AsyncConnection) -> bool:
        now = await self._database.now(connection)
        due: dict[Lane, datetime] = {}
        opened = False
        for row in await queries.troubled(connection, sorted(PAUSES)):
            opened |= await self._step(connection, row, now)
            if row.paused_reason == FailureClass.ACCOUNT_CAP:
                due |= await self._rescue_stranded(connection, row, now)
        await lower_next_due(connection, due)
        return opened or bool(due)

    async def _step(self, connection: AsyncConnection, row: Any, now: datetime) -> bool:
        """Returns whether the sender was let go on."""
        lane = (row.clinic, row.id)
        match next_step(row, self._rules, now):
            case Step.BEGIN:
                look_at = row.paused_at + self._rules.gap(0)
                trouble = {"trouble": row.paused_reason, "trouble_since": row.paused_at, "probes": 0}
                await queries.watch(connection, lane, {**trouble, "look_at": look_at})
                detail = {"code": row.paused_reason, "medium": row.medium}
                await alert(connection, row.clinic, "sender-paused", row.id, detail, now)
            case Step.WAIT_ANEW:
                await queries.watch(connection, lane, {"look_at": row.paused_at + self._rules.gap(row.probes)})
            case Step.PROBE:
                # `trouble_since` moves along: a turn after it shows that the probe has started.
                probe = {"probes": row.probes + 1, "look_at": None, "trouble_since": now}
                await queries.watch(connection, lane, probe)
                log.info("sender probed", clinic=row.clinic, sender=row.id, probes=row.probes + 1)
                return await queries.let_one_through(connection, lane, row.paused_reason, now)
            case Step.MAKE_SURE:
                await queries.watch(connection, lane, {"look_at": now + _SURE_AFTER})
            case Step.OVER:
                await queries.watch(connection, lane, {"trouble": "", "trouble_since": None, "look_at": None})
                log.info("sender resumed", clinic=row.clinic, sender=row.id)
        return False

    async def _rescue_stranded(self, connection: AsyncConnection, row: Any, now: datetime) -> dict[Lane, datetime]:
        """What would expire before a used-up account sends again goes by the other channel, where there is one."""
        lane, due, lines = (row.clinic, row.id), {}, []
        house = (await houses(connection, [row.clinic]))[row.clinic]
        for reminder in await queries.lock_stranded(connection, lane, next_day(now), now, _BATCH):
            purpose, medium = Purpose(reminder.purpose), Medium(reminder.medium)
            if reminder.send_mode == SendMode.ALL:
                continue
            other = await other_channel(connection, house, reminder.client, purpose, reminder.media, medium)
            if other is None:
                continue
            sender = house.senders[other].sender
            await queries.reroute(connection, reminder, other, sender, "other-channel", now)
            lines.append(_line(reminder, row.paused_reason, now))
            due[row.clinic, sender] = now
        await record_decisions(connection, lines)
        return due


def _line(reminder: Any, failure: str, now: datetime) -> Json:
    detail = {"medium": reminder.medium, "failure": failure}
    return {"clinic": reminder.clinic, "id": uuid7(), "reminder": reminder.id, "at": now, "code": "other-channel",
            "by": "worker", "detail": detail}  # fmt: skip
