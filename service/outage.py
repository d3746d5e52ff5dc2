"""After an outage: what a provider sent for us is compared with what we know, before anything more is sent.

A gap in the workers' heartbeats of more than an hour means that nobody was sending, or that the database is a restored
backup that does not know what was sent since. A worker that finds its own heartbeat gone or older than it wrote it
knows the latter at once, however fresh the backup is. Then every sender whose provider keeps records pauses
(`checking-records`), its provider's list since the gap began is read, and

1. if each message in it is an attempt of ours, the sender goes on by itself;
2. if one is not, the sender stays paused (`unknown-messages`), staff are told once, and a person lets it go on;
3. while the list cannot be read, it waits, and staff are told after a while.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.alerts.record import alert
from service.channels.base import Channel, KeepsRecords
from service.errors import Unavailable
from service.store import outage as queries
from service.store.clinics import sender_address
from service.store.session import Database
from service.store.troubles import open_lane
from service.types import Found, Medium

log = logs.get(__name__)

CHECKING = "checking-records"
UNKNOWN_MESSAGES = "unknown-messages"

_BATCH = 20
_LEEWAY = timedelta(minutes=5)
"""Providers' clocks and ours may differ by so much, and a send takes its time."""
_PATIENCE = timedelta(minutes=15)
"""A list that cannot be read for so long is news."""


@dataclass(frozen=True, slots=True)
class OutageRules:
    gap: timedelta = timedelta(hours=1)
    """Without a heartbeat for longer than this, records are compared."""


class Outage:
    """One worker's look-out for gaps, and its comparisons; safe to run in several workers at once."""

    def __init__(
        self, database: Database, channels: Mapping[Medium, Channel], rules: OutageRules | None = None
    ) -> None:
        self._database = database
        self._channels = {medium: each for medium, each in channels.items() if isinstance(each, KeepsRecords)}
        self._rules = rules or OutageRules()
        self._own_beat: datetime | None = None

    async def look_out(self, connection: AsyncConnection, worker: UUID, now: datetime) -> None:
        """Right before a heartbeat, in its transaction: pause what must be compared first."""
        newest = await queries.newest_beat(connection)
        since = newest if newest is not None and await self._has_gap(connection, worker, newest, now) else None
        if since is not None and self._channels:
            media = [medium.value for medium in self._channels]
            paused = await queries.have_checked(connection, media, since - _LEEWAY, CHECKING, now)
            log.warning("heartbeat gap", seconds=round((now - since).total_seconds()), senders=paused)

    def has_beaten(self, now: datetime) -> None:
        """The heartbeat is committed."""
        self._own_beat = now

    async def _has_gap(self, connection: AsyncConnection, worker: UUID, newest: datetime, now: datetime) -> bool:
        if now - newest > self._rules.gap:
            return True
        if self._own_beat is None:
            return False
        own = await queries.beat_of(connection, worker)
        return own is None or own < self._own_beat  # this is not the database that we wrote to

    async def run(self) -> bool:
        """Compare what waits for it; whether the records of any sender agree, which may then go on."""
        if not self._channels:
            return False
        media = [medium.value for medium in self._channels]
        agree = False
        for sender in await self._database.transact(lambda c: queries.unchecked(c, media, _BATCH)):
            agree |= await self._compare(sender)
        return agree

    async def _compare(self, sender: Any) -> bool:
        try:
            strangers = await self._strangers(sender)
        except Unavailable as error:
            log.warning("records unread", clinic=sender.clinic, sender=sender.id, code=error.code)
            await self._database.transact(lambda connection: self._tell_of_delay(connection, sender))
            return False
        agree = await self._database.transact(lambda connection: self._conclude(connection, sender, strangers))
        if agree:
            log.info("records agree", clinic=sender.clinic, sender=sender.id)
        elif agree is False:
            log.error("sender paused", clinic=sender.clinic, sender=sender.id, code=UNKNOWN_MESSAGES)
        return bool(agree)

    async def _strangers(self, sender: Any) -> list[Found]:
        channel, lane = self._channels[Medium(sender.medium)], (sender.clinic, sender.id)
        strangers: list[Found] = []
        async for messages in channel.sent_since(sender_address(sender), sender.check_since):
            if messages:
                async with self._database.read() as connection:
                    strangers += await queries.foreign(connection, lane, messages, _LEEWAY)
        return strangers

    async def _conclude(self, connection: AsyncConnection, sender: Any, strangers: list[Found]) -> bool | None:
        """Whether the records agree; None: another worker was faster."""
        lane, now = (sender.clinic, sender.id), await self._database.now(connection)
        if not await queries.end_check(connection, lane, sender.check_since):
            return None
        if not strangers:
            await open_lane(connection, lane, now, reason=CHECKING)
            return True
        await queries.hold_sender(connection, lane, UNKNOWN_MESSAGES, now)
        detail = {"messages": len(strangers), "since": sender.check_since.isoformat()}
        await alert(connection, sender.clinic, UNKNOWN_MESSAGES, sender.id, detail, now)
        return False

    async def _tell_of_delay(self, connection: AsyncConnection, sender: Any) -> None:
        now = await self._database.now(connection)
        if sender.paused_at is not None and now - sender.paused_at > _PATIENCE:
            await alert(connection, sender.clinic, "records-unreadable", sender.id, {"medium": sender.medium}, now)
