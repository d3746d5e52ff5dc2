"""Starts beside other transactions, on PostgreSQL: other starts, a STOP, an event. Nothing here depends on luck."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.dispatch import Lease, Starter
from service.dispatch.batch import Batch, Started
from service.dispatch.intent import Intent
from service.dispatch.settle import write_settlements
from service.dispatch.settlement import Settlement
from service.store.attempts import suppress
from service.store.session import Database
from service.store.tables import Attempt, Consent, Recipient, Reminder, Sender, core
from service.types import Accepted, AttemptState, Medium, ReminderState
from service.words import Words
from tests.dispatch.acting import TEN, change, day_one_due, many_due, says, the, under_way
from tests.support.house import House, shipped, visit
from tests.support.races import in_the_way, until_waiting

ADA = "+447400123456"
STOP = "UPDATE recipient SET suppressed_at = '2026-11-21 10:00+00' WHERE medium = 'sms'"


@asynccontextmanager
async def another_worker(house: House) -> AsyncIterator[Starter]:
    database = Database(house.database.url.render_as_string(hide_password=False), fixed_clock=house.clock)
    words = Words(shipped().templates, shipped().protocols)
    yield Starter(database, words, Lease(timedelta(seconds=15), timedelta(seconds=60)), lambda _medium, _token: None)
    await database.close()


async def test_five_workers_share_five_hundred_reminders_and_start_each_once(postgres_house: House) -> None:
    house = postgres_house
    await many_due(house, 500)

    intents: list[Intent] = []

    async def work(starter: Starter) -> None:
        while len(intents) < 500:
            intents.extend((await starter.start(20)).intents)

    async with AsyncExitStack() as stack:
        starters = [await stack.enter_async_context(another_worker(house)) for _ in range(5)]
        await asyncio.gather(*(work(starter) for starter in starters))
    assert len(intents) == len({intent.reminder for intent in intents}) == 500
    assert {row.fence for row in await house.rows(Attempt)} == {1}


async def test_a_stop_that_is_about_to_commit_is_waited_for_and_obeyed(postgres_house: House) -> None:
    house = postgres_house
    await day_one_due(house)
    async with in_the_way(house.database, STOP):
        starting = asyncio.create_task(house.starter.start(10))
        await until_waiting(house.database)
    assert (await starting).intents == []
    assert (await the(house)).medium == "email"


async def test_a_withdrawn_consent_that_is_about_to_commit_is_waited_for_and_obeyed(postgres_house: House) -> None:
    house = postgres_house
    await day_one_due(house)
    withdrawal = "UPDATE consent SET granted = false WHERE medium = 'sms'"
    async with in_the_way(house.database, "SELECT 1 FROM recipient WHERE medium = 'sms' FOR UPDATE", withdrawal):
        starting = asyncio.create_task(house.starter.start(10))
        await until_waiting(house.database)
    assert (await starting).intents == []


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_stop_waits_for_a_start_that_was_first(postgres_house: House, forgotten: bool) -> None:
    """Also where the number's row has gone with somebody else who had it."""
    house = postgres_house
    await day_one_due(house)
    if forgotten:
        async with house.database.write() as connection:
            await connection.execute(core(Recipient).delete())

    async def stop(connection: AsyncConnection) -> None:
        await suppress(connection, "glow", "sms", ADA, reason="stop", now=TEN)

    async with under_way(house) as (batch, _):
        stopping = asyncio.create_task(house.database.transact(stop))
        await until_waiting(house.database)
        assert len(batch.started.intents) == 1
    await stopping
    await change(house, Reminder, {"state": "scheduled"})
    await change(house, Sender, {"next_due_at": TEN})
    assert [intent.outgoing.to for intent in (await house.starter.start(10)).intents] == []


async def test_an_event_that_withdraws_consent_waits_for_a_start_that_was_first(postgres_house: House) -> None:
    """Also where the same event brings another number: the start may be for the one that was."""
    house = postgres_house
    await day_one_due(house)
    event = visit(id="e-2", treatment__id="visit-2", time="2026-11-21T09:30:00Z", client__phone="+447400123999",
                  client__consent={"care": []})  # fmt: skip
    async with under_way(house) as (batch, _):
        taking = asyncio.create_task(house.take(event))
        await until_waiting(house.database)
        assert [intent.outgoing.to for intent in batch.started.intents] == [ADA]
        withdrawn = [row for row in await house.rows(Consent) if row.purpose == "care" and not row.granted]
        assert withdrawn == []
    await taking


async def test_a_reminder_planned_while_a_start_is_open_is_not_slept_through(postgres_house: House) -> None:
    """The start has looked for what is due next and does not see the event; the event lowers the lane after it."""
    house = postgres_house
    await day_one_due(house)
    async with under_way(house) as (_, connection):
        saved = await connection.scalar(sa.select(core(Sender).c.next_due_at).where(core(Sender).c.id == "sms"))
        taking = asyncio.create_task(house.take(visit(id="e-2", treatment__id="visit-2", client__ref="c-2")))
        await until_waiting(house.database)
        assert saved is not None
        assert saved > TEN
    await taking
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert lane.next_due_at == TEN
    assert len((await house.dispatch()).intents) == 1


async def test_a_retry_settled_while_a_start_is_open_is_not_slept_through(postgres_house: House) -> None:
    house = postgres_house
    await day_one_due(house)
    (first,) = (await house.starter.start(1)).intents
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2", client__phone="+447400123999")
    again = Settlement(AttemptState.FAILED, reminder=ReminderState.SCHEDULED, reason="retry", due_at=TEN)

    async def settle(connection: AsyncConnection) -> None:
        await write_settlements(connection, [(first, again)], TEN)

    async with under_way(house):
        settling = asyncio.create_task(house.database.transact(settle))
        await until_waiting(house.database)
    await settling
    assert [intent.reminder for intent in (await house.starter.start(10)).intents] == [first.reminder]


async def test_outcomes_wait_for_a_recipient_before_they_touch_a_lane(postgres_house: House) -> None:
    """Whoever locked the lanes first would keep them from all that is to start, and could wait in a circle."""
    house = postgres_house
    await many_due(house, 2)
    first, second = sorted((await house.starter.start(2)).intents, key=lambda intent: intent.reminder)
    later = TEN + timedelta(hours=1)
    asked = Settlement(AttemptState.FAILED, reminder=ReminderState.EXPIRED, reason="expired", shuts_sender_until=later)
    stopped = Settlement(AttemptState.FAILED, reminder=ReminderState.FAILED, reason="opted_out", suppresses=True)

    async def settle(connection: AsyncConnection) -> None:
        await write_settlements(connection, [(first, asked), (second, stopped)], TEN)

    async with in_the_way(house.database, "SELECT 1 FROM recipient FOR UPDATE") as another:
        settling = asyncio.create_task(house.database.transact(settle))
        await until_waiting(house.database)
        await another.execute("SELECT 1 FROM sender FOR UPDATE NOWAIT")
    await settling


async def test_a_lane_that_somebody_holds_is_passed_over(postgres_house: House) -> None:
    house = postgres_house
    await day_one_due(house)
    async with in_the_way(house.database, "SELECT 1 FROM sender FOR UPDATE"):
        meanwhile = await house.starter.start(10)
    assert (meanwhile.intents, meanwhile.settled) == ([], 0)
    assert meanwhile.wake_up is not None
    assert meanwhile.wake_up <= TEN


async def test_two_workers_start_from_one_lane_at_once(postgres_house: House) -> None:
    house = postgres_house
    await day_one_due(house, id="e-known", treatment__id="visit-known", client__phone="+447400123999")
    await house.dispatch()  # the words are kept from here on; keeping them waits for whoever is about to
    await many_due(house, 20)
    meanwhile: list[Intent] = []
    async with another_worker(house) as other:

        async def while_another_starts(batch: Batch, connection: AsyncConnection) -> None:
            await batch.save(connection)
            meanwhile.extend((await other.start(10)).intents)

        async with under_way(house, save=while_another_starts) as (batch, _):
            assert len(batch.started.intents) == len(meanwhile) == 10
    assert len({intent.reminder for intent in [*batch.started.intents, *meanwhile]}) == 20
    assert (await house.dispatch()).wake_up == TEN + timedelta(days=1)


async def test_what_another_start_holds_is_looked_at_again_soon(postgres_house: House) -> None:
    house = postgres_house
    await day_one_due(house)
    found: list[Started] = []
    async with another_worker(house) as other:

        async def while_another_looks(batch: Batch, connection: AsyncConnection) -> None:
            await batch.save(connection)
            found.append(await other.start(10))

        async with under_way(house, save=while_another_looks):
            assert (found[0].intents, found[0].settled, found[0].wake_up) == ([], 0, TEN)


RECIPIENTS_HELD = "SELECT 1 FROM recipient FOR UPDATE"
"""A start that has begun its turns and picked its reminders waits here."""


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sender SET paused_at = now()",
        "UPDATE sender SET address = '+447400123499'",
        "UPDATE sender SET day_spent = 5, day_began_at = '2026-11-21 09:00+00'",
    ],
)
async def test_what_a_start_decided_for_a_sender_that_was_changed_meanwhile_is_not_done(
    postgres_house: House, change: str
) -> None:
    house = postgres_house
    await many_due(house, 3)
    async with in_the_way(house.database, "UPDATE sender SET daily_cap = 5"):
        pass
    async with in_the_way(house.database, RECIPIENTS_HELD) as other:
        starting = asyncio.create_task(house.starter.start(10))
        await until_waiting(house.database)
        await other.execute(change)
    started = await starting
    assert (started.intents, started.settled) == ([], 0)
    assert await house.rows(Attempt) == []
    due = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert [row.state for row in due] == ["scheduled"] * 3


async def test_a_sender_that_was_shut_while_a_start_decided_stays_shut(postgres_house: House) -> None:
    house = postgres_house
    await many_due(house, 3)
    async with in_the_way(house.database, RECIPIENTS_HELD) as other:
        starting = asyncio.create_task(house.starter.start(2))
        await until_waiting(house.database)
        await other.execute("UPDATE sender SET open_at = '2026-11-21 10:00:30+00' WHERE id = 'sms'")
    assert len((await starting).intents) == 2
    assert (await house.starter.start(2)).wake_up == TEN + timedelta(seconds=30)


async def test_a_client_is_in_one_starts_hands_at_a_time(postgres_house: House) -> None:
    """By text and by letter at once: neither start would see what the other is about to send."""
    house = postgres_house
    await day_one_due(house)
    await day_one_due(house, id="e-2", treatment__id="visit-2")
    by_letter = {"medium": "email", "sender": "email"}
    await change(house, Reminder, by_letter, core(Reminder).c.treatment == "visit-2")
    await change(house, Sender, {"next_due_at": TEN})
    found: list[Started] = []

    async def while_another_starts(batch: Batch, connection: AsyncConnection) -> None:
        await batch.save(connection)
        found.append(await house.starter.start(1))

    async with under_way(house, slots=1, save=while_another_starts) as (batch, _):
        assert len(batch.started.intents) == 1
        assert (found[0].intents, found[0].settled) == ([], 0)
    assert len((await house.starter.start(10)).intents) == 1


async def test_a_newer_session_that_commits_first_is_seen_by_the_start(postgres_house: House) -> None:
    house = postgres_house
    ended = TEN - timedelta(days=30)
    await day_one_due(house, treatment__ended_at=ended.isoformat(), time=ended.isoformat(), client__consent={})
    says(house, Medium.SMS, Accepted("SM1"))
    newer = visit(id="e-2", treatment__id="visit-2", client__consent={})
    async with in_the_way(house.database, "SELECT 1 FROM sender FOR UPDATE"):
        taking = asyncio.create_task(house.take(newer))
        await until_waiting(house.database)
        assert (await house.starter.start(10)).intents == []
    await taking
    await house.dispatch()
    day_30 = await the(house, "day-30-results-check", treatment="visit-8812")
    assert (day_30.state, day_30.reason) == ("cancelled", "newer-session")
