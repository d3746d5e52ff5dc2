"""Sending alerts: by the worker's email channel, from the clinic's own email sender, at any hour.

At least once: an alert is taken for a while, sent, and noted as sent. A worker that dies in between leaves it to the
next; a mail whose outcome is unknown is sent again. What cannot be sent is tried again with a growing pause for as long
as it takes, and shows: in the log, in the count of failures, in the age of the oldest alert.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import clock, logs, metrics
from service.alerts.record import token_of
from service.alerts.words import REPLY, ToldReply, letter_about
from service.channels.base import Channel
from service.store import alerts as queries
from service.store.clinics import House, houses
from service.store.replies import people_with, reply_to_tell
from service.store.session import TROUBLE, Database
from service.types import Accepted, Captured, Email, Medium, Outgoing, SenderAddress

log = logs.get(__name__)

_BATCH: Final = 20
_SOON: Final = 0.1
_DATABASE_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """How alerts are sent. `platform_sender`: the address for clinics that have no email sender; empty: none."""

    deadline: timedelta = timedelta(seconds=15)
    lease: timedelta = timedelta(seconds=60)
    """How long nobody else tries what one worker has taken."""
    retry_base: timedelta = timedelta(seconds=5)
    retry_cap: timedelta = timedelta(minutes=15)
    look_every: timedelta = timedelta(seconds=60)
    """The net, should no notice arrive."""
    platform_sender: str = ""


class Alerts:
    """One worker's sending of alerts; any number of workers may. `channel`: None where this process has no email."""

    def __init__(self, database: Database, channel: Channel | None, rules: AlertRules) -> None:
        self._database = database
        self._channel = channel
        self._rules = rules
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Look for alerts now."""
        self._awake.set()

    async def run(self) -> None:
        """Send alerts as they come, until cancelled."""
        if self._channel is None:
            log.warning("no alerts from here", reason="no-email-channel")
            return
        while True:
            self._awake.clear()
            delay = await self._look()
            try:
                async with asyncio.timeout(delay):
                    await self._awake.wait()
            except TimeoutError:
                pass

    async def send_due(self) -> float:
        """Send every alert that is due; returns the seconds until the next may be."""
        while rows := await self._database.transact(self._take):
            await asyncio.gather(*(self._send(row) for row in rows))
        return await self._database.transact(self._pause)

    async def _look(self) -> float:
        try:
            return await self.send_due()
        except Exception as error:  # whatever it is, the next alert must go out
            log.error("alerts failed", exc_info=error)
            return _DATABASE_PAUSE

    async def _take(self, connection: AsyncConnection) -> list[Any]:
        now = await self._database.now(connection)
        return list(await queries.take_alerts(connection, now, now + self._rules.lease, _BATCH))

    async def _pause(self, connection: AsyncConnection) -> float:
        longest = self._rules.look_every.total_seconds()
        due = await queries.next_alert_due(connection)
        if due is None:
            return longest
        return min(max((due - await self._database.now(connection)).total_seconds(), _SOON), longest)

    async def _send(self, row: Any) -> None:
        """One alert; whatever goes wrong with it stops no other."""
        try:
            failure = await self._attempt(row)
        except TROUBLE:
            raise
        except Exception as error:
            log.error("alert crashed", kind=row.kind, clinic=row.clinic, exc_info=error)
            failure = "internal-error"
        if failure:
            log.error("alert not sent", kind=row.kind, clinic=row.clinic, code=failure, tries=row.tries + 1)
        metrics.alerts.labels("failed" if failure else "sent").inc()
        await self._database.transact(lambda connection: self._settle(connection, row, failure))

    async def _attempt(self, row: Any) -> str:
        """Hand one alert to the provider; returns why it did not go, empty where it went."""
        async with self._database.read() as connection:
            house = (await houses(connection, {row.clinic}))[row.clinic]
            letter = letter_about(row, house, await _told(connection, row))
        if not house.alert_email:
            return "no-alert-address"
        sender = self._sender(house)
        if sender is None:
            return "no-email-sender"
        assert self._channel is not None  # noqa: S101 - `run` ends without one
        outcome = await self._channel.send(self._outgoing(row, house.alert_email, sender, letter))
        return "" if isinstance(outcome, Accepted | Captured) else outcome.code

    def _sender(self, house: House) -> SenderAddress | None:
        own = house.senders.get(Medium.EMAIL)
        if own is not None and own.address:
            return own
        if not self._rules.platform_sender:
            return None
        return SenderAddress(house.id, "platform", Medium.EMAIL, self._rules.platform_sender, name=house.name)

    def _outgoing(self, row: Any, to: str, sender: SenderAddress, letter: Email) -> Outgoing:
        seconds = self._rules.deadline.total_seconds()
        return Outgoing(
            attempt=row.id,
            token=token_of(row),
            to=to,
            sender=sender,
            message=letter,
            start_before=clock.monotonic() + seconds,
            useful_for=seconds,
        )

    async def _settle(self, connection: AsyncConnection, row: Any, failure: str) -> None:
        now = await self._database.now(connection)
        if not failure:
            await queries.note_sent(connection, row.clinic, row.id, now)
            return
        longest = min(self._rules.retry_cap, self._rules.retry_base * 2 ** min(row.tries, 20))
        pause = longest * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
        await queries.put_off(connection, row.clinic, row.id, now + pause, failure)


async def _told(connection: AsyncConnection, row: Any) -> ToldReply | None:
    """What a client wrote, for an alert about it: read now, so that what was erased meanwhile is not told."""
    if row.kind != REPLY:
        return None
    reply = await reply_to_tell(connection, row.clinic, UUID(row.about))
    if reply is None:
        return None
    people = [] if reply.client else await people_with(connection, row.clinic, reply.address)
    return ToldReply(reply, [(person.ref, person.first_name) for person in people])
