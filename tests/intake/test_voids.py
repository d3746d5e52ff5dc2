"""Treatments that are taken back, before or after they were reported, and ones that were somebody else's."""

from datetime import UTC, datetime

import pytest

from service.intake.answer import Effect, Standing
from service.store.tables import Reminder, Treatment, core
from tests.dispatch.acting import TEN, on_sqlite
from tests.intake.changes import coming, told, voided
from tests.support.house import House, visit

T3 = "2026-11-20T15:09:00Z"


async def test_a_void_calls_off_what_is_to_come_and_says_what_had_gone_out(house: House) -> None:
    await house.take(visit(treatment__version=1))
    house.clock.moment = TEN
    await house.dispatch()
    (taken,) = await house.take(voided(version=2))
    assert (taken.standing, taken.treatment) == (Standing.VOIDED, "visit-8812")
    effects = {(change.step, change.occurrence): (change.effect, change.reason) for change in taken.changes}
    assert effects.pop(("day-1-sunscreen", 0)) == (Effect.KEPT, "treatment-voided")
    assert set(effects.values()) == {(Effect.CANCELLED, "treatment-voided")}
    assert await coming(house) == {}
    (again,) = await house.take(voided(version=2))
    assert (again.created, again.as_json()) == (False, taken.as_json())


@on_sqlite
@pytest.mark.parametrize("first", ["void", "visit"])
@pytest.mark.parametrize(
    ("visit_said", "void_said", "stays_void"),
    [
        ({}, {}, True),
        ({"time": T3}, {}, False),
        ({"treatment__version": 1}, {"version": 2}, True),
        ({"treatment__version": 3}, {"version": 2}, False),
        ({"treatment__version": 3}, {}, True),
        ({"treatment__version": 3, "time": T3}, {}, False),
    ],
)
async def test_a_void_counts_whichever_comes_first_unless_the_treatment_is_newer(
    house: House, first: str, visit_said: dict[str, object], void_said: dict[str, int], stays_void: bool
) -> None:
    events = [visit(**visit_said), voided(**void_said)]  # type: ignore[arg-type]
    for event in reversed(events) if first == "void" else events:
        await house.take(event)
    assert bool(await coming(house)) is not stays_void
    (row,) = await house.rows(Treatment)
    assert row.state == ("voided" if stays_void else "planned")


async def test_what_is_reported_after_its_void_is_stored_and_answered_as_void(house: House) -> None:
    (taken,) = await house.take(voided())
    assert (taken.standing, taken.plan, taken.changes) == (Standing.VOIDED, (), ())
    (taken,) = await house.take(visit())
    assert (taken.standing, taken.plan) == (Standing.VOIDED, ())
    older = voided("e-older", time="2026-11-20T15:07:00Z")
    assert (await house.take(older))[0].standing is Standing.OUTDATED


async def test_a_void_gives_the_session_before_its_nudges_back(house: House) -> None:
    first = visit(id="e-1", treatment__id="visit-1", treatment__ended_at="2026-10-30T15:00:00Z", course__session=1)
    await house.take(first, visit())
    (taken,) = await house.take(voided())
    armed = {change.step for change in taken.changes if change.effect is Effect.PLANNED}
    assert armed == {"day-30-results-check", "next-session", "maintenance-due"}
    assert {treatment for treatment, _, _ in await coming(house)} == {"visit-1"}
    (again,) = await house.take(voided())
    assert again.changes == taken.changes


async def test_a_treatment_of_another_client_is_a_void_and_a_new_plan_and_tells_what_the_wrong_one_got(
    house: House,
) -> None:
    await house.take(visit(treatment__version=1))
    house.clock.moment = TEN
    await house.dispatch()
    right = visit(id="e-2", time="2026-11-21T10:05:00Z", treatment__version=2, client__ref="c-18",
                  client__first_name="Grace", client__phone="+447400123457")  # fmt: skip
    house.clock.moment = datetime(2026, 11, 21, 10, 6, tzinfo=UTC)
    (taken,) = await house.take(right)
    assert ("kept", "day-1-sunscreen", "other-client") in told(taken)
    assert ("cancelled", "next-session", "other-client") in told(taken)
    assert {change.client for change in taken.changes} == {"c-17"}
    assert await coming(house, "c-17") == {}
    assert ("visit-8812", "day-1-sunscreen", 0) in await coming(house, "c-18")
    assert (await house.take(right))[0].as_json() == taken.as_json()
    started = await house.dispatch()
    assert [intent.outgoing.to for intent in started.intents] == ["+447400123457"]


async def test_a_treatment_that_comes_back_to_its_first_client_sends_nothing_twice(house: House) -> None:
    await house.take(visit(treatment__version=1))
    house.clock.moment = TEN
    await house.dispatch()
    for version, ref in ((2, "c-18"), (3, "c-17")):
        await house.take(visit(id=f"e-{version}", treatment__version=version, client__ref=ref))
    scheduled = await coming(house)
    assert ("visit-8812", "day-1-sunscreen", 0) not in scheduled
    assert ("visit-8812", "day-2-sensitivity-check", 0) in scheduled
    assert await coming(house, "c-18") == {}
    (sent,) = await house.rows(Reminder, core(Reminder).c.state == "captured")
    assert sent.treatment == "visit-8812"


async def test_an_older_word_on_whose_treatment_it_is_changes_nothing(house: House) -> None:
    await house.take(visit(treatment__version=2))
    before = await coming(house)
    (taken,) = await house.take(visit(id="e-0", treatment__version=1, client__ref="c-18"))
    assert taken.standing is Standing.OUTDATED
    assert await coming(house) == before
