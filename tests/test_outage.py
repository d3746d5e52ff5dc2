"""After an outage, providers' records are compared with ours before anything is sent."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from service.errors import Problem, Unavailable
from service.outage import Outage
from service.store.tables import Alert, Sender, SenderWatch, StaffMessage, Worker, core
from service.store.workers import beat
from service.types import Accepted, AttemptState, Found, Medium, SenderAddress, Unknown
from tests.dispatch.acting import TEN, Scripted, change, day_one_due, on_sqlite, says, the
from tests.support.house import House

SMS = Medium.SMS
ADA = "+447400123456"
HOUR = timedelta(hours=1)


class Recorded(Scripted):
    """A channel whose provider lists what was sent, page by page."""

    def __init__(self, *pages: Sequence[Found] | Exception) -> None:
        super().__init__(SMS, Accepted("SM1"))
        self.pages = pages
        self.since: list[datetime] = []

    async def fetch(self, provider_id: str) -> Found | None:
        return None

    async def sent_since(self, sender: SenderAddress, since: datetime) -> AsyncIterator[list[Found]]:
        self.since.append(since)
        for page in self.pages:
            if isinstance(page, Exception):
                raise page
            yield [each for each in page if each.created_at >= since]


def message(id_: str, at: datetime, to: str = ADA) -> Found:
    return Found(id_, AttemptState.DELIVERED, at, to)


class Watched:
    """One worker's beats and comparisons."""

    def __init__(self, house: House, channel: Recorded) -> None:
        self.id = uuid7()
        self.house = house
        house.channels[SMS] = channel
        self.outage = Outage(house.database, house.channels)

    async def beats(self) -> None:
        async with self.house.database.write() as connection:
            now = self.house.clock()
            await self.outage.look_out(connection, self.id, now)
            await beat(connection, self.id, now)
        self.outage.has_beaten(now)


async def the_lane(house: House, id_: str = "sms") -> Any:
    (lane,) = await house.rows(Sender, core(Sender).c.id == id_)
    return lane


async def away(house: House, channel: Recorded, gap: timedelta) -> Watched:
    """A worker had beaten at ten, and another starts after the gap."""
    house.clock.moment = TEN
    before = Watched(house, channel)
    await before.beats()
    house.clock.moment = TEN + gap
    worker = Watched(house, channel)
    await worker.beats()
    return worker


async def test_a_sender_waits_until_its_records_agree_and_goes_on_by_itself(house: House) -> None:
    await day_one_due(house)
    channel = Recorded([message("SM1", TEN)], [])
    house.channels[SMS] = channel
    await house.dispatch()
    worker = await away(house, channel, 2 * HOUR)
    assert (await the_lane(house)).paused_reason == "checking-records"
    assert (await the_lane(house, "email")).paused_at is None
    await day_one_due(house, id="e-2", treatment__id="v-2", client__ref="c-2")
    assert (await house.dispatch()).intents == []
    assert await worker.outage.run()
    assert channel.since == [TEN - timedelta(minutes=5)]
    assert (await the_lane(house)).paused_at is None
    assert len((await house.dispatch()).intents) == 1
    assert not await worker.outage.run()


async def test_messages_that_we_know_nothing_of_stop_the_sender_until_a_person_decides(house: House) -> None:
    """As after a restored backup: the database knows less than the provider."""
    strangers = [message(f"SM{number}", TEN + HOUR / 2) for number in range(3)]
    worker = await away(house, Recorded(strangers[:2], strangers[2:]), 2 * HOUR)
    assert not await worker.outage.run()
    assert not await worker.outage.run()
    assert (await the_lane(house)).paused_reason == "unknown-messages"
    (alert,) = await house.rows(Alert)
    assert (alert.kind, alert.about, alert.detail["messages"]) == ("unknown-messages", "sms", 3)
    (watch,) = await house.rows(SenderWatch, core(SenderWatch).c.sender == "sms")
    assert watch.check_since is None


async def test_a_message_whose_answer_was_lost_is_no_stranger(house: House) -> None:
    await day_one_due(house)
    says(house, SMS, Unknown("reset"))
    await house.dispatch()
    worker = await away(house, Recorded([message("SM7", TEN + timedelta(seconds=3))]), 2 * HOUR)
    assert await worker.outage.run()
    other = await away(house, Recorded([message("SM8", TEN + 3 * HOUR, "+447400123999")]), 9 * HOUR)
    assert not await other.outage.run()


async def test_a_test_that_went_to_staff_is_no_stranger_and_what_went_there_otherwise_is(house: House) -> None:
    staff = "+447400123999"
    async with house.database.write() as connection:
        await connection.execute(
            core(StaffMessage).insert().values(
                clinic="glow", id=uuid7(), staff="owner", medium="sms", kind="test", recipient=staff,
                text="TEST: hello", about={}, asked_by="owner", created_at=TEN, due_at=TEN, expires_at=TEN + HOUR / 4,
                state="sent",
                settled_at=TEN, subject="", html="", tries=1, code="")
        )  # fmt: skip
    worker = await away(house, Recorded([message("SM7", TEN + timedelta(minutes=3), staff)]), 2 * HOUR)
    assert await worker.outage.run()
    other = await away(house, Recorded([message("SM8", TEN + 3 * HOUR, staff)]), 9 * HOUR)
    assert not await other.outage.run()


@on_sqlite
@pytest.mark.parametrize(("gap", "checked"), [(timedelta(minutes=59), False), (timedelta(minutes=61), True)])
async def test_only_a_gap_of_more_than_an_hour_counts(house: House, gap: timedelta, checked: bool) -> None:
    await away(house, Recorded([]), gap)
    assert ((await the_lane(house)).paused_at is not None) == checked


@on_sqlite
async def test_the_first_start_ever_is_no_outage(house: House) -> None:
    await Watched(house, Recorded([])).beats()
    assert (await the_lane(house)).paused_at is None


async def test_a_worker_whose_own_beat_went_back_in_time_works_on_a_restored_database(house: House) -> None:
    worker = await away(house, Recorded([]), timedelta(minutes=1))
    house.clock.advance(seconds=10)
    await worker.beats()
    assert (await the_lane(house)).paused_at is None
    await change(house, Worker, {"seen_at": TEN - timedelta(minutes=20)})  # the backup knows no later beat
    house.clock.advance(seconds=10)
    await worker.beats()
    assert (await the_lane(house)).paused_reason == "checking-records"
    (watch,) = await house.rows(SenderWatch, core(SenderWatch).c.sender == "sms")
    assert watch.check_since == TEN - timedelta(minutes=25)


@on_sqlite
async def test_records_that_cannot_be_read_are_asked_again_and_become_news_after_a_while(house: House) -> None:
    down = Unavailable(Problem("look-up-failed", "", "no"))
    channel = Recorded([message("SM1", TEN - 2 * HOUR)], down)
    worker = await away(house, channel, 2 * HOUR)
    assert not await worker.outage.run()
    assert await house.rows(Alert) == []
    house.clock.advance(minutes=16)
    await worker.outage.run()
    await worker.outage.run()
    assert [row.kind for row in await house.rows(Alert)] == ["records-unreadable"]
    channel.pages = ([],)
    assert await worker.outage.run()


@on_sqlite
async def test_a_sender_that_was_paused_before_is_compared_too_and_stays_paused(house: House) -> None:
    await change(house, Sender, {"paused_at": TEN, "paused_reason": "paused-by-hand"}, core(Sender).c.id == "sms")
    worker = await away(house, Recorded([]), 2 * HOUR)
    await worker.outage.run()
    assert (await the_lane(house)).paused_reason == "paused-by-hand"
    strange = await away(house, Recorded([message("SM9", TEN + 3 * HOUR)]), 9 * HOUR)
    await strange.outage.run()
    assert (await the_lane(house)).paused_reason == "unknown-messages"


@on_sqlite
async def test_the_outbox_has_no_records_to_compare(house: House) -> None:
    await day_one_due(house)
    house.clock.moment = TEN
    outage = Outage(house.database, house.channels)
    await change(house, Sender, {"paused_at": None})
    async with house.database.write() as connection:
        await beat(connection, uuid7(), TEN - 3 * HOUR)
        await outage.look_out(connection, uuid7(), TEN)
    assert (await the_lane(house)).paused_at is None
    assert not await outage.run()
    await house.dispatch()
    assert (await the(house)).state == "captured"
