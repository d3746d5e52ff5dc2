"""Events about the same treatment and the same course: the newest word counts, in whatever order they arrive."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from service.intake import Taken
from service.intake.answer import Standing
from service.store.tables import Attempt, Decision, Reminder, Treatment, core
from service.types import Json
from tests.support.house import House, visit

T1, T2 = "2026-11-20T15:05:00Z", "2026-11-20T15:06:00Z"


def coming(taken: Taken) -> dict[str, datetime]:
    return {f"{line.step}/{line.occurrence}": line.due_at for line in taken.plan if line.state == "scheduled"}


def event(id_: str, time: str, version: int | None, note: str) -> Json:
    return visit(id=id_, time=time, treatment__version=version, treatment__note=note)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("e-1", T1, 1), ("e-2", T1, 2)),
        (("e-2", T2, 1), ("e-1", T1, 2)),
        (("e-2", T2, None), ("e-1", T1, 1)),
        (("e-2", T1, None), ("e-1", T2, None)),
        (("e-1", T1, None), ("e-2", T1, None)),
        (("e-1", T1, 3), ("e-2", T1, 3)),
        (("e-2", T1, 3), ("e-1", T2, 3)),
    ],
    ids=["by version", "version before time", "a version before none", "by time", "by id", "same version by id",
         "same version by time"],
)  # fmt: skip
@pytest.mark.parametrize("in_one_group", [True, False])
async def test_the_newest_word_on_a_treatment_counts_in_either_order(
    house: House, older: tuple[str, str, int | None], newer: tuple[str, str, int | None], in_one_group: bool
) -> None:
    for ref, order in (("c-1", ("old", "new")), ("c-2", ("new", "old"))):
        events = {"old": event(*older, "old"), "new": event(*newer, "new")}
        for name, one in events.items():
            one["id"] += ref
            one["data"]["treatment"]["id"] = one["data"]["client"]["ref"] = ref
            one["data"]["course"]["session"] = 1 if name == "old" else 2
        if in_one_group:
            taken = await house.take(*(events[name] for name in order))
        else:
            taken = [(await house.take(events[name]))[0] for name in order]
        assert [one.standing for one in taken] == [
            Standing.PLANNED,
            Standing.PLANNED if order[1] == "new" else Standing.OUTDATED,
        ]
    assert [(row.note, row.session) for row in await house.rows(Treatment)] == [("new", 2), ("new", 2)]


async def test_an_older_correction_changes_nothing_of_the_plan(house: House) -> None:
    await house.take(visit(treatment__version=2))
    before = await house.rows(Reminder)
    outdated = visit(id="e-0", treatment__version=1, treatment__ended_at="2026-11-19T15:00:00Z",
                     treatment__protocol="ipl")  # fmt: skip
    (taken,) = await house.take(outdated)
    assert (taken.standing, taken.created) == (Standing.OUTDATED, True)
    assert await house.rows(Reminder) == before
    assert len(taken.plan) == len(before)
    (again,) = await house.take(outdated)
    assert (again.created, again.plan) == (False, taken.plan)


async def test_a_correction_moves_what_is_to_come_and_says_so(house: House) -> None:
    await house.take(visit(treatment__version=1))
    (taken,) = await house.take(
        visit(id="e-2", treatment__version=2, treatment__ended_at="2026-11-19T15:00:00Z", time=T2)
    )
    assert coming(taken)["day-2-sensitivity-check/0"] == datetime(2026, 11, 21, 10, tzinfo=UTC)
    (moved,) = await house.rows(Reminder, core(Reminder).c.step == "day-2-sensitivity-check")
    (line,) = await house.rows(Decision, core(Decision).c.reminder == moved.id)
    assert (line.code, line.by) == ("replanned", "plan")


async def test_a_sent_step_is_never_planned_again(house: House) -> None:
    await house.take(visit(treatment__version=1))
    house.clock.moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
    await house.dispatch()
    sent = await house.rows(Reminder, core(Reminder).c.state == "captured")
    assert len(sent) == 1
    (taken,) = await house.take(
        visit(id="e-2", treatment__version=2, treatment__ended_at="2026-11-20T22:00:00Z", time="2026-11-21T10:00:00Z")
    )
    assert "day-1-sunscreen/0" not in coming(taken)
    assert await house.rows(Reminder, core(Reminder).c.state == "captured") == sent
    house.clock.moment = datetime(2026, 11, 21, 12, tzinfo=UTC)
    await house.dispatch()
    steps = [row.reminder for row in await house.rows(Attempt)]
    assert len(steps) == len(set(steps))


async def test_a_step_skipped_as_past_comes_back_when_a_correction_moves_it_ahead(house: House) -> None:
    await house.take(visit(treatment__version=1, treatment__ended_at="2025-11-20T15:00:00Z"))
    (taken,) = await house.take(visit(id="e-2", treatment__version=2, time=T2))
    assert len(coming(taken)) == 10


async def test_a_correction_to_another_protocol_calls_the_old_plan_off_and_makes_the_new_one(house: House) -> None:
    await house.take(visit(treatment__version=1))
    (taken,) = await house.take(visit(id="e-2", treatment__version=2, treatment__protocol="chemical-peel-light"))
    states = {(line.step, line.state) for line in taken.plan}
    assert ("day-1-sunscreen", "cancelled") in states
    assert ("day-1-sun-and-no-picking", "scheduled") in states
    scheduled = await house.rows(Reminder, core(Reminder).c.state == "scheduled")
    assert {row.protocol for row in scheduled} == {"chemical-peel-light"}


async def test_a_correction_to_a_protocol_that_is_not_known_calls_the_plan_off(house: House) -> None:
    await house.take(visit(treatment__version=1))
    (taken,) = await house.take(visit(id="e-2", treatment__version=2, treatment__protocol="led-therapy"))
    assert taken.standing is Standing.UNMAPPED
    assert coming(taken) == {}
    assert await house.rows(Reminder, core(Reminder).c.state == "scheduled") == []


async def test_a_correction_of_the_area_moves_the_treatment_to_the_other_course(house: House) -> None:
    """The session of the face no longer supersedes that of the neck."""
    face = visit(id="e-1", treatment__id="visit-1", treatment__area="face", treatment__ended_at="2026-10-20T15:00:00Z")
    await house.take(face)
    await house.take(visit(treatment__version=1, treatment__area="face"))
    (before,) = await house.take(face)
    assert "next-session/1" not in coming(before)
    await house.take(visit(id="e-2", treatment__version=2, treatment__area="neck"))
    (after,) = await house.take(face)
    assert "next-session/1" in coming(after)


@pytest.mark.parametrize("area", ["Upper Lip", "upper-lip", " upper  lip"])
async def test_an_area_is_the_same_however_it_is_spelt(house: House, area: str) -> None:
    first = visit(id="e-1", treatment__id="visit-1", treatment__area="upper lip",
                  treatment__ended_at="2026-10-20T15:00:00Z")  # fmt: skip
    await house.take(first, visit(treatment__area=area))
    assert "next-session/1" not in coming((await house.take(first))[0])


def sessions(ref: str) -> list[Json]:
    """A course of three, a late correction of the second, and another client's visit that must not matter."""
    days = ("2026-10-23T15:00:00Z", "2026-11-18T15:00:00Z", "2026-11-20T15:00:00Z")
    course = [
        visit(id=f"{ref}-{n}", time=day, treatment__id=f"{ref}-visit-{n}", treatment__ended_at=day,
              course__session=n, course__of=3, client__ref=ref, treatment__version=1)
        for n, day in enumerate(days, start=1)
    ]  # fmt: skip
    correction = visit(id=f"{ref}-4", time="2026-11-20T15:08:00Z", treatment__id=f"{ref}-visit-2", course__session=2,
                       treatment__ended_at="2026-11-19T15:00:00Z", course__of=4, client__ref=ref,
                       treatment__version=2)  # fmt: skip
    return [*course, correction]


async def test_the_order_of_arrival_does_not_matter(house: House) -> None:
    """Every order of four events, one by one or in one group, ends in the same plan."""
    plans = set()
    for number, order in enumerate(permutations(range(4))):
        events = sessions(f"c-{number}")
        if number % 2:
            await house.take(*(events[place] for place in order))
        else:
            for place in order:
                await house.take(events[place])
        rows = await house.rows(Reminder, core(Reminder).c.client == f"c-{number}")
        plans.add(frozenset(_essence(row, number) for row in rows))
    assert len(plans) == 1


def _essence(row: Any, number: int) -> tuple[Any, ...]:
    """What must not depend on the order. Whether a step was never wanted or called off again is history."""
    treatment = row.treatment.removeprefix(f"c-{number}-")
    if row.state == "scheduled":
        return (treatment, row.step, row.occurrence, row.due_at, row.expires_at, row.medium)
    assert row.state in {"skipped", "cancelled"}
    return (treatment, row.step, row.occurrence, row.reason)
