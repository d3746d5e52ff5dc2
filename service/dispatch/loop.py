"""The dispatcher: start what is due, send it, settle it, sleep until something is due again.

At most `slots` sends are in flight. A start is made when a good part of the slots is free, so that its transaction is
worth its commit; the outcomes of one start settle while the next is being made.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from service import clock, logs, metrics
from service.channels.base import Channel
from service.dispatch import telemetry
from service.dispatch.batch import Started
from service.dispatch.intent import Intent
from service.dispatch.settle import Settler
from service.dispatch.start import Starter
from service.store.session import TROUBLE
from service.types import Captured, FailureClass, Medium, Outcome, Retry, Unknown

log = logs.get(__name__)

_DATABASE_PAUSE = timedelta(seconds=1)
_BUSY_LANE = timedelta(milliseconds=20)
"""What is due but held by another transaction is looked at again after this long."""
_SECONDS = {medium: metrics.send_seconds.labels(medium) for medium in Medium}
_GATHER_ROOM = 0.02
"""Seconds that a start waits for more free slots."""


@dataclass(frozen=True, slots=True)
class Slots:
    """How many sends may be in flight, and how many one start may make."""

    slots: int
    batch: int


class Dispatcher:
    """One worker's dispatcher. `wake_in` is called with the delay after which `wake` should be called again."""

    def __init__(
        self,
        starter: Starter,
        settler: Settler,
        channels: Mapping[Medium, Channel],
        slots: Slots,
        wake_in: Callable[[timedelta | None], None],
    ) -> None:
        self._starter = starter
        self._settler = settler
        self._channels = channels
        self._slots = slots
        self._wake_in = wake_in
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        """By the attempt's token."""
        self._promised = 0
        """Slots of the starts under way."""
        self._roomy = asyncio.Event()
        self._awake = asyncio.Event()
        self._stopping = False
        metrics.sends_in_flight.set_function(lambda: len(self._in_flight))

    def _stopped(self) -> bool:
        """A call, so that it is read afresh after every wait: `stop` may have come in between."""
        return self._stopping

    def wake(self) -> None:
        """Look for due reminders now."""
        self._awake.set()

    def stop(self) -> None:
        """Start nothing more; `run` ends, and what is in flight goes on until `drain` has waited for it."""
        self._stopping = True
        self._awake.set()
        self._roomy.set()

    async def run(self) -> None:
        self.wake()
        while not self._stopped():
            await self._awake.wait()
            self._awake.clear()
            await self._start_what_is_due()

    async def drain(self, seconds: float) -> int:
        """Wait for sends in flight; returns how many were given up on. Their leases will find them."""
        if self._in_flight:
            await asyncio.wait(self._in_flight.values(), timeout=seconds)
        given_up = [task for task in self._in_flight.values() if not task.done()]
        for task in given_up:
            task.cancel()
        return len(given_up)

    async def _start_what_is_due(self) -> None:
        """One start after another until one finds nothing. Where there is more than one takes, the next begins as soon
        as that is known: while one waits for the database, the other decides and writes."""
        before: asyncio.Task[Started | None] | None = None
        async with asyncio.TaskGroup() as starts:
            while not self._stopped():
                await self._wait_for_room()
                if self._stopped():
                    return
                more = asyncio.Event()
                start = starts.create_task(self._start(min(self._slots.batch, self._room), more))
                await more.wait()
                barren = before is None or _found_nothing(await before)
                if barren and before is not None:
                    await start  # one that found nothing says little; two say that there is nothing to be had
                if barren and start.done() and _found_nothing(start.result()):
                    self._wake_in(_delay(start.result()))
                    return
                before = None if start.done() else start

    async def _start(self, slots: int, more: asyncio.Event) -> Started | None:
        """Start so many sends; `more` is set when the next start may begin. None where the database is in trouble."""
        self._promised += slots
        try:
            started = await self._starter.start(slots, more.set)
        except TROUBLE as error:
            log.error("start failed", exc_info=error)
            return None
        else:
            telemetry.started(started.intents)
            for intent in started.intents:
                self._send_soon(intent)
            return started
        finally:
            self._promised -= slots
            self._roomy.set()
            more.set()

    @property
    def _room(self) -> int:
        return self._slots.slots - len(self._in_flight) - self._promised

    async def _wait_for_room(self) -> None:
        """Until a whole batch has room; where slow sends hold the slots, for a moment, and then take what is free."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHER_ROOM):
                await self._until_room_for(self._slots.batch)
        await self._until_room_for(1)

    async def _until_room_for(self, wanted: int) -> None:
        while self._room < wanted and not self._stopped():
            self._roomy.clear()
            await self._roomy.wait()

    def _send_soon(self, intent: Intent) -> None:
        self._in_flight[intent.outgoing.token] = asyncio.create_task(self._send(intent))

    async def _send(self, intent: Intent) -> None:
        try:
            self._settler.add(intent, await self._outcome(intent))
        finally:
            del self._in_flight[intent.outgoing.token]
            self._roomy.set()

    async def _outcome(self, intent: Intent) -> Outcome:
        if intent.kept_for:
            return Captured()
        channel = self._channels.get(intent.medium)
        if channel is None:
            return Retry(FailureClass.NOT_PROCESSED, "no-channel")
        started = clock.monotonic()
        try:
            return await channel.send(intent.outgoing)
        except Exception as error:
            log.error("send crashed", error=type(error).__name__, channel=channel.name)
            return Unknown("internal-error")
        finally:
            _SECONDS[intent.medium].observe(clock.monotonic() - started)


def _found_nothing(started: Started | None) -> bool:
    return started is None or not (started.intents or started.settled)


def _delay(started: Started | None) -> timedelta | None:
    """How long to sleep by the database's clock; None where nothing is scheduled at all."""
    if started is None:
        return _DATABASE_PAUSE
    if started.wake_up is None or started.now is None:
        return None
    return max(_BUSY_LANE, started.wake_up - started.now)
