"""Forgetting by age: each kind at its own time, in small steps, with statistics kept and nothing younger touched."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time
from uuid_utils.compat import uuid7

from service.clock import now
from service.privacy import Ages, Retention, forgetting
from service.store.tables import (
    Attempt,
    Audit,
    Event,
    NumberBlock,
    Recipient,
    Reminder,
    Reply,
    Treatment,
    core,
)
from tests.dispatch.acting import TEN, on_sqlite
from tests.intake.changes import updated
from tests.privacy.lives import CANARIES, EMAIL, OLD_PHONE, PHONE, answers, everything, told
from tests.support.house import CLINIC, House, close_house, open_house, read


async def a_life(house: House) -> None:
    """A text that went to a number that is the client's no longer, and an answer from the new one."""
    await house.take(told())
    house.clock.moment = TEN
    await house.dispatch()
    await house.take(updated(phone=PHONE, time="2026-11-21T09:30:00Z"))
    await answers(house)


async def forget(house: House, ages: Ages | None = None) -> None:
    await Retention(house.database, ages).run()


async def states(house: House) -> Counter[str]:
    rows = [*await house.rows(Reminder), *await house.rows(Attempt)]
    return Counter(row.state for row in rows)


async def test_what_is_old_goes_and_what_counts_stays(house: House) -> None:
    await a_life(house)
    before = await states(house)
    house.clock.advance(days=401)
    await house.dispatch()  # what is still planned expires
    await forget(house)
    left = await everything(house)
    assert [canary for canary in CANARIES if canary in left] == ["Zenobia", "7400123477", "zenobia"], (
        "only the client's own row is left, until the clinic erases it"
    )
    assert {row.address for row in await house.rows(Recipient)} == {PHONE, EMAIL}
    (attempt,) = await house.rows(Attempt)
    assert (attempt.recipient, attempt.pinned, attempt.body_hash, attempt.state) == ("", {}, "", "captured")
    assert [(row.body, bool(row.digest)) for row in await house.rows(Event)] == [({}, True)] * 2
    assert (await states(house)).total() == before.total()
    assert before["captured"] == (await states(house))["captured"] == 2


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("days", "left"),
    [
        (179, {"messages", "events", "replies", "notes", "addresses"}),
        (181, {"replies", "notes"}),
        (366, {"notes"}),
        (401, set()),
    ],
)
async def test_each_kind_has_its_own_time(house: House, days: int, left: set[str]) -> None:
    await a_life(house)
    house.clock.advance(days=days)
    await house.dispatch()
    await forget(house)
    kept = {
        "messages": any(row.recipient for row in await house.rows(Attempt)),
        "events": any(row.body for row in await house.rows(Event)),
        "replies": any(row.text for row in await house.rows(Reply)),
        "notes": any(row.note for row in await house.rows(Treatment)),
        "addresses": any(row.address == OLD_PHONE for row in await house.rows(Recipient)),
    }
    assert {name for name, there in kept.items() if there} == left


@on_sqlite
async def test_a_note_that_a_coming_message_may_need_stays(house: House) -> None:
    await house.take(told(treatment__ended_at="2026-11-20T15:00:00Z"))
    house.clock.advance(days=30)
    await forget(house, Ages(notes=timedelta(days=1)))
    assert [row.note for row in await house.rows(Treatment)] != [""]


async def test_what_is_forgotten_is_not_written_again_each_day(house: House) -> None:
    await a_life(house)
    house.clock.advance(days=401)
    await house.dispatch()
    changed = []
    for _ in range(3):
        await forget(house)
        house.clock.advance(days=1)
        changed.append(await rows_changed(house))
    assert changed[1:] == [0, 0]


async def rows_changed(house: House) -> int:
    """By a round from its first step to its last."""
    retention = Retention(house.database)
    steps = 0
    while (changed := await house.database.transact(retention._step)) is not None:
        steps += changed
    return steps


async def test_it_goes_on_where_it_stopped_and_looks_again_a_day_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "_ROWS", 2)
    monkeypatch.setattr(forgetting, "_STEPS", 5)
    start = house.clock()
    await add_lines(house, start, 7)
    await add_lines(house, start + timedelta(days=700), 1)
    house.clock.advance(days=731)
    left = []
    for _ in range(5):
        await forget(house)
        left.append(len(await house.rows(Audit)) + len(await house.rows(NumberBlock)))
    assert left[0] > left[-1] == 1, "the young line; blocks are of no use after a day"
    house.clock.advance(days=700)
    for _ in range(4):
        await forget(house)
    assert await house.rows(Audit) == []


async def add_lines(house: House, at: datetime, count: int) -> None:
    async with house.database.write() as connection:
        line = {"clinic": CLINIC, "at": at, "who": "command", "act": "client-read", "about": "", "client": ""}
        await connection.execute(core(Audit).insert(), [line | {"id": uuid7()} for _ in range(count)])
        block = {"clinic": CLINIC, "since": at, "numbers": 1}
        blocks = [block | {"block": f"+4474001{at:%Y%m%d}{number}"} for number in range(count)]
        await connection.execute(core(NumberBlock).insert(), blocks)


async def test_by_the_clock_of_a_running_house(tmp_path: Path) -> None:
    with freeze_time("2026-11-20T15:10:00Z", real_asyncio=True) as frozen:
        house = await open_house(f"sqlite+aiosqlite:///{tmp_path}/old.db", on_host_clock=True)
        await house.intake.take(CLINIC, read(told(), now()))
        frozen.tick(timedelta(days=179))
        await forget(house)
        assert all(row.body for row in await house.rows(Event))
        frozen.tick(timedelta(days=2))
        await forget(house)
        assert not any(row.body for row in await house.rows(Event))
        await close_house(house)
