"""Appointments: they hold a course's nudges until two days after their time, and let them go when cancelled."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from service.intake.answer import Effect, Standing
from service.store.tables import Appointment, Decision, core
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import APPOINTMENT, booked, cancelled, coming, told
from tests.support.house import House, visit

HELD_UNTIL = datetime.fromisoformat(APPOINTMENT) + timedelta(days=2)
NUDGES = ("next-session", "maintenance-due")


async def test_a_booking_holds_the_nudges_of_its_course_and_says_so(house: House) -> None:
    await house.take(visit())
    before = await coming(house)
    (taken,) = await house.take(booked())
    assert (taken.standing, taken.treatment, taken.plan) == (Standing.BOOKED, None, ())
    assert {effect for effect, _, _ in told(taken)} == {"moved"}
    assert {(step, reason) for _, step, reason in told(taken)} == {("next-session", "booked")}
    after = await coming(house)
    assert all(due >= HELD_UNTIL for (_, step, _), due in after.items() if step in NUDGES)
    assert {key: due for key, due in after.items() if key[1] not in NUDGES} == {
        key: due for key, due in before.items() if key[1] not in NUDGES
    }
    assert {line.code for line in await house.rows(Decision)} == {"booked"}
    (again,) = await house.take(booked())
    assert (again.created, again.as_json()) == (False, taken.as_json())


async def test_a_cancelled_booking_lets_them_go_again(house: House) -> None:
    await house.take(visit())
    before = await coming(house)
    await house.take(booked())
    (taken,) = await house.take(cancelled())
    assert {reason for _, _, reason in told(taken)} == {"booking-cancelled"}
    assert await coming(house) == before


@on_sqlite
async def test_bookings_and_cancellations_count_in_any_order(house: House) -> None:
    events = [
        visit(),
        booked(version=1),
        booked("e-moved", time="2026-11-20T15:07:00Z", starts_at="2027-01-25T15:00:00Z", version=2),
        cancelled(time="2026-11-20T15:08:00Z", version=3),
    ]
    plans = set()
    for number, order in enumerate(permutations(range(4))):
        ref = f"c-{number}"
        for place in order:
            value = {**events[place], "id": f"{ref}-{place}"}
            data = value["data"] = {**events[place]["data"], "client": {"ref": ref}}
            what = "treatment" if "treatment" in data else "appointment"
            data[what] = data[what] | {"id": ref}
            await house.take(value)
        plans.add(frozenset((step, n, due) for (_, step, n), due in (await coming(house, ref)).items()))
    assert len(plans) == 1


async def test_a_known_id_is_a_reschedule_and_an_older_word_changes_nothing(house: House) -> None:
    await house.take(visit(), booked())
    later = booked("e-moved", time="2026-11-20T15:08:00Z", starts_at="2027-01-25T15:00:00Z")
    assert (await house.take(later))[0].standing is Standing.BOOKED
    assert (await house.take(booked("e-old", time="2026-11-20T15:05:00Z")))[0].standing is Standing.OUTDATED
    assert (await house.take(cancelled(time="2026-11-20T15:07:00Z")))[0].standing is Standing.OUTDATED
    (row,) = await house.rows(Appointment)
    assert row.starts_at == datetime(2027, 1, 25, 15, tzinfo=UTC)
    nudges = [due for (_, step, _), due in (await coming(house)).items() if step == "next-session"]
    assert min(nudges) >= datetime(2027, 1, 27, 15, tzinfo=UTC)


async def test_a_session_at_the_time_of_the_appointment_takes_its_place(house: House) -> None:
    await house.take(visit(), booked())
    house.clock.moment = datetime.fromisoformat(APPOINTMENT) + timedelta(hours=1)
    session = visit(id="e-3", treatment__id="visit-3", treatment__ended_at=APPOINTMENT, time=APPOINTMENT,
                    course__session=3)  # fmt: skip
    await house.take(session)
    assert {treatment for treatment, step, _ in await coming(house) if step in NUDGES} == {"visit-3"}


async def test_when_no_session_comes_the_nudge_goes_out_two_days_later(house: House) -> None:
    agreed = {"care": ["sms", "email"], "rebook": ["sms", "email"]}
    await house.take(visit(client__consent=agreed), booked())
    house.clock.moment = HELD_UNTIL - timedelta(minutes=1)
    await house.dispatch()
    assert ("visit-8812", "next-session", 0) in await coming(house)
    house.clock.moment = (await coming(house))["visit-8812", "next-session", 0]
    assert house.clock.moment - HELD_UNTIL < timedelta(days=1)
    assert len((await house.dispatch()).intents) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("about", "holds"),
    [
        ({}, True),
        ({"area": "Face"}, True),
        ({"area": "neck"}, False),
        ({"protocol": "ipl"}, False),
        ({"protocol": "", "course": {"id": "the course"}}, True),
        ({"course": {"id": "another course"}}, False),
        ({"client": {"ref": "c-18"}}, False),
    ],
)
async def test_it_holds_the_course_that_it_continues(house: House, about: dict[str, object], holds: bool) -> None:
    await house.take(visit(treatment__area="face", course__id="the course"))
    (taken,) = await house.take(booked(**about))  # type: ignore[arg-type]
    assert bool(taken.changes) is holds


async def test_one_that_turns_out_to_be_another_clients_lets_the_first_ones_nudges_go(house: House) -> None:
    await house.take(visit(), visit(id="e-2", treatment__id="visit-2", client__ref="c-18"))
    before = await coming(house)
    await house.take(booked())
    (taken,) = await house.take(booked("e-moved", time="2026-11-20T15:08:00Z", client={"ref": "c-18"}))
    assert {(change.client, change.effect) for change in taken.changes} == {
        ("c-17", Effect.MOVED), ("c-18", Effect.MOVED),
    }  # fmt: skip
    assert await coming(house) == before


async def test_a_cancellation_of_what_was_never_booked_is_remembered(house: House) -> None:
    (taken,) = await house.take(cancelled())
    assert (taken.standing, taken.changes) == (Standing.CANCELLED, ())
    await house.take(visit())
    (taken,) = await house.take(booked())
    assert (taken.standing, taken.changes) == (Standing.CANCELLED, ())
    (row,) = await house.rows(Appointment, core(Appointment).c.client == "c-17")
    assert row.cancelled_by == "e-cancelled"
