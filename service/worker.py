"""The worker: what turns due rows into messages, kept awake by APScheduler.

The scheduler holds no truth. Its jobs are a wake-up at the instant the next reminder falls due, a safety tick, and
housekeeping; due times live in the rows. A watchdog notices jumps of the wall clock, after which interval jobs would
otherwise wait for the clock to catch up.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils.compat import uuid7

from service import clock, logs
from service.alerts.sending import Alerts
from service.dispatch import Dispatcher, Settler
from service.outage import Outage
from service.staff import Post
from service.store.session import Database
from service.store.signals import listen
from service.store.workers import beat, sign_off
from service.upkeep import Upkeep

log = logs.get(__name__)

_WATCH_SECONDS = 5.0
_JUMP_SECONDS = 2.0
_LONGEST_SLEEP = timedelta(days=1)
_SETTLE_SECONDS = 3.0
_SIGN_OFF_SECONDS = 1.0
_LAST_SECONDS = 8.0
"""Of the time for stopping: for settling, signing off, and hanging up on a database that no longer answers."""


@dataclass(frozen=True, slots=True)
class WorkerTimes:
    tick: timedelta
    """How often to look for due reminders whatever woke or did not wake us."""
    drain: timedelta
    """How long a stop waits for sends in flight."""
    housekeeping: timedelta
    """How often it looks for what stopped processes and lost answers left behind."""


class Alarm:
    """The wake-up: one date job that is set again and again. Times are delays, so a wrong host clock does no harm."""

    def __init__(self, scheduler: AsyncIOScheduler) -> None:
        self._scheduler = scheduler
        self._at: datetime | None = None
        self.ring: Callable[[], None] = lambda: None

    def set_in(self, delay: timedelta | None) -> None:
        """Ring after `delay`; None: nothing is scheduled, so the tick is enough."""
        if delay is None:
            return
        at = clock.now() + min(delay, _LONGEST_SLEEP)
        self._scheduler.add_job(
            self.ring, DateTrigger(at, timezone=UTC), id="wake", replace_existing=True, misfire_grace_time=None
        )
        self._at = at

    def hint(self, due: datetime) -> None:
        """Something falls due at that instant: ring now if that is before the next ringing."""
        if self._at is None or due <= self._at or self._at <= clock.now():
            self.ring()


class Worker:
    """One worker's life: `run` until `stop` is called, then drain and end."""

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        settler: Settler,
        upkeep: Upkeep,
        polling: Upkeep,
        outage: Outage,
        scheduler: AsyncIOScheduler,
        alarm: Alarm,
        times: WorkerTimes,
        *,
        alerts: Alerts,
        post: Post,
        listen_dsn: str | None,
    ) -> None:
        self.id = uuid7()
        self._database = database
        self._dispatcher = dispatcher
        self._settler = settler
        self._upkeep = upkeep
        self._polling = polling
        self._outage = outage
        self._scheduler = scheduler
        self._alarm = alarm
        self._times = times
        self._alerts = alerts
        self._post = post
        self._listen_dsn = listen_dsn
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop; safe to call from a signal handler and more than once."""
        self._stop.set()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Work until stopped. Raises only what makes working impossible at the start: no database, a wrong schema."""
        await self._beat()
        self._alarm.ring = self._dispatcher.wake
        self._schedule_jobs()
        settling = asyncio.create_task(self._settler.run(), name="settle")
        dispatching = asyncio.create_task(self._dispatcher.run(), name="dispatch")
        helpers = self._helpers()
        log.info("worker started", worker=str(self.id))
        ready()
        await self._until_stopped(settling, dispatching)
        for helper in helpers:
            helper.cancel()
        await self._drain(settling, dispatching)

    def _schedule_jobs(self) -> None:
        jobs = (
            ("tick", self._tick, self._times.tick),
            ("housekeeping", self._keep_house, self._times.housekeeping),
            ("polling", self._poll, self._times.housekeeping),
        )
        for name, job, every in jobs:
            trigger = IntervalTrigger(seconds=every.total_seconds(), timezone=UTC)
            self._scheduler.add_job(job, trigger, id=name, coalesce=True, max_instances=1, misfire_grace_time=None)
        self._scheduler.start()
        self._scheduler.modify_job("housekeeping", next_run_time=clock.now())

    def _helpers(self) -> list[asyncio.Task[None]]:
        helpers = [
            asyncio.create_task(self._watch_clock(), name="watch-clock"),
            asyncio.create_task(self._alerts.run(), name="alerts"),
            asyncio.create_task(self._post.run(), name="post"),
        ]
        if self._listen_dsn is not None:
            hearing = listen(self._listen_dsn, self._alarm.hint, self.tell)
            helpers.append(asyncio.create_task(hearing, name="listen"))
        return helpers

    async def _until_stopped(self, *essential: asyncio.Task[None]) -> None:
        """Wait for `stop`; a dispatcher or settler that dies of a fault of ours must take the process with it."""
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        done, _ = await asyncio.wait([stopped, *essential], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done:
            if task is not stopped:
                task.result()

    def tell(self) -> None:
        """Something waits to be sent to staff: an alert, a code, a test."""
        self._alerts.wake()
        self._post.wake()

    async def _tick(self) -> None:
        self._dispatcher.wake()
        self.tell()
        with suppress(SQLAlchemyError, OSError):  # readiness turns red by the missing beat
            await self._beat()

    async def _keep_house(self) -> None:
        if await self._upkeep.run():
            self._dispatcher.wake()

    async def _poll(self) -> None:
        """Apart from the rest: asking about many messages takes its time."""
        if await self._polling.run():
            self._dispatcher.wake()

    async def _beat(self) -> None:
        """Say that this worker lives, having noticed first how long nobody did."""
        async with self._database.write() as connection:
            now = await self._database.now(connection)
            await self._outage.look_out(connection, self.id, now)
            await beat(connection, self.id, now)
        self._outage.has_beaten(now)

    async def _watch_clock(self) -> None:
        """After the wall clock has jumped, run the interval jobs now; they would wait for the old time to come."""
        wall, steady = clock.now(), clock.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            jumped = clock_jump(clock.now() - wall, clock.monotonic() - steady)
            wall, steady = clock.now(), clock.monotonic()
            if jumped is not None:
                log.warning("clock jumped", seconds=round(jumped, 1))
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=clock.now())

    async def _drain(self, settling: asyncio.Task[None], dispatching: asyncio.Task[None]) -> None:
        """Start nothing more, wait for what is in flight, write its outcomes, sign off: all within the time given.

        A database that says nothing must not hold up the end; what it was not told, the leases will find.
        """
        sent_by = clock.monotonic() + self._times.drain.total_seconds() - _LAST_SECONDS
        self._scheduler.pause()
        self._dispatcher.stop()
        await asyncio.wait([dispatching], timeout=sent_by - clock.monotonic())
        given_up = await self._dispatcher.drain(max(0.0, sent_by - clock.monotonic()))
        self._settler.close()
        await asyncio.wait([settling], timeout=_SETTLE_SECONDS)
        self._scheduler.shutdown(wait=False)
        with suppress(SQLAlchemyError, OSError):
            async with asyncio.timeout(_SIGN_OFF_SECONDS):
                await self._sign_off()
        log.info("worker stopped", worker=str(self.id), given_up=given_up)

    async def _sign_off(self) -> None:
        async with self._database.write() as connection:
            await sign_off(connection, self.id, await self._database.now(connection))


def clock_jump(wall: timedelta, steady: float) -> float | None:
    """By how many seconds the wall clock jumped while `steady` seconds passed; None where it only drifted."""
    jumped = wall.total_seconds() - steady
    return jumped if abs(jumped) > _JUMP_SECONDS else None
