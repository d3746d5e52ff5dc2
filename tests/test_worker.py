"""The worker's alarm and watchdog: awake at the instant something falls due, whatever the clock does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from service.worker import Alarm, clock_jump

NINE = "2026-11-21T09:00:00Z"
PATIENCE = 10


@pytest.fixture
async def frozen() -> AsyncIterator[FrozenDateTimeFactory]:
    with freeze_time(NINE, real_asyncio=True) as factory:
        assert isinstance(factory, FrozenDateTimeFactory)
        yield factory


@pytest.fixture
async def scheduler(frozen: FrozenDateTimeFactory) -> AsyncIterator[AsyncIOScheduler]:
    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.start()
    yield scheduler
    scheduler.shutdown(wait=False)


async def test_the_alarm_rings_when_its_time_has_come(
    frozen: FrozenDateTimeFactory, scheduler: AsyncIOScheduler
) -> None:
    rung = asyncio.Event()
    alarm = Alarm(scheduler)
    alarm.ring = rung.set
    alarm.set_in(timedelta(hours=1))
    frozen.tick(timedelta(minutes=59))
    scheduler.wakeup()
    assert not rung.is_set()
    frozen.tick(timedelta(minutes=1))
    scheduler.wakeup()
    await asyncio.wait_for(rung.wait(), PATIENCE)


async def test_the_alarm_rings_late_rather_than_never(
    frozen: FrozenDateTimeFactory, scheduler: AsyncIOScheduler
) -> None:
    rung = asyncio.Event()
    alarm = Alarm(scheduler)
    alarm.ring = rung.set
    alarm.set_in(timedelta(seconds=1))
    frozen.tick(timedelta(days=2))  # the machine slept
    scheduler.wakeup()
    await asyncio.wait_for(rung.wait(), PATIENCE)


@pytest.mark.parametrize(
    ("hours", "rings"),
    [(0.5, True), (1, True), (2, False)],
    ids=["sooner than the alarm", "at the alarm", "later than the alarm"],
)
async def test_a_hint_rings_at_once_only_if_it_is_not_later_than_the_alarm(
    frozen: FrozenDateTimeFactory, scheduler: AsyncIOScheduler, hours: float, rings: bool
) -> None:
    rung: list[bool] = []
    alarm = Alarm(scheduler)
    alarm.ring = lambda: rung.append(True)
    alarm.set_in(timedelta(hours=1))
    alarm.hint(datetime(2026, 11, 21, 9, tzinfo=UTC) + timedelta(hours=hours))
    assert bool(rung) is rings


async def test_a_hint_before_any_alarm_rings(scheduler: AsyncIOScheduler) -> None:
    rung: list[bool] = []
    alarm = Alarm(scheduler)
    alarm.ring = lambda: rung.append(True)
    alarm.hint(datetime(2027, 1, 1, tzinfo=UTC))
    assert rung == [True]


@pytest.mark.parametrize(
    ("wall", "steady", "jumped"),
    [(5.0, 5.0, None), (5.4, 5.0, None), (3605.0, 5.0, 3600.0), (-3595.0, 5.0, -3600.0)],
    ids=["no jump", "drift", "an hour forward", "an hour back"],
)
def test_a_jump_of_the_wall_clock_is_told_from_the_passing_of_time(
    wall: float, steady: float, jumped: float | None
) -> None:
    assert clock_jump(timedelta(seconds=wall), steady) == jumped
