"""What an import finds due already goes out a few a day, from a day on, at its own local hour."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from service.intake.group import Intake
from service.intake.ramp import Ramp
from service.store.tables import Reminder, core
from service.types import Json
from tests.dispatch.acting import on_sqlite
from tests.support.house import House, read, shipped, visit

MAINTENANCE = core(Reminder).c.step.in_(["next-session", "maintenance"])
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(**changes: object) -> Json:
    """Due since yesterday, 10:00 in London; of use for a month."""
    due = datetime(2026, 11, 19, 10, tzinfo=UTC)
    return {"state": "scheduled", "reason": "", "by": "plan", "due_at": due, "expires_at": due + timedelta(days=30),
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
    placed = [ramp.place(row(zone=zone), NOW) for zone in ["Europe/London"] * 4 + ["America/New_York"]]
    assert [one["due_at"].day for one in placed] == days
    assert [one["due_at"].hour for one in placed] == [10, 10, 10, 10, 15]
    assert {(one["state"], one["reason"], one["by"]) for one in placed} == {("scheduled", "ramped", "person")}


def test_where_todays_hour_is_over_it_goes_now() -> None:
    assert Ramp(date(2026, 11, 20), 5).place(row(), NOW)["due_at"] == NOW


def test_one_that_goes_on_counts_what_was_placed_before() -> None:
    assert Ramp(date(2026, 11, 21), 2, placed=5).place(row(), NOW)["due_at"].day == 23


def test_what_lies_ahead_is_left_alone_and_what_is_planned_before_the_start_waits_for_it() -> None:
    ahead = row(due_at=datetime(2026, 11, 28, 10, tzinfo=UTC))
    assert Ramp(date(2026, 11, 25), 2).place(ahead, NOW) == ahead
    assert Ramp(date(2026, 12, 1), 2).place(ahead, NOW)["due_at"] == datetime(2026, 12, 1, 10, tzinfo=UTC)


def test_what_is_of_no_use_so_late_is_skipped_and_takes_nobodys_place() -> None:
    ramp = Ramp(date(2026, 11, 25), 1)
    late = ramp.place(row(expires_at=datetime(2026, 11, 22, tzinfo=UTC)), NOW)
    assert (late["state"], late["reason"], late["by"]) == ("skipped", "too-late-for-ramp", "person")
    assert ramp.place(row(), NOW)["due_at"].day == 25
    past = row(state="skipped", reason="past")
    assert ramp.place(past, NOW) == past


@on_sqlite
async def test_a_history_that_is_imported_goes_out_so_many_a_day_and_planning_again_leaves_it_so(house: House) -> None:
    """Sessions of four weeks ago: the next one is due, for all of them, today."""
    intake = Intake(house.database, shipped().protocols, ramp=Ramp(date(2026, 11, 23), 3))
    intake.start()
    old = house.clock() - timedelta(days=27)
    values = [
        visit(id=f"e-{number}", treatment__id=f"v-{number}", client__ref=f"c-{number}", time=old.isoformat(),
              treatment__ended_at=old.isoformat(), client__consent={"rebook": ["sms"]})
        for number in range(5)
    ]  # fmt: skip
    await intake.take_all("glow", [read(value, house.clock()) for value in values])
    days = Counter(one.due_at.date() for one in await house.rows(Reminder, MAINTENANCE) if one.reason == "ramped")
    assert days == {date(2026, 11, 23): 3, date(2026, 11, 24): 2}
    before = sorted(one.due_at for one in await house.rows(Reminder, MAINTENANCE))
    await intake.take_all("glow", [read(value | {"id": "again-" + value["id"]}, house.clock()) for value in values])
    await intake.stop()
    assert sorted(one.due_at for one in await house.rows(Reminder, MAINTENANCE)) == before
