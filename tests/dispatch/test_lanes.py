"""Senders as lanes: rates, fair turns, pauses, and a `next_due_at` that is never too late."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.clinics import NewClinic, NewSender
from service.dispatch.lanes import Turn, begun, ended, fewer, turns
from service.store.lanes import pause_sender, resume_senders
from service.store.tables import Client, Reminder, Sender, core
from service.types import Accepted, FailureClass, Medium, OptedOut, Outcome, Rejected, Retry, Unknown
from tests.dispatch.acting import TEN, change, day_one_due, many_due, opened, rescue_of, says
from tests.support.house import House, clinic, visit

sender, reminder = core(Sender), core(Reminder)


@dataclass
class Lane:
    """A sender's row, as far as turns care."""

    rate: float
    tokens: float
    tokens_at: datetime = TEN
    clinic: str = "glow"
    id: str = "sms"
    medium: str = "sms"
    daily_cap: int | None = None
    day_began_at: datetime | None = None
    day_spent: int = 0
    open_at: datetime = TEN
    turn_at: datetime = TEN
    next_due_at: datetime | None = TEN
    paused_at: datetime | None = None
    address: str = "+447400123400"
    name: str = ""
    messaging_service: str = ""


def of_rate(rate: float, **changes: Any) -> NewClinic:
    senders = (NewSender(Medium.SMS, "+447400123400", rate), NewSender(Medium.EMAIL, "care@glow.example", rate))
    return clinic(senders=senders, **changes)


async def lane_of(house: House, id_: str = "sms", clinic: str = "glow") -> Any:
    (row,) = await house.rows(Sender, sender.c.id == id_, sender.c.clinic == clinic)
    return row


async def require_no_lane_sleeps_too_long(house: House) -> None:
    """The invariant: no scheduled reminder falls due before its lane is looked at."""
    lanes = {(row.clinic, row.id): row.next_due_at for row in await house.rows(Sender)}
    for row in await house.rows(Reminder, reminder.c.state == "scheduled", reminder.c.sender.is_not(None)):
        next_due_at = lanes[row.clinic, row.sender]
        assert next_due_at is not None, row
        assert next_due_at <= row.due_at, row


rates = st.floats(0.01, 500)
lanes = st.lists(st.builds(Lane, rate=rates, tokens=st.floats(0, 500)), min_size=1, max_size=20)


def test_letters_know_no_cap_of_texts() -> None:
    lanes = [Lane(10, 10), Lane(10, 10, id="email", medium="email"), Lane(10, 10, daily_cap=5)]
    assert [turn.quota for turn in turns(lanes, 300, TEN, 2)] == [2, 10, 5]


@given(lanes, st.integers(1, 400), st.timedeltas(timedelta(), timedelta(seconds=30)))
def test_no_turn_exceeds_the_slots_the_tokens_or_the_burst(found: list[Lane], slots: int, idle: timedelta) -> None:
    allotted = turns(found, slots, TEN + idle)
    assert sum(turn.quota for turn in allotted) <= slots
    assert len(allotted) == min(len(found), slots)
    for turn in allotted:
        assert 0 <= turn.quota <= turn.tokens + 0.001
        assert turn.tokens <= max(1.0, turn.lane.rate)


@given(st.integers(1, 20), st.integers(1, 400))
def test_lanes_with_plenty_share_the_slots_evenly(count: int, slots: int) -> None:
    quotas = [turn.quota for turn in turns([Lane(rate=500, tokens=500)] * count, slots, TEN)]
    assert sum(quotas) == min(slots, 500 * count)
    assert max(quotas) - min(quotas) <= 1


def test_what_a_lane_has_no_tokens_for_goes_to_those_after_it() -> None:
    found = [Lane(rate=1, tokens=1), Lane(rate=500, tokens=500)]
    assert [turn.quota for turn in turns(found, 100, TEN)] == [1, 99]


@given(rates, st.floats(0, 500), st.integers(0, 500))
def test_a_lane_opens_again_no_later_and_no_earlier_than_its_next_token(rate: float, tokens: float, used: int) -> None:
    (turn,) = turns([Lane(rate, tokens)], 500, TEN)
    lane = replace(turn.lane, **begun(turn, TEN))
    row = ended(turn, lane, min(used, turn.quota), None)
    again = replace(lane, **row)
    assert turns([again], 1, row["open_at"])[0].quota == 1
    too_early = row["open_at"] - timedelta(microseconds=2)
    assert too_early < TEN or turns([again], 1, too_early)[0].quota == 0


def test_a_start_with_fewer_slots_shares_them_anew_and_all_that_was_taken_is_given_back() -> None:
    allotted = turns([Lane(rate=100, tokens=100) for _ in range(5)], 100, TEN)
    some = fewer(allotted, 20)
    assert [turn.quota for turn in some] == [4] * 5
    lane = replace(some[0].lane, **begun(some[0], TEN))
    assert (lane.tokens, ended(some[0], lane, 4, TEN)["tokens"]) == (80, 96)


@pytest.mark.parametrize("changes", [{"daily_cap": 1000}, {"daily_cap": None}])
def test_a_cap_that_was_raised_while_a_start_found_the_day_full_holds_at_once(changes: dict[str, Any]) -> None:
    (turn,) = turns([Lane(100, 100, daily_cap=10, day_began_at=TEN, day_spent=8)], 10, TEN)
    lane = replace(turn.lane, **begun(turn, TEN))
    assert (turn.day.take(2), turn.day.take(1), turn.day.full) == (True, False, True)
    assert ended(turn, lane, 1, TEN)["open_at"] == TEN + timedelta(hours=24)
    assert ended(turn, replace(lane, **changes), 1, TEN)["open_at"] == TEN


def test_a_rate_that_was_raised_while_a_start_was_deciding_holds_at_once() -> None:
    (turn,) = turns([Lane(0.01, 1)], 10, TEN)
    lane = replace(turn.lane, **begun(turn, TEN))
    assert lane.open_at == TEN + timedelta(seconds=100)
    assert ended(turn, replace(lane, rate=10), 1, TEN)["open_at"] == TEN + timedelta(seconds=0.1)


acts = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.integers(1, 50)),
        st.tuples(st.just("end"), st.integers(0, 9), st.floats(0, 1)),
        st.tuples(st.just("wait"), st.floats(0, 20)),
        st.tuples(st.just("shut"), st.floats(0, 20)),
    ),
    max_size=40,
)


@given(rates, st.none() | st.integers(1, 60), acts)
def test_however_turns_overlap_a_lane_keeps_its_rate_its_day_and_stays_shut_where_it_was_shut(
    rate: float, cap: int | None, steps: list[Any]
) -> None:
    lane, now, shut_until = Lane(rate, 0, daily_cap=cap), TEN, TEN
    open_turns: list[Turn] = []
    sent = 0
    for step in steps:
        match step:
            case ("begin", slots) if lane.open_at <= now:
                assert shut_until <= now
                (turn,) = turns([lane], slots, now)
                lane = replace(lane, **begun(turn, now))
                open_turns += fewer([turn], slots)
            case ("end", place, share) if open_turns:
                turn = open_turns.pop(place % len(open_turns))
                started = int(turn.quota * share)
                assert all(turn.day.take(1) for _ in range(started))
                if not turn.is_overtaken(lane):
                    lane = replace(lane, **ended(turn, lane, started, TEN))
                    sent += started
            case ("wait", seconds):
                now += timedelta(seconds=seconds)
            case ("shut", seconds) if lane.open_at < now + timedelta(seconds=seconds):
                shut_until = lane.open_at = now + timedelta(seconds=seconds)
        assert sent <= max(1, rate) + rate * (now - TEN).total_seconds() + 0.001
        assert sent <= (cap or sent)


async def test_one_a_second_means_one_a_second(migrated_url: str) -> None:
    async with opened(migrated_url, of_rate(1)) as house:
        await many_due(house, 4)
        for number in range(4):
            started = await house.dispatch()
            assert len(started.intents) == 1, number
            shut = await house.dispatch()
            assert (shut.intents, shut.settled) == ([], 0)
            if number < 3:
                assert shut.wake_up == TEN + timedelta(seconds=number + 1)
            house.clock.advance(seconds=1)
        assert (await house.dispatch()).intents == []


of_the_first = sa.and_(reminder.c.client == "c-0", reminder.c.state == "scheduled")


async def test_what_is_skipped_costs_no_token(migrated_url: str) -> None:
    async with opened(migrated_url, of_rate(1)) as house:
        await many_due(house, 2)
        await change(house, Reminder, {"media": "sms", "expires_at": TEN + timedelta(hours=1)}, of_the_first)
        await change(house, Client, {"sms_stopped_at": TEN}, core(Client).c.ref == "c-0")
        assert ((started := await house.dispatch()).intents, started.settled) == ([], 1)
        assert len((await house.dispatch()).intents) == 1


@pytest.mark.parametrize("rate", [0.7, 3, 7])
async def test_at_the_instant_that_a_start_names_the_next_one_goes_out(migrated_url: str, rate: float) -> None:
    async with opened(migrated_url, of_rate(rate)) as house:
        await many_due(house, 12)
        count = 0
        while count < 12:
            started = await house.dispatch()
            assert started.intents
            count += len(started.intents)
            shut = await house.dispatch()
            assert not shut.intents
            assert shut.wake_up is not None or count == 12
            house.clock.moment = max(house.clock.moment, shut.wake_up or house.clock.moment)
        assert house.clock() - TEN >= timedelta(seconds=(12 - max(1, rate) - 1) / rate)


async def test_a_small_clinic_is_served_in_the_first_start_beside_a_large_one(migrated_url: str) -> None:
    async with opened(migrated_url, clinic(), clinic(id="bright")) as house:
        await many_due(house, 60)
        await many_due(house, 4, clinic="bright")
        started = await house.dispatch(slots=20)
        assert sum(intent.clinic == "bright" for intent in started.intents) == 4
        assert len(started.intents) >= 14


async def test_with_fewer_slots_than_lanes_every_lane_has_its_turn(migrated_url: str) -> None:
    names = [f"clinic-{number}" for number in range(6)]
    async with opened(migrated_url, *(clinic(id=name) for name in names)) as house:
        for name in names:
            await many_due(house, 4, clinic=name)
        served: list[str] = []
        for _ in range(6):
            served += [intent.clinic for intent in (await house.dispatch(slots=2)).intents]
            house.clock.advance(microseconds=1)
        assert {name: served.count(name) for name in names} == dict.fromkeys(names, 2)


async def test_a_paused_lane_is_neither_read_nor_woken_for(house: House) -> None:
    await day_one_due(house)
    async with house.database.write() as connection:
        assert await pause_sender(connection, ("glow", "sms"), "20003", TEN)
        assert not await pause_sender(connection, ("glow", "sms"), "20003", TEN)
    before = await lane_of(house)
    started = await house.dispatch()
    assert (started.intents, started.settled, started.wake_up) == ([], 0, None)
    assert await lane_of(house) == before
    house.clock.advance(hours=2)
    async with house.database.write() as connection:
        assert await resume_senders(connection, "glow", house.clock()) == 1
        assert await resume_senders(connection, "glow", house.clock()) == 0
    assert len((await house.dispatch()).intents) == 1


async def test_a_start_says_when_the_next_reminder_falls_due(house: House) -> None:
    await house.take(visit())
    started = await house.dispatch()
    assert (started.intents, started.wake_up) == ([], datetime.fromisoformat("2026-11-20T17:00:00+00:00"))


async def test_with_nothing_scheduled_a_start_names_no_time(house: House) -> None:
    assert (await house.dispatch()).wake_up is None


async def test_a_lane_whose_reminders_were_called_off_corrects_itself(house: House) -> None:
    await day_one_due(house, treatment__version=1)
    await house.take(visit(id="e-2", treatment__version=2, treatment__protocol="led-therapy"))
    assert (await lane_of(house)).next_due_at == TEN
    assert (await house.dispatch()).intents == []
    assert (await lane_of(house)).next_due_at is None


ANSWERS: list[Outcome] = [
    Accepted("SM1"), Retry(FailureClass.NOT_PROCESSED, "429"), Retry(FailureClass.SENDER_SATURATED, "30022", 30.0),
    Rejected(FailureClass.NOT_TEXTABLE, "21614"), Rejected(FailureClass.CONTENT, "30007"), OptedOut("21610"),
    Unknown("reset"),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
async def test_whatever_happens_no_lane_sleeps_too_long(migrated_url: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a walk that can be repeated
    async with opened(migrated_url, of_rate(2)) as house:
        rescue = rescue_of(house)

        async def report(number: int) -> None:
            ended = house.clock() - timedelta(days=chance.choice([0, 1, 2, 28, 30]), hours=chance.randrange(8))
            event = visit(
                id=f"e-{number}", time=ended.isoformat(), treatment__ended_at=ended.isoformat(),
                treatment__id=f"visit-{chance.randrange(12)}", client__phone=f"+44740{1000000 + number % 4}",
                treatment__protocol=chance.choice(["microneedling", "dermal-filler", "led-therapy"]),
                client__time_zone=chance.choice(["Europe/London", "Asia/Tokyo"]), course__session=None,
            )  # fmt: skip
            event["data"]["client"]["ref"] = "c-" + event["data"]["treatment"]["id"]
            await house.take(event)

        async def send() -> None:
            for medium in Medium:
                says(house, medium, chance.choice(ANSWERS))
            await house.dispatch(slots=chance.choice([1, 3, 50]))

        for number in range(60):
            act = chance.choice(["report", "report", "send", "send", "send", "wait", "wait", "rescue"])
            match act:
                case "report":
                    await report(number)
                case "send":
                    await send()
                case "wait":
                    house.clock.advance(minutes=chance.choice([0.01, 1, 30, 300]))
                case "rescue":
                    await rescue.run()
            await require_no_lane_sleeps_too_long(house)


def test_a_lane_remembers_nothing_of_what_it_could_have_sent_long_ago() -> None:
    idle = Lane(rate=5, tokens=0)
    assert turns([idle], 100, TEN + timedelta(days=3))[0].quota == 5
    assert turns([replace(idle, rate=0.1)], 100, TEN + timedelta(days=3))[0].quota == 1
