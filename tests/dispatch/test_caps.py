"""How many messages a client and a sender may have: by purpose, across treatments, and by the sender's day."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.dispatch import Cap, Starter
from service.dispatch.batch import Batch
from service.dispatch.caps import CapBook, Counts
from service.dispatch.turns import Overtaken
from service.store.tables import Attempt, Clinic, Decision, Reminder, Sender, core
from tests.dispatch.acting import TEN, change, day_one_due, many_due, on_sqlite, rescue_of, the
from tests.support.house import House

HOUR = timedelta(hours=1)
reminder = core(Reminder)


def due(**changes: Any) -> Any:
    return SimpleNamespace(
        **{"clinic": "glow", "client": "c-17", "purpose": "care", "quiet": "defer", "fence": 0} | changes
    )


def sent(hours_ago: float, **changes: Any) -> Any:
    return SimpleNamespace(**vars(due(**changes)), due_at=TEN - hours_ago * HOUR)


@pytest.mark.parametrize(
    ("lately", "this", "waits"),
    [
        ([], due(), 0),
        ([sent(3), sent(2)], due(), 0),
        ([sent(20), sent(3), sent(2)], due(), 4),
        ([sent(20), sent(18), sent(3), sent(2)], due(), 6),
        ([sent(1), sent(1), sent(1)], due(client="c-2"), 0),
        ([sent(1), sent(1), sent(1)], due(clinic="other"), 0),
        ([sent(1), sent(1), sent(1)], due(purpose="rebook"), 0),
        ([sent(1), sent(1), sent(1)], due(quiet="ignore"), 0),
        ([sent(1), sent(1), sent(1)], due(fence=1), 0),
        ([sent(9, purpose="review")] * 9, due(purpose="review"), 0),
    ],
    ids=["nothing yet", "room for one", "full", "over", "another client", "another clinic", "another purpose",
         "same-day safety", "already begun", "a purpose without a cap"],
)  # fmt: skip
def test_a_message_waits_until_the_oldest_that_counts_is_out_of_the_way(
    lately: list[Any], this: Any, waits: int
) -> None:
    counts = Counts(CapBook({"care": Cap(3, 24 * HOUR), "rebook": Cap(1, 7 * 24 * HOUR)}), lately)
    free_at, _ = counts.count(this, TEN)
    assert free_at == TEN + waits * HOUR


def capped(house: House, most: int, within: timedelta) -> House:
    old = house.starter
    house.starter = Starter(old._database, old._words, old._lease, old._callback, {"care": Cap(most, within)})
    return house


async def three_visits_due(house: House) -> None:
    """The same client, three treatments, three texts at one instant."""
    for n in range(3):
        await day_one_due(
            house, id=f"e-{n}", treatment__id=f"visit-{n}", course={"id": f"course-{n}", "session": 1, "of": 4}
        )


async def test_what_is_one_too_many_waits_and_the_reason_is_written_down(house: House) -> None:
    capped(house, 2, timedelta(hours=3))
    await three_visits_due(house)
    assert len((await house.dispatch()).intents) == 2
    (waiting,) = await house.rows(Reminder, reminder.c.step == "day-1-sunscreen", reminder.c.state == "scheduled")
    assert (waiting.reason, waiting.due_at) == ("too-many-messages", TEN + timedelta(hours=3))
    assert [line.code for line in await house.rows(Decision)] == ["too-many-messages"]
    house.clock.moment = waiting.due_at
    assert len((await house.dispatch()).intents) == 1


@on_sqlite
async def test_what_could_only_come_too_late_is_given_up_at_once(house: House) -> None:
    capped(house, 2, timedelta(days=2))
    await three_visits_due(house)
    await house.dispatch()
    (expired,) = await house.rows(Reminder, reminder.c.step == "day-1-sunscreen", reminder.c.state == "expired")
    assert expired.reason == "too-many-messages"


async def test_a_senders_day_is_counted_in_segments_and_the_rest_waits_for_the_next(house: House) -> None:
    await change(house, Sender, {"daily_cap": 3})
    await many_due(house, 5)
    assert len((await house.dispatch()).intents) == 3
    assert not (await house.dispatch()).intents
    house.clock.moment = TEN + timedelta(hours=23)
    assert not (await house.dispatch()).intents
    await change(house, Reminder, {"expires_at": TEN + timedelta(days=3)}, reminder.c.state == "scheduled")
    house.clock.moment = TEN + timedelta(hours=24)
    assert len((await house.dispatch()).intents) == 3


@on_sqlite
async def test_a_start_that_the_database_had_to_run_again_counts_its_texts_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change(house, Sender, {"daily_cap": 3})
    await many_due(house, 3)
    save, troubles = Batch.save, [OSError("the connection broke")]

    async def troubled(batch: Batch, connection: AsyncConnection) -> None:
        await save(batch, connection)
        if troubles:
            raise troubles.pop()

    monkeypatch.setattr(Batch, "save", troubled)
    assert len((await house.dispatch()).intents) == 3
    assert troubles == []
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert lane.day_spent == 3


@on_sqlite
async def test_a_start_of_a_few_that_is_overtaken_leaves_all_as_it_was(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many_due(house, 1)

    async def refused(_batch: Batch, _connection: AsyncConnection) -> None:
        raise IntegrityError("INSERT", {}, ValueError("refused"))

    async def overtaken(_batch: Batch, _connection: AsyncConnection) -> None:
        raise Overtaken

    monkeypatch.setattr(Batch, "save", refused)
    monkeypatch.setattr(Batch, "save_singly", overtaken)
    started = await house.starter.start(10)
    assert (started.intents, started.settled, started.wake_up) == ([], 0, TEN)


@pytest.mark.parametrize(
    ("of_the_clinic", "of_the_sender", "goes"), [(3, None, 3), (3, 5, 5), (3, 2, 2), (None, None, 6)]
)
@on_sqlite
async def test_a_sender_without_a_cap_has_that_of_the_settings_and_a_cap_of_its_own_comes_first(
    house: House, of_the_clinic: int | None, of_the_sender: int | None, goes: int
) -> None:
    old = house.starter
    house.starter = Starter(old._database, old._words, old._lease, old._callback, texts_a_day=of_the_clinic)
    await change(house, Sender, {"daily_cap": of_the_sender}, core(Sender).c.id == "sms")
    await many_due(house, 6)
    assert len((await house.dispatch()).intents) == goes
    if goes < 6:
        (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
        assert lane.open_at == TEN + 24 * HOUR


async def test_a_clinics_own_cap_comes_before_that_of_the_settings(house: House) -> None:
    capped(house, 3, timedelta(hours=24))
    await change(house, Clinic, {"caps": {"care": {"most": 1, "days": 2}, "review": {"most": 1, "days": 9}}})
    await three_visits_due(house)
    await change(house, Reminder, {"expires_at": TEN + timedelta(days=3)}, reminder.c.state == "scheduled")
    assert len((await house.dispatch()).intents) == 1
    waiting = await house.rows(Reminder, reminder.c.step == "day-1-sunscreen", reminder.c.state == "scheduled")
    assert [(row.reason, row.due_at) for row in waiting] == [("too-many-messages", TEN + timedelta(days=2))] * 2


@on_sqlite
async def test_a_text_that_does_not_fit_into_the_day_leaves_it_and_stays_due(house: House) -> None:
    await change(house, Sender, {"daily_cap": 3, "day_spent": 2, "day_began_at": TEN - 20 * HOUR})
    await day_one_due(house, treatment__note="", client__first_name="Ada Maria Leopoldina Wilhelmina Charlotte " * 4)
    assert not (await house.dispatch()).intents
    assert (await the(house)).state == "scheduled"
    lane = next(row for row in await house.rows(Sender) if row.id == "sms")
    assert (lane.open_at, lane.day_spent) == (TEN + 4 * HOUR, 2)
    house.clock.moment = lane.open_at
    assert len((await house.dispatch()).intents) == 1


@on_sqlite
async def test_after_an_outage_what_expires_first_goes_first(house: House) -> None:
    await many_due(house, 4)
    for n, hours in enumerate((9, 3, 6, 12)):
        await change(house, Reminder, {"expires_at": TEN + hours * HOUR, "due_at": TEN - n * HOUR},
                     reminder.c.client == f"c-{n}", reminder.c.step == "day-1-sunscreen")  # fmt: skip
    order = []
    while started := (await house.starter.start(1)).intents:
        order += [intent.expires_at for intent in started]
    assert order == [TEN + hours * HOUR for hours in (3, 6, 9, 12)]


@on_sqlite
async def test_after_an_outage_what_expired_meanwhile_is_recorded_and_not_sent(house: House) -> None:
    await many_due(house, 3)
    await change(house, Reminder, {"expires_at": TEN - HOUR}, reminder.c.client == "c-1")
    await rescue_of(house).run()
    assert len((await house.dispatch()).intents) == 2
    assert (await the(house, client="c-1")).state == "expired"
    assert len(await house.rows(Attempt)) == 2
