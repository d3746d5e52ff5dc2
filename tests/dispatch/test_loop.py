"""The dispatcher: it sends what is due, keeps to its slots, sleeps until the next reminder, and stops cleanly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from service.dispatch import Dispatcher, Slots, Starter
from service.dispatch.batch import Started
from service.dispatch.start import nobody
from service.store.tables import Attempt, Sender, core
from service.types import Accepted, Captured, Medium, Outcome, Outgoing
from tests.dispatch.acting import TEN, Scripted, change, many_due, the
from tests.support.house import House, visit

pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


@dataclass
class Wakes:
    """What the dispatcher asks the alarm for; `asked` is set whenever it goes to sleep."""

    delays: list[timedelta | None] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, delay: timedelta | None) -> None:
        self.delays.append(delay)
        self.asked.set()


class Gate(Scripted):
    """Holds every send until it is opened, and remembers how many waited at once."""

    def __init__(self, medium: Medium, *outcomes: Outcome):
        super().__init__(medium, *outcomes)
        self.open = asyncio.Event()
        self.waiting = self.most = 0
        self.reached = asyncio.Event()

    async def send(self, outgoing: Outgoing) -> Outcome:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        self.reached.set()
        await self.open.wait()
        self.waiting -= 1
        return await super().send(outgoing)


class Crashing(Scripted):
    async def send(self, outgoing: Outgoing) -> Outcome:
        raise ZeroDivisionError


class Troubled(Starter):
    """Meets trouble once before it starts."""

    trouble: list[Exception]

    async def start(self, slots: int, on_more: Callable[[], None] = nobody) -> Started:
        if self.trouble:
            raise self.trouble.pop()
        return await super().start(slots, on_more)


class Watched(Starter):
    """Remembers how many starts were under way at once, and what each was asked for."""

    under_way = most = 0
    asked: list[int]

    async def start(self, slots: int, on_more: Callable[[], None] = nobody) -> Started:
        self.asked.append(slots)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await super().start(slots, on_more)
        finally:
            self.under_way -= 1


class Barren(Starter):
    """Finds open lanes and nothing on them, again and again, as where another worker holds it all."""

    starts = 0

    async def start(self, slots: int, on_more: Callable[[], None] = nobody) -> Started:
        self.starts += 1
        on_more()
        for _ in range(5):
            await asyncio.sleep(0)
        return Started()


def watched(house: House) -> Watched:
    house.starter.__class__ = Watched
    house.starter.asked = []  # type: ignore[attr-defined]
    assert isinstance(house.starter, Watched)
    return house.starter


def dispatcher_of(house: House, wakes: Wakes, *, slots: int = 10, batch: int = 5) -> Dispatcher:
    return Dispatcher(house.starter, house.settler, house.channels, Slots(slots, batch), wakes)


@asynccontextmanager
async def running(house: House, dispatcher: Dispatcher) -> AsyncIterator[None]:
    """Runs dispatcher and settler, and in the end stops them as a worker does."""
    dispatching, settling = asyncio.create_task(dispatcher.run()), asyncio.create_task(house.settler.run())
    try:
        yield
    finally:
        dispatcher.stop()
        await dispatching
        await dispatcher.drain(5)
        house.settler.close()
        await settling


async def states(house: House) -> list[str]:
    return sorted(row.state for row in await house.rows(Attempt))


async def test_it_sends_what_is_due_and_asks_to_be_woken_for_the_next(house: House) -> None:
    await many_due(house, 12)
    wakes = Wakes()
    async with running(house, dispatcher_of(house, wakes)):
        await wakes.asked.wait()
    assert await states(house) == ["captured"] * 12
    assert wakes.delays == [timedelta(days=1)]


async def test_with_nothing_scheduled_it_asks_for_no_time_and_looks_when_it_is_woken(house: House) -> None:
    wakes = Wakes()
    dispatcher = dispatcher_of(house, wakes)
    async with running(house, dispatcher):
        await wakes.asked.wait()
        assert wakes.delays == [None]
        await many_due(house, 1)
        wakes.asked.clear()
        dispatcher.wake()
        await wakes.asked.wait()
    assert await states(house) == ["captured"]


async def test_no_more_are_in_flight_than_there_are_slots_and_no_more_intents_are_written(house: House) -> None:
    await many_due(house, 12)
    gate = house.channels[Medium.SMS] = Gate(Medium.SMS, Captured())
    wakes = Wakes()
    async with running(house, dispatcher_of(house, wakes, slots=4, batch=3)):
        while gate.waiting < 4:
            gate.reached.clear()
            await gate.reached.wait()
        assert await states(house) == ["sending"] * 4
        gate.open.set()
        await wakes.asked.wait()
    assert gate.most == 4
    assert await states(house) == ["captured"] * 12


async def test_where_more_is_due_the_next_start_begins_while_one_is_deciding(house: House) -> None:
    await many_due(house, 12)
    starter, wakes = watched(house), Wakes()
    async with running(house, dispatcher_of(house, wakes, slots=20, batch=4)):
        await wakes.asked.wait()
    assert starter.most == 2
    assert starter.asked == [4, 4, 4, 4, 4]
    assert await states(house) == ["captured"] * 12
    assert wakes.delays == [timedelta(days=1)]


async def test_where_more_lanes_are_open_than_a_start_takes_the_next_begins_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.dispatch.start.LANES_A_START", 1)
    await many_due(house, 1)
    starter, wakes = watched(house), Wakes()
    async with running(house, dispatcher_of(house, wakes, slots=20, batch=4)):
        await wakes.asked.wait()
    assert starter.most == 2


async def test_starts_that_find_nothing_side_by_side_put_the_worker_to_sleep(house: House) -> None:
    house.starter.__class__ = Barren
    wakes = Wakes()
    async with running(house, dispatcher_of(house, wakes)):
        await wakes.asked.wait()
    assert (house.starter.starts, wakes.delays) == (2, [None])  # type: ignore[attr-defined]


async def test_with_little_due_there_is_one_start_at_a_time(house: House) -> None:
    await many_due(house, 3)
    starter, wakes = watched(house), Wakes()
    async with running(house, dispatcher_of(house, wakes, slots=20, batch=4)):
        await wakes.asked.wait()
    assert (starter.most, starter.asked) == (1, [4, 4])


async def test_two_starts_are_never_promised_more_slots_than_there_are(house: House) -> None:
    await many_due(house, 12)
    gate = house.channels[Medium.SMS] = Gate(Medium.SMS, Captured())
    starter, wakes = watched(house), Wakes()
    async with running(house, dispatcher_of(house, wakes, slots=5, batch=4)):
        while gate.waiting < 5:
            gate.reached.clear()
            await gate.reached.wait()
        assert starter.asked == [4, 1]
        gate.open.set()
        await wakes.asked.wait()
    assert gate.most == 5


async def test_stopping_starts_nothing_more_and_what_is_in_flight_is_settled(house: House) -> None:
    await many_due(house, 12)
    gate = house.channels[Medium.SMS] = Gate(Medium.SMS, Captured())
    dispatcher = dispatcher_of(house, Wakes(), slots=3, batch=3)
    async with running(house, dispatcher):
        await gate.reached.wait()
        dispatcher.stop()
        gate.open.set()
    assert await states(house) == ["captured"] * 3


async def test_what_does_not_end_in_time_is_given_up_and_left_to_its_lease(house: House) -> None:
    await many_due(house, 2)
    gate = house.channels[Medium.SMS] = Gate(Medium.SMS, Captured())
    dispatcher = dispatcher_of(house, Wakes())
    async with running(house, dispatcher):
        await gate.reached.wait()
        dispatcher.stop()
        assert await dispatcher.drain(0) == 2
    assert await states(house) == ["sending", "sending"]


async def test_a_send_that_crashes_is_an_unknown_outcome(house: House) -> None:
    await many_due(house, 1)
    house.channels[Medium.SMS] = Crashing(Medium.SMS, Accepted("SM1"))
    wakes = Wakes()
    async with running(house, dispatcher_of(house, wakes)):
        await wakes.asked.wait()
    (attempt,) = await house.rows(Attempt)
    assert (attempt.state, attempt.code) == ("unknown", "internal-error")


async def test_a_worker_without_a_channel_leaves_its_reminders_to_another(house: House) -> None:
    await house.take(visit(client__email=None))
    house.clock.moment = TEN
    del house.channels[Medium.SMS]
    wakes = Wakes()
    dispatcher = dispatcher_of(house, wakes)
    async with running(house, dispatcher):
        await wakes.asked.wait()
        await change(house, Sender, {"paused_at": TEN}, core(Sender).c.id == "sms")
    found = await the(house)
    assert (found.state, found.reason) == ("scheduled", "retry")


@pytest.mark.parametrize("trouble", [OSError("refused"), NoConnectionFree("pool exhausted")], ids=str)
async def test_a_database_in_trouble_is_asked_again_a_second_later(house: House, trouble: Exception) -> None:
    await many_due(house, 1)
    house.starter.__class__ = Troubled
    house.starter.trouble = [trouble]  # type: ignore[attr-defined]
    wakes = Wakes()
    dispatcher = dispatcher_of(house, wakes)
    async with running(house, dispatcher):
        await wakes.asked.wait()
        assert wakes.delays == [timedelta(seconds=1)]
        wakes.asked.clear()
        dispatcher.wake()
        await wakes.asked.wait()
    assert await states(house) == ["captured"]
