"""Plans follow what they stand on: the rules of their zone, and what their clinic has set."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from whenever import clear_tzcache, get_tzpath, reset_tzpath

from service.clinics import change_clinic
from service.replanning import Replanning
from service.store.replanning import replan_clinic
from service.store.tables import Decision, Reminder, Replan, Treatment, ZoneRules, core
from service.types import Json
from tests.dispatch.acting import change
from tests.support.house import House, shipped, visit
from tests.support.races import until_waiting

SUNSCREEN = core(Reminder).c.step == "day-1-sunscreen"


@pytest.fixture
def like_paris(tmp_path: Path) -> Iterator[Path]:
    """A folder of zone rules by which London keeps the time of Paris."""
    known = get_tzpath()
    rules = next(path for folder in known if (path := Path(folder, "Europe/Paris")).is_file())
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "London").write_bytes(rules.read_bytes())
    yield tmp_path
    reset_tzpath(known)
    clear_tzcache()


def rules_come_from(folder: Path) -> None:
    """As when the rules are updated and a process starts with them."""
    reset_tzpath([folder, *get_tzpath()])
    clear_tzcache()


def worker(house: House, *, batch: int = 50) -> Replanning:
    return Replanning(house.database, shipped().protocols, batch=batch)


async def sunscreen(house: House) -> tuple[datetime, str, str]:
    (row,) = await house.rows(Reminder, SUNSCREEN)
    return row.due_at, row.local_time, row.state


async def set_clinic(house: House, **values: str) -> None:
    async with house.database.write() as connection:
        await change_clinic(connection, "glow", values, house.clock())


def other(number: int) -> Json:
    return visit(id=f"e-{number}", treatment__id=f"visit-{number}", client__ref=f"c-{number}")


async def test_where_zone_rules_change_what_waits_moves_with_the_local_hour_that_was_meant(
    house: House, like_paris: Path
) -> None:
    await house.take(visit())
    assert not await worker(house).run()
    before = await sunscreen(house)
    assert before == (datetime(2026, 11, 21, 10, tzinfo=UTC), "2026-11-21T10:00", "scheduled")

    rules_come_from(like_paris)
    updated = worker(house)
    assert await updated.run()
    assert await sunscreen(house) == (datetime(2026, 11, 21, 9, tzinfo=UTC), "2026-11-21T10:00", "scheduled")
    assert {row.code for row in await house.rows(Decision)} == {"replanned"}
    assert not await updated.run()
    assert not await worker(house).run()


async def test_the_first_look_at_zone_rules_moves_nothing(house: House) -> None:
    await house.take(visit())
    assert not await worker(house).run()
    assert len(await house.rows(ZoneRules)) > 400
    assert await house.rows(Replan) == []
    assert await house.rows(Decision) == []


async def test_zones_that_nobody_lives_in_may_change(house: House, like_paris: Path) -> None:
    await house.take(visit(client__time_zone="Europe/Madrid"))
    await worker(house).run()
    rules_come_from(like_paris)
    assert not await worker(house).run()
    assert await house.rows(Decision) == []


async def test_what_a_clinic_sets_anew_its_plans_follow(house: House) -> None:
    await house.take(visit())
    await set_clinic(house, quiet_end="11:30")
    assert await worker(house).run()
    assert await sunscreen(house) == (datetime(2026, 11, 21, 11, 30, tzinfo=UTC), "2026-11-21T10:00", "scheduled")
    await set_clinic(house, name="Glow & Sons")
    assert await house.rows(Replan) == []


async def test_a_reminder_that_a_person_has_moved_stays_where_it_was_put(house: House) -> None:
    await house.take(visit())
    moved = datetime(2026, 11, 21, 15, tzinfo=UTC)
    await change(house, Reminder, {"due_at": moved, "by": "person"}, SUNSCREEN)
    await set_clinic(house, quiet_end="11:30")
    await worker(house).run()
    assert (await sunscreen(house))[0] == moved


async def test_clients_are_planned_a_few_at_a_time_until_the_list_is_empty(house: House) -> None:
    await house.take(*(other(number) for number in range(5)))
    await set_clinic(house, quiet_end="11:30")
    assert len(await house.rows(Replan)) == 5
    await worker(house, batch=2).run()
    assert await house.rows(Replan) == []
    assert {row.due_at.hour for row in await house.rows(Reminder, SUNSCREEN)} == {11}


async def test_a_client_that_cannot_be_planned_stops_only_itself(house: House) -> None:
    await house.take(*(other(number) for number in range(3)))
    await change(house, Treatment, {"kind": "of no kind"}, core(Treatment).c.id == "visit-1")
    await set_clinic(house, quiet_end="11:30")
    await worker(house).run()
    assert await house.rows(Replan) == []
    hours = {row.client: row.due_at.hour for row in await house.rows(Reminder, SUNSCREEN)}
    assert hours == {"c-0": 11, "c-1": 10, "c-2": 11}


async def test_what_is_over_is_not_planned_anew(house: House) -> None:
    await house.take(visit())
    house.clock.moment += timedelta(days=4000)
    async with house.database.write() as connection:
        await replan_clinic(connection, "glow", house.clock())
    assert await house.rows(Replan) == []


async def test_a_change_waits_for_the_plans_that_are_being_made_by_the_old_settings(postgres_house: House) -> None:
    """Else they would keep them for good: nobody would know that they are to be made anew."""
    house = postgres_house
    planner: Any = house.intake._recorder._planner
    draft, planning = planner._draft, asyncio.Event()

    async def slowly(*given: object) -> None:
        await draft(*given)
        planning.set()
        await until_waiting(house.database)

    planner._draft = slowly
    async with asyncio.TaskGroup() as both:
        both.create_task(house.take(visit()))
        await planning.wait()
        both.create_task(set_clinic(house, quiet_end="11:30"))
    planner._draft = draft
    assert await worker(house).run()
    assert (await sunscreen(house))[0] == datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
