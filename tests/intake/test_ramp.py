"""What an import finds due already goes out a few a day, from a day on, at its own local hour."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service.cli.ramping import ramp_asked
from service.clinics import change_clinic
from service.intake import mapping
from service.intake.group import Intake
from service.intake.ramp import Ramp
from service.replanning import Replanning
from service.store.tables import Reminder, core
from service.types import Json
from tests.dispatch.acting import on_sqlite
from tests.support.house import House, read, said, shipped, visit

MAINTENANCE = core(Reminder).c.step.in_(["next-session", "maintenance"])
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(**changes: object) -> Json:
    """Due since yesterday, 10:00 in London; of use for a month."""
    due = datetime(2026, 11, 19, 10, tzinfo=UTC)
    return {"state": "scheduled", "reason": "", "by": "plan", "purpose": "rebook",
            "due_at": due, "expires_at": due + timedelta(days=30),
            "local_time": "2026-11-19T10:00", "zone": "Europe/London", **changes}  # fmt: skip


@pytest.mark.parametrize(
    ("start", "a_day", "days"),
    [
        (date(2026, 11, 21), 2, [21, 21, 22, 22, 23]),
        (date(2026, 11, 25), None, [25, 25, 25, 25, 25]),
        (date(2026, 11, 25), 3, [25, 25, 25, 26, 26]),
    ],
)
def test_each_gets_a_day_at_its_own_local_hour(start: date, a_day: int | None, days: list[int]) -> None:
    ramp = Ramp(start, a_day)
    zones = ["Europe/London"] * 4 + ["America/New_York"]
    placed = [ramp.place(row(zone=zone), NOW, number) for number, zone in enumerate(zones)]
    assert [one["due_at"].day for one in placed] == days
    assert [one["due_at"].hour for one in placed] == [10, 10, 10, 10, 15]
    assert {(one["state"], one["reason"], one["by"]) for one in placed} == {("scheduled", "ramped", "person")}


def test_care_takes_no_turn_of_the_nudges_and_waits_for_the_start_alone() -> None:
    assert Ramp(date(2026, 11, 21), 1, placed=5).place(row(purpose="care"), NOW)["due_at"].day == 21


def test_where_todays_hour_is_over_it_goes_now() -> None:
    assert Ramp(date(2026, 11, 20), 5).place(row(), NOW)["due_at"] == NOW


@on_sqlite
async def test_where_no_day_is_given_it_begins_tomorrow_and_where_nothing_is_asked_for_there_is_none(
    house: House,
) -> None:
    assert await ramp_asked(house.database, "glow", None, 5, NOW) == Ramp(date(2026, 11, 21), 5)
    assert await ramp_asked(house.database, "glow", date(2026, 12, 1), None, NOW) == Ramp(date(2026, 12, 1))
    assert await ramp_asked(house.database, "glow", None, None, NOW) is None


def test_one_that_goes_on_counts_what_was_placed_before() -> None:
    assert Ramp(date(2026, 11, 21), 2, placed=5).place(row(), NOW)["due_at"].day == 23


def test_what_lies_ahead_is_left_alone_and_what_is_planned_before_the_start_waits_for_it() -> None:
    ahead = row(due_at=datetime(2026, 11, 28, 10, tzinfo=UTC))
    assert Ramp(date(2026, 11, 25), 2).place(ahead, NOW) == ahead
    assert Ramp(date(2026, 12, 1), 2).place(ahead, NOW)["due_at"] == datetime(2026, 12, 1, 10, tzinfo=UTC)


def test_what_is_of_no_use_so_late_is_skipped() -> None:
    ramp = Ramp(date(2026, 11, 25), 1)
    late = ramp.place(row(expires_at=datetime(2026, 11, 22, tzinfo=UTC)), NOW)
    assert (late["state"], late["reason"], late["by"]) == ("skipped", "too-late-for-ramp", "person")
    past = row(state="skipped", reason="past")
    assert ramp.place(past, NOW) == past


MONDAY = date(2026, 11, 23)


def four_weeks_old(house: House, count: int, **changes: object) -> list[Json]:
    """Sessions of four weeks ago: the next one is due, for all of them, today."""
    old = (house.clock() - timedelta(days=27)).isoformat()
    return [
        visit(id=f"e-{number}", treatment__id=f"v-{number}", client__ref=f"c-{number}", time=old,
              treatment__ended_at=old, client__consent={"rebook": ["sms"]}, **changes)
        for number in range(count)
    ]  # fmt: skip


@asynccontextmanager
async def ramped(house: House, a_day: int, *, limit: int = 200) -> AsyncIterator[Intake]:
    intake = Intake(house.database, shipped().protocols, ramp=Ramp(MONDAY, a_day), limit=limit)
    intake.start()
    yield intake
    await intake.stop()


async def take(house: House, intake: Intake, values: list[Json]) -> None:
    await intake.take_all("glow", [read(value, house.clock()) for value in values])


async def days(house: House) -> dict[date, int]:
    return Counter(one.due_at.date() for one in await house.rows(Reminder, MAINTENANCE) if one.reason == "ramped")


@on_sqlite
@pytest.mark.parametrize("limit", [1, 2, 200])
async def test_a_history_goes_out_so_many_a_day_however_it_is_grouped(house: House, limit: int) -> None:
    async with ramped(house, 3, limit=limit) as intake:
        await take(house, intake, four_weeks_old(house, 5))
    assert await days(house) == {MONDAY: 3, MONDAY + timedelta(days=1): 2}


@on_sqlite
async def test_whatever_is_planned_anew_leaves_the_days_as_they_are(house: House) -> None:
    values = four_weeks_old(house, 5)
    async with ramped(house, 3) as intake:
        await take(house, intake, values)
    spread = await days(house)
    await house.take(*(value | {"id": "again-" + value["id"]} for value in values))
    assert await days(house) == spread
    async with house.database.write() as connection:
        await change_clinic(connection, "glow", {"time_zone": "America/New_York"}, house.clock())
    moved = {"ref": "c-0", "time_zone": "Asia/Tokyo"}
    await house.take(said("client.updated", id="moved", client=moved))
    await Replanning(house.database, shipped().protocols).run()
    assert await days(house) == spread
    zones = {one.client: one.zone for one in await house.rows(Reminder, MAINTENANCE) if one.reason == "ramped"}
    assert zones["c-0"] == "Asia/Tokyo"


@on_sqlite
@pytest.mark.parametrize(("ramp", "soon", "spread"), [(None, 5, {}), (Ramp(MONDAY, 3), 0, {23: 3, 24: 2})])
async def test_a_code_that_gets_its_meaning_after_the_import_is_spread_alike(
    house: House, monkeypatch: pytest.MonkeyPatch, ramp: Ramp | None, soon: int, spread: dict[int, int]
) -> None:
    monkeypatch.setattr(mapping, "_BATCH", 2)
    await house.take(*four_weeks_old(house, 5, treatment__protocol="MN-60"))
    mapped = await mapping.map_code(
        house.database, shipped().protocols, "glow", "MN-60", "microneedling", "staff:owner", ramp
    )
    assert (mapped.treatments, mapped.soon) == (5, soon)
    assert {day.day: count for day, count in (await days(house)).items()} == spread


@on_sqlite
async def test_what_a_later_batch_calls_off_does_not_count_as_due_soon(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, "_BATCH", 1)
    (older,) = four_weeks_old(house, 1, treatment__protocol="MN-60")
    newer = (house.clock() - timedelta(days=10)).isoformat()
    await house.take(older, older | visit(id="e-1", treatment__id="v-1", client__ref="c-0", time=newer,
                                          treatment__ended_at=newer, treatment__protocol="MN-60"))  # fmt: skip
    mapped = await mapping.map_code(
        house.database, shipped().protocols, "glow", "MN-60", "microneedling", "staff:owner"
    )
    assert (mapped.treatments, mapped.soon) == (2, 0)


async def test_a_transaction_that_is_run_again_burns_no_days(postgres_house: House) -> None:
    house = postgres_house
    async with ramped(house, 3) as intake:
        record, failed = intake._recorder.record, list[bool]()

        async def lost_once(*given: Any, **more: Any) -> Any:
            found = await record(*given, **more)
            if not failed:
                failed.append(True)
                raise ConnectionResetError("lost before the commit was known")
            return found

        intake._recorder.record = lost_once  # type: ignore[method-assign]
        await take(house, intake, four_weeks_old(house, 5))
    assert failed
    assert await days(house) == {MONDAY: 3, MONDAY + timedelta(days=1): 2}
