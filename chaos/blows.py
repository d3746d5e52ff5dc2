"""Carries out what the schedule says, and counts it."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import asyncpg

from chaos.schedule import Blow, Due
from chaos.stage import Actor, Stage
from service import clock

ALWAYS = (
    "latency=5-120ms,429=0.01:1,429=0.005:soon,5xx=0.01,5xx-after=0.01,reset=0.01,reset-after=0.01,garbage=0.005,"
    "garbage-after=0.005,hang=0.003,hang-after=0.003,repeated=0.1,reordered=0.1,lookup:5xx=0.03"
)
"""The provider's ordinary days."""

_UNAUTHORIZED = "401=1"

_STORMS = (
    _UNAUTHORIZED,
    "429=1:1",
    "429=0.7:soon",
    "5xx=0.6",
    "5xx-after=0.6",
    "reset=0.6",
    "reset-after=0.6",
    "garbage-after=0.5",
    "hang=0.5",
    "hang-after=0.5",
    "latency=1-3s",
    "lookup:5xx=1",
    "lookup:reset=1",
    "silent=1",
)

RECOVERS = timedelta(seconds=20)
"""Until a sender that was refused has been tried again and goes on."""

_MOMENTS: Mapping[str, tuple[str, str, str]] = {
    "before the intents": ("INSERT INTO attempt", "", ""),
    "intents committed, not known": ("INSERT INTO attempt", "COMMIT", ""),
    "before the outcomes": ("UPDATE attempt", "", ""),
    "outcomes committed, not known": ("UPDATE attempt", "COMMIT", ""),
    "before the request": ("POST /", "", ""),
    "accepted, not known": ("POST /", "", "HTTP/1.1 20"),
    "before a look-up": ("GET /2010", "", ""),
}
"""What a worker says, what PostgreSQL answers, what the provider answers: the instant at which it is struck."""
_OF_PROVIDER = frozenset({"before the request", "accepted, not known", "before a look-up"})


class Blows:
    """Strikes the stage; `counts` by name is for the summary."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.counts: Counter[str] = Counter()
        self.shut: list[tuple[datetime, datetime]] = []
        """From when to when every sender may have been paused, because the provider knew nobody."""
        self._one_stop = asyncio.Lock()
        self._acts: Mapping[Blow, Callable[[Due, random.Random], Awaitable[None]]] = {
            Blow.KILL_WORKER: self._kill_worker,
            Blow.STOP_WORKER: self._stop_worker,
            Blow.KILL_WEB: self._kill_web,
            Blow.FREEZE_WORKER: self._freeze_worker,
            Blow.FREEZE_WEB: self._freeze_web,
            Blow.KILL_AT_MOMENT: self._kill_at_moment,
            Blow.FREEZE_AT_MOMENT: self._freeze_at_moment,
            Blow.STOP_DATABASE: self._stop_database,
            Blow.END_SESSIONS: self._end_sessions,
            Blow.CUT_DATABASE: self._cut_database,
            Blow.SILENCE_DATABASE: self._silence_database,
            Blow.CUT_PROVIDER: self._cut_provider,
            Blow.SILENCE_PROVIDER: self._silence_provider,
            Blow.FILL_DISK: self._fill_disk,
            Blow.STORM: self._storm,
        }

    async def run(self, schedule: Sequence[Due]) -> None:
        """Each blow at its time; ones that last go on beside each other."""
        began = clock.monotonic()
        async with asyncio.TaskGroup() as blows:
            for due in schedule:
                await asyncio.sleep(max(0.0, began + due.at - clock.monotonic()))
                blows.create_task(self._strike(due), name=due.blow)

    async def calm(self) -> None:
        """Everything is allowed to work again."""
        self._stage.shifts.on = False
        for actor in self._stage.actors:
            actor.strike(signal.SIGCONT)
            for gate in (actor.database, actor.provider):
                if gate is not None:
                    gate.forget()
                    gate.speak_again()
        await self._stage.sandbox.set_faults("latency=5-50ms")

    async def _strike(self, due: Due) -> None:
        await self._acts[due.blow](due, random.Random(due.dice))  # noqa: S311 - repeatable on purpose

    def _worker(self, dice: random.Random) -> Actor:
        return dice.choice(self._stage.workers)

    async def _kill_worker(self, _: Due, dice: random.Random) -> None:
        self.counts["kills"] += self._worker(dice).strike(signal.SIGKILL)

    async def _stop_worker(self, _: Due, dice: random.Random) -> None:
        self.counts["terms"] += self._worker(dice).strike(signal.SIGTERM)

    async def _kill_web(self, _: Due, dice: random.Random) -> None:
        self.counts["kills"] += self._stage.web.strike(signal.SIGKILL)

    async def _freeze_worker(self, due: Due, dice: random.Random) -> None:
        await self._freeze(self._worker(dice), due.seconds)

    async def _freeze_web(self, due: Due, _: random.Random) -> None:
        await self._freeze(self._stage.web, due.seconds)

    async def _freeze(self, actor: Actor, seconds: float) -> None:
        self.counts["freezes"] += actor.strike(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        actor.strike(signal.SIGCONT)

    async def _kill_at_moment(self, _: Due, dice: random.Random) -> None:
        worker = self._worker(dice)
        self._arm(worker, dice, lambda: worker.strike(signal.SIGKILL))

    async def _freeze_at_moment(self, due: Due, dice: random.Random) -> None:
        worker = self._worker(dice)
        struck = asyncio.Event()

        def freeze() -> None:
            worker.strike(signal.SIGSTOP)
            struck.set()

        self._arm(worker, dice, freeze)
        with suppress(TimeoutError):
            await asyncio.wait_for(struck.wait(), 15)
            await asyncio.sleep(due.seconds)
            worker.strike(signal.SIGCONT)

    def _arm(self, worker: Actor, dice: random.Random, strike: Callable[[], object]) -> None:
        """Wait for a moment. Statements are prepared once a connection, so their words are heard on new ones only."""
        name = dice.choice(sorted(_MOMENTS))
        asked, answered, told = _MOMENTS[name]
        gate = worker.provider if name in _OF_PROVIDER else worker.database
        assert gate is not None

        def come() -> None:
            self.counts["moments"] += 1
            self.counts[f"moment: {name}"] += 1
            strike()

        gate.when(asked, answered=answered, told=told, then=come)
        if gate is worker.database:
            gate.cut()

    async def _stop_database(self, due: Due, _: random.Random) -> None:
        async with self._one_stop:  # on a busy machine one takes longer than planned
            self.counts["database stops"] += 1
            await asyncio.to_thread(self._stage.server.stop, "immediate")
            await asyncio.sleep(due.seconds)
            await asyncio.to_thread(self._stage.server.start)

    async def _fill_disk(self, due: Due, _: random.Random) -> None:
        """PostgreSQL may go down over it; then a person starts it again, once there is room."""
        disk, server = self._stage.disk, self._stage.server
        if disk is None:
            return
        async with self._one_stop:
            self.counts["full disks"] += 1
            await asyncio.to_thread(disk.fill)
            await asyncio.sleep(due.seconds)
            disk.clear()
            if not await asyncio.to_thread(lambda: server.is_running):
                await asyncio.to_thread(server.start)

    async def _end_sessions(self, _: Due, dice: random.Random) -> None:
        with suppress(OSError, asyncpg.PostgresError):
            self.counts["sessions ended"] += await self._stage.end_sessions(dice.randint(1, 6))

    async def _cut_database(self, _: Due, dice: random.Random) -> None:
        self.counts["cuts"] += dice.choice(self._stage.actors).database.cut()

    async def _silence_database(self, due: Due, dice: random.Random) -> None:
        gate = dice.choice(self._stage.actors).database
        self.counts["silences"] += 1
        gate.fall_silent()
        await asyncio.sleep(due.seconds)
        gate.speak_again()

    async def _cut_provider(self, _: Due, dice: random.Random) -> None:
        gate = self._worker(dice).provider
        self.counts["cuts"] += gate.cut() if gate else 0

    async def _silence_provider(self, due: Due, dice: random.Random) -> None:
        gate = self._worker(dice).provider
        assert gate is not None
        self.counts["silences"] += 1
        gate.fall_silent()
        await asyncio.sleep(due.seconds)
        gate.speak_again()

    async def _storm(self, due: Due, dice: random.Random) -> None:
        self.counts["storms"] += 1
        kind, began = dice.choice(_STORMS), clock.now()
        await self._stage.sandbox.set_faults(ALWAYS, kind)
        await asyncio.sleep(due.seconds)
        await self._stage.sandbox.set_faults(ALWAYS)
        if kind is _UNAUTHORIZED:
            self.counts["credentials refused"] += 1
            self.shut.append((began, clock.now() + RECOVERS))
