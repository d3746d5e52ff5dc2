"""Statuses that nobody told: asked for at growing ages, of those messages alone that still lack a last word."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from service.errors import Problem, Unavailable
from service.receipts import Polling, PollRules
from service.store.tables import Attempt, Poll
from service.types import Accepted, AttemptState, FailureClass, Found, Medium, SenderAddress
from tests.dispatch.acting import TEN, Scripted, change, day_one_due, many_due, on_sqlite, the
from tests.receipts.acting import a_letter, receipts_of, report, the_attempt
from tests.support.house import House

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Recorded(Scripted):
    """A channel whose provider can be asked how each message stands."""

    def __init__(self, states: dict[str, AttemptState | Exception], failure: FailureClass | None = None) -> None:
        super().__init__(Medium.SMS, *(Accepted(f"SM{number}") for number in range(1, 200)))
        self.states = states
        self.failure = failure
        self.fetched: list[str] = []

    async def fetch(self, provider_id: str) -> Found | None:
        self.fetched.append(provider_id)
        state = self.states.get(provider_id)
        if isinstance(state, Exception):
            raise state
        return Found(provider_id, state, TEN, "+447400123456", "30005", self.failure) if state else None

    async def sent_since(self, sender: SenderAddress, since: datetime) -> AsyncIterator[list[Found]]:
        yield []


def polling_of(house: House, first: timedelta = 30 * MINUTE) -> Polling:
    return Polling(house.database, house.channels, receipts_of(house), PollRules(first))


async def sent(
    house: House, states: dict[str, AttemptState | Exception], failure: FailureClass | None = None
) -> Recorded:
    await day_one_due(house)
    channel = house.channels[Medium.SMS] = Recorded(states, failure)
    await house.dispatch()
    return channel


async def test_a_message_whose_callbacks_were_lost_is_asked_about_and_settled(house: House) -> None:
    channel = await sent(house, {"SM1": AttemptState.DELIVERED})
    house.clock.advance(minutes=29)
    assert not await polling_of(house).run()
    house.clock.advance(minutes=1)
    assert await polling_of(house).run()
    assert ((await the_attempt(house)).state, (await the(house)).state) == ("delivered", "delivered")
    house.clock.advance(hours=10)
    assert not await polling_of(house).run()
    assert channel.fetched == ["SM1"]


async def test_questions_come_at_growing_gaps_and_end_after_three_days(house: House) -> None:
    channel = await sent(house, {"SM1": AttemptState.SENT})
    for age in (30, 60, 120, 240, 480, 960, 1920, 3840):
        house.clock.moment = TEN + age * MINUTE - timedelta(seconds=1)
        assert not await polling_of(house).run()
        house.clock.advance(seconds=1)
        assert await polling_of(house).run()
    house.clock.advance(days=30)
    assert not await polling_of(house).run()
    assert channel.fetched == ["SM1"] * 8
    assert (await the(house)).state == "sent"


@on_sqlite
async def test_without_an_address_of_ours_the_first_question_comes_after_a_minute(house: House) -> None:
    await sent(house, {"SM1": AttemptState.DELIVERED})
    house.clock.advance(minutes=1)
    assert await polling_of(house, first=MINUTE).run()
    assert (await the(house)).state == "delivered"


@on_sqlite
async def test_what_is_learnt_by_asking_leads_to_the_same_as_a_receipt(house: House) -> None:
    await sent(house, {"SM1": AttemptState.UNDELIVERED}, FailureClass.HANDSET_GONE)
    house.clock.advance(minutes=30)
    await polling_of(house).run()
    reminder = await the(house)
    assert (reminder.state, reminder.medium, reminder.reason) == ("scheduled", "email", "other-channel")


@on_sqlite
async def test_what_cannot_be_told_now_is_asked_again_at_the_next_age(house: House) -> None:
    down = Unavailable(Problem("look-up-failed", "", "no"))
    channel = await sent(house, {"SM1": down})
    house.clock.advance(minutes=30)
    await polling_of(house).run()
    channel.states = {"SM1": ValueError("a fault of ours")}
    house.clock.advance(minutes=30)
    await polling_of(house).run()
    channel.states = {}
    house.clock.advance(hours=1)
    await polling_of(house).run()
    assert (await the(house)).state == "sent"
    channel.states = {"SM1": AttemptState.DELIVERED}
    house.clock.advance(hours=2)
    await polling_of(house).run()
    assert (await the(house)).state == "delivered"


async def test_many_are_asked_about_once_each_also_by_two_workers(house: House) -> None:
    await many_due(house, 130)
    channel = house.channels[Medium.SMS] = Recorded({})
    await house.dispatch(slots=200)
    house.clock.advance(minutes=30)
    await polling_of(house).run()
    await polling_of(house).run()
    assert sorted(channel.fetched) == sorted(f"SM{number}" for number in range(1, 131))


@on_sqlite
async def test_a_worker_that_was_away_asks_about_what_it_missed_but_not_about_what_is_over(house: House) -> None:
    channel = await sent(house, {})
    house.clock.advance(hours=71)
    await polling_of(house).run()
    assert set(channel.fetched) == {"SM1"}
    channel.fetched.clear()
    await change(house, Poll, {"settled_at": TEN - HOUR})
    house.clock.advance(hours=2)
    await polling_of(house).run()
    assert channel.fetched == []


@on_sqlite
async def test_a_provider_without_records_is_not_asked(house: House) -> None:
    await a_letter(house)
    house.clock.advance(hours=1)
    assert not await polling_of(house).run()


@on_sqlite
async def test_a_receipt_before_our_own_answer_leaves_an_attempt_that_can_be_asked_about(house: House) -> None:
    await day_one_due(house)
    channel = house.channels[Medium.SMS] = Recorded({"SM1": AttemptState.DELIVERED})
    (intent,) = (await house.starter.start(1)).intents
    await receipts_of(house).take([report(AttemptState.SENT, token=intent.outgoing.token)])
    await change(house, Attempt, {"lease_until": TEN})
    house.clock.advance(minutes=30)
    await polling_of(house).run()
    assert channel.fetched == ["SM1"]
    assert (await the(house)).state == "delivered"
