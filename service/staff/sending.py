"""Sending codes and tests: by the worker's channels, from the clinic's own senders, at any hour.

A message is taken for a while, sent, and settled. What the provider did not take is tried again until it expires; one
whose outcome is unknown is not: a second test tells nobody anything. Nothing is sent to an address that is not the
staff member's own by now, and none but a code to one that they have not confirmed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service import clock, logs
from service.alerts.record import quiet_token
from service.channels.base import Channel
from service.staff.letters import kept
from service.staff.limits import hold_on
from service.store import staff as queries
from service.store.clinics import House, houses
from service.store.session import TROUBLE, Database
from service.store.templates import TemplateKey, mark_seen
from service.types import Accepted, Captured, Medium, Outgoing, Retry, SenderAddress, Unknown

log = logs.get(__name__)

_BATCH: Final = 20
_SOON: Final = 0.1
_DATABASE_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRules:
    """How messages to staff are sent. `platform_sender`: the address for clinics that have no email sender."""

    deadline: timedelta = timedelta(seconds=15)
    lease: timedelta = timedelta(seconds=60)
    retry_after: timedelta = timedelta(seconds=20)
    look_every: timedelta = timedelta(seconds=60)
    platform_sender: str = ""


@dataclass(frozen=True, slots=True)
class _Settled:
    """How a message stands after a try; `waiting` is tried again."""

    state: str
    code: str = ""


class Post:
    """One worker's sending of messages to staff; any number of workers may."""

    def __init__(self, database: Database, channels: Mapping[Medium, Channel], rules: PostRules) -> None:
        self._database = database
        self._channels = channels
        self._rules = rules
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Look for messages now."""
        self._awake.set()

    async def run(self) -> None:
        """Send messages as they come, until cancelled."""
        while True:
            self._awake.clear()
            delay = await self._look()
            try:
                async with asyncio.timeout(delay):
                    await self._awake.wait()
            except TimeoutError:
                pass

    async def send_due(self) -> float:
        """Send every message that is due; returns the seconds until the next may be."""
        while rows := await self._database.transact(self._take):
            await asyncio.gather(*(self._send(row) for row in rows))
        return await self._database.transact(self._pause)

    async def _look(self) -> float:
        try:
            return await self.send_due()
        except Exception as error:  # whatever it is, the next message must go out
            log.error("messages to staff failed", exc_info=error)
            return _DATABASE_PAUSE

    async def _take(self, connection: AsyncConnection) -> list[Any]:
        now = await self._database.now(connection)
        return list(await queries.take_messages(connection, now, now + self._rules.lease, _BATCH))

    async def _pause(self, connection: AsyncConnection) -> float:
        longest = self._rules.look_every.total_seconds()
        due = await queries.next_message_due(connection)
        if due is None:
            return longest
        return min(max((due - await self._database.now(connection)).total_seconds(), _SOON), longest)

    async def _send(self, row: Any) -> None:
        """One message; whatever goes wrong with it stops no other."""
        try:
            settled = await self._attempt(row)
        except TROUBLE:
            raise
        except Exception as error:
            log.error("message to staff crashed", kind=row.kind, clinic=row.clinic, exc_info=error)
            settled = _Settled("failed", "internal-error")
        if settled.code:
            log.warning("message to staff not sent", kind=row.kind, clinic=row.clinic, code=settled.code)
        await self._database.transact(lambda connection: self._settle(connection, row, settled))

    async def _attempt(self, row: Any) -> _Settled:
        medium = Medium(row.medium)
        async with self._database.read() as connection:
            now = await self._database.now(connection)
            house = (await houses(connection, {row.clinic}))[row.clinic]
            stopped = await queries.is_stopped(connection, row.clinic, row.medium, row.recipient)
            held = await hold_on(connection, house, medium)
        if now >= row.expires_at:
            return _Settled("failed", row.code or "expired")
        channel, sender = self._channels.get(medium), self._sender(house, medium)
        if channel is None or held:
            return _Settled("waiting", held or "no-channel")
        if refusal := _refusal(row, channel, sender, stopped=stopped):
            return _Settled("failed", refusal)
        assert sender is not None  # noqa: S101 - `_refusal` has seen to it
        match await channel.send(self._outgoing(row, sender)):
            case Accepted():
                return _Settled("sent")
            case Captured():
                return _Settled("captured")
            case Retry(code=code):
                return _Settled("waiting", code)
            case Unknown(code=code):
                return _Settled("sent", code)
            case refused:
                return _Settled("failed", refused.code)

    def _sender(self, house: House, medium: Medium) -> SenderAddress | None:
        own = house.senders.get(medium)
        if own is not None and (own.address or own.messaging_service):
            return own
        if medium is Medium.SMS or not self._rules.platform_sender:
            return None
        return SenderAddress(house.id, "platform", Medium.EMAIL, self._rules.platform_sender, name=house.name)

    def _outgoing(self, row: Any, sender: SenderAddress) -> Outgoing:
        seconds = self._rules.deadline.total_seconds()
        return Outgoing(
            attempt=row.id,
            token=quiet_token(row.id),
            to=row.recipient,
            sender=sender,
            message=kept(row),
            start_before=clock.monotonic() + seconds,
            useful_for=(row.expires_at - row.created_at).total_seconds(),
        )

    async def _settle(self, connection: AsyncConnection, row: Any, settled: _Settled) -> None:
        now = await self._database.now(connection)
        values: dict[str, Any] = {"state": settled.state, "code": settled.code}
        if settled.state == "waiting":
            values["due_at"] = now + self._rules.retry_after
        else:
            values["settled_at"] = now
        if row.kind == "code" and settled.state == "sent":
            values |= {"subject": "", "text": "", "html": ""}
        await queries.change_message(connection, row.clinic, row.id, values)
        if row.kind == "test" and settled.state in {"sent", "captured"} and row.about["number"]:
            about = row.about
            key = TemplateKey(about["protocol"], about["step"], Medium(about["medium"]), about["locale"])
            await mark_seen(connection, row.clinic, key, about["number"], now)


def _refusal(row: Any, channel: Channel, sender: SenderAddress | None, *, stopped: bool) -> str:
    """Why this message may not be sent; empty where it may."""
    if sender is None:
        return "no-sender"
    if stopped:
        return "address-stopped"
    if row.recipient != row.address:
        return "address-changed"
    if row.kind == "code":
        return ""
    if row.confirmed_at is None:
        return "not-confirmed"
    proven = row.proof == "sent" or channel.name == "outbox"
    return "" if proven else "not-confirmed"
