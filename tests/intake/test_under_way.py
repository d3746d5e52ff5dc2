"""A newer session, a correction or a void arriving while a reminder is being sent: no further try follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.intake.answer import Effect
from service.store.tables import Attempt, Decision, core
from service.types import Accepted, FailureClass, Json, Medium, Retry, Unknown
from tests.dispatch.acting import TEN, on_sqlite, rescue_of, says, the
from tests.intake.changes import told, voided
from tests.support.house import House, visit

SMS = Medium.SMS
BUSY = Retry(FailureClass.NOT_PROCESSED, "429")
OTHER = visit(id="e-2", time="2026-11-20T15:08:00Z", treatment__protocol="led-therapy")

NO_LONGER: dict[str, tuple[Json, str]] = {
    "a void": (voided(), "treatment-voided"),
    "a correction": (OTHER, "no-longer-planned"),
}


async def sending(house: House) -> None:
    await house.take(visit())
    house.clock.moment = TEN


@pytest.mark.parametrize(("event", "reason"), NO_LONGER.values(), ids=NO_LONGER)
async def test_a_send_that_fails_is_not_tried_again(house: House, event: Json, reason: str) -> None:
    await sending(house)
    started = await house.starter.start(10)
    (taken,) = await house.take(event)
    assert ("stopping", "day-1-sunscreen", reason) in told(taken)
    await house.settler._write([(started.intents[0], BUSY)])
    row = await the(house)
    assert (row.state, row.reason, row.by) == ("cancelled", reason, "plan")
    house.clock.advance(minutes=20)
    assert (await house.dispatch()).intents == []
    assert (await house.take(event))[0].changes == taken.changes
    assert await house.rows(Decision, core(Decision).c.reminder == row.id, core(Decision).c.code == reason) != []


async def test_a_lost_answer_that_turns_out_absent_is_not_sent_again(house: House) -> None:
    await sending(house)
    channel = says(house, SMS, Unknown("reset"), found=[[]])
    await house.dispatch()
    await house.take(voided())
    house.clock.advance(minutes=20)
    assert not await rescue_of(house).run()
    row = await the(house)
    assert (row.state, row.reason) == ("cancelled", "treatment-voided")
    assert len(channel.sent) == 1


async def test_what_is_in_flight_may_arrive_and_is_told_as_sent(house: House) -> None:
    await sending(house)
    started = await house.starter.start(10)
    await house.take(voided())
    await house.settler._write([(started.intents[0], Accepted("SM1"))])
    assert (await the(house)).state == "sent"


async def test_a_retry_that_waits_already_is_called_off_at_once(house: House) -> None:
    await sending(house)
    says(house, SMS, BUSY)
    await house.dispatch()
    (taken,) = await house.take(voided())
    assert ("cancelled", "day-1-sunscreen", "treatment-voided") in told(taken)
    assert (await the(house)).state == "cancelled"


async def test_a_newer_session_stops_the_nudge_that_is_being_sent(house: House) -> None:
    await house.take(visit(client__consent={"care": ["sms"], "rebook": ["email"]}))
    nudge = await the(house, "next-session", occurrence=0)
    house.clock.moment = nudge.due_at
    says(house, Medium.EMAIL, Unknown("reset"), found=[[]])
    while (await the(house, "next-session", occurrence=0)).state == "scheduled":
        await house.dispatch()
    assert (await the(house, "next-session", occurrence=0)).state == "sending"
    day = (nudge.due_at - timedelta(hours=1)).isoformat()
    newer = visit(id="e-3", treatment__id="visit-3", time=day, treatment__ended_at=day, course__session=3)
    (taken,) = await house.take(newer)
    assert ("stopping", "next-session", "newer-session") in told(taken)
    house.clock.advance(minutes=20)
    await rescue_of(house).run()
    row = await the(house, "next-session", occurrence=0, treatment="visit-8812")
    assert (row.state, row.reason) == ("cancelled", "newer-session")


@on_sqlite
async def test_what_is_wanted_after_all_is_tried_again(house: House) -> None:
    await sending(house)
    started = await house.starter.start(10)
    await house.take(voided())
    await house.take(visit(id="e-3", time="2026-11-20T15:09:00Z"))
    await house.settler._write([(started.intents[0], BUSY)])
    house.clock.advance(minutes=20)
    assert len((await house.dispatch()).intents) == 1


@on_sqlite
async def test_a_retry_of_what_was_moved_meanwhile_goes_by_its_new_time(house: House) -> None:
    await sending(house)
    started = await house.starter.start(10)
    await house.take(visit(id="e-3", time="2026-11-20T15:09:00Z", treatment__ended_at="2026-11-21T09:00:00Z"))
    await house.settler._write([(started.intents[0], BUSY)])
    house.clock.advance(minutes=20)
    assert all(intent.reminder != started.intents[0].reminder for intent in (await house.dispatch()).intents)
    row = await the(house)
    assert (row.state, row.due_at) == ("scheduled", datetime(2026, 11, 22, 10, tzinfo=UTC))
    house.clock.moment = row.due_at
    await house.dispatch()
    assert len(await house.rows(Attempt, core(Attempt).c.reminder == row.id)) == 2


async def test_a_start_that_was_faster_than_the_void_has_no_further_try(postgres_house: House) -> None:
    """The void read the reminder as waiting; by the time it writes, a start has taken it up."""
    house = postgres_house
    await sending(house)
    planner: Any = house.intake._recorder._planner
    draft = planner._draft

    async def start_in_between(*given: object) -> None:
        await draft(*given)
        await house.starter.start(10)

    planner._draft = start_in_between
    (taken,) = await house.take(voided())
    assert {change.effect for change in taken.changes} == {Effect.CANCELLED}
    row = await the(house)
    assert (row.state, row.called_off) == ("sending", "treatment-voided")
