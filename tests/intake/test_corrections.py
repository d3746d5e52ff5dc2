"""Events about the same treatment and the same course: the newest word counts, in whatever order they arrive."""

from datetime import UTC, datetime
from itertools import permutations, product
from typing import Any

import pytest

from service.intake.answer import Standing, Taken
from service.store.tables import Attempt, Decision, Reminder, Treatment, core
from service.types import Json
from tests.support.house import House, visit

T1, T2 = "2026-11-20T15:05:00Z", "2026-11-20T15:06:00Z"


def coming(taken: Taken) -> dict[str, datetime]:
    return {f"{line.step}/{line.occurrence}": line.due_at for line in taken.plan if line.state == "scheduled"}


def event(id_: str, time: str, version: int | None, note: str) -> Json:
    return visit(id=id_, time=time, treatment__version=version, treatment__note=note)


ORDERED = {
    "by version": (("e-1", T1, 1), ("e-2", T1, 2)),
    "version before time": (("e-2", T2, 1), ("e-1", T1, 2)),
    "a version before none": (("e-2", T2, None), ("e-1", T1, 1)),
    "by time": (("e-2", T1, None), ("e-1", T2, None)),
    "by id": (("e-1", T1, None), ("e-2", T1, None)),
    "same version by id": (("e-1", T1, 3), ("e-2", T1, 3)),
    "same version by time": (("e-2", T1, 3), ("e-1", T2, 3)),
}


@pytest.mark.parametrize("in_one_group", [True, False])
async def test_the_newest_word_on_a_treatment_counts_in_either_order(house: House, in_one_group: bool) -> None:
    for (rule, (older, newer)), newest_last in product(ORDERED.items(), (True, False)):
        ref = f"{rule} {newest_last}"
        events = [_about(ref, event(*older, "old")), _about(ref, event(*newer, "new"))]
        if not newest_last:
            events.reverse()
        if in_one_group:
            taken = await house.take(*events)
        else:
            taken = [(await house.take(one))[0] for one in events]
        last = Standing.PLANNED if newest_last else Standing.OUTDATED
        assert [one.standing for one in taken] == [Standing.PLANNED, last], rule
    assert {row.note for row in await house.rows(Treatment)} == {"new"}


def _about(ref: str, value: Json) -> Json:
    """The event as one about this client's only treatment."""
    value["id"] += ref
    value["data"]["treatment"]["id"] = value["data"]["client"]["ref"] = ref
    return value


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


async def test_an_area_is_the_same_however_it_is_spelt(house: House) -> None:
    for ref, area in (("c-1", "Upper Lip"), ("c-2", "upper-lip"), ("c-3", " upper  lip")):
        first = visit(id=f"e-1 {ref}", treatment__id=f"visit-1 {ref}", treatment__area="upper lip", client__ref=ref,
                      treatment__ended_at="2026-10-20T15:00:00Z")  # fmt: skip
        second = visit(id=f"e-2 {ref}", treatment__id=f"visit-2 {ref}", treatment__area=area, client__ref=ref)
        await house.take(first, second)
        assert "next-session/1" not in coming((await house.take(first))[0]), area


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
        if number % 3:
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


async def test_what_one_channel_took_goes_on_by_the_next_after_a_correction_and_never_by_the_first_again(
    house: House,
) -> None:
    filler = {"treatment__protocol": "dermal-filler", "treatment__version": 1}
    await house.take(visit(**filler))
    await house.dispatch()
    later = {"treatment__version": 2, "treatment__ended_at": "2026-11-20T15:04:00Z"}
    await house.take(visit(id="e-2", time=T2, **filler | later))
    await house.dispatch()
    await house.dispatch()
    attempts = await house.rows(Attempt)
    assert sorted(attempt.medium for attempt in attempts) == ["email", "sms"]
    assert {row.state for row in await house.rows(Reminder, core(Reminder).c.step == "same-day-safety")} == {"captured"}


async def test_what_one_channel_took_was_sent_though_a_correction_calls_the_others_off(house: House) -> None:
    filler = {"treatment__protocol": "dermal-filler", "treatment__version": 1}
    await house.take(visit(**filler))
    await house.dispatch()
    other = {"treatment__version": 2, "treatment__protocol": "led-therapy"}
    await house.take(visit(id="e-2", time=T2, **filler | other))
    (row,) = await house.rows(Reminder, core(Reminder).c.step == "same-day-safety")
    assert row.state == "captured"
