"""A clinic that nobody could tell of an answer asks its clients nothing."""

from datetime import timedelta

from structlog.testing import capture_logs

from service.clinics import change_clinic
from service.replanning import Replanning
from service.replies import Questions
from service.store.tables import Alert, Clinic, Decision, Reminder, core
from service.types import Accepted, Medium
from tests.alerts.raising import raise_alert
from tests.dispatch.acting import TEN, change, on_sqlite, opened, says, the
from tests.support.house import House, clinic, shipped, visit

CHECK = "day-2-sensitivity-check"


async def silence(house: House) -> None:
    """As clinics are that were made before anybody asked for an alert address."""
    await change(house, Clinic, {"alert_email": ""})


async def asks(house: House) -> tuple[str, str]:
    row = await the(house, CHECK)
    return row.state, row.reason


async def set_address(house: House, address: str) -> bool:
    """As staff do; whether a worker that follows schedules anything."""
    async with house.database.write() as connection:
        await change_clinic(connection, "glow", {"alert_email": address}, house.clock())
    return await Replanning(house.database, shipped().protocols).run()


@on_sqlite
async def test_questions_of_a_clinic_without_an_alert_address_are_not_planned_and_the_answer_says_why(
    migrated_url: str,
) -> None:
    async with opened(migrated_url, clinic(alert_email="")) as house:
        (taken,) = await house.take(visit())
        plan = {line.step: (line.state, line.reason) for line in taken.plan}
        assert plan[CHECK] == ("skipped", "no-alert-address")
        assert plan["day-1-sunscreen"] == ("scheduled", "")


async def test_what_was_scheduled_before_is_called_off_once_and_a_worker_says_so(house: House) -> None:
    await house.take(visit(), visit(id="e-2", treatment__id="visit-2", client__ref="c-2"))
    await silence(house)
    questions = Questions(house.database)
    with capture_logs() as lines:
        await questions.refuse_unheard()
        await questions.refuse_unheard()
    assert [(line["clinic"], line["reason"], line["called_off"]) for line in lines if "questions" in line["event"]] == [
        ("glow", "no-alert-address", 2)
    ]
    rows = await house.rows(Reminder, core(Reminder).c.step == CHECK)
    assert {(row.state, row.reason, row.by) for row in rows} == {("cancelled", "no-alert-address", "plan")}
    assert [row.code for row in await house.rows(Decision)] == ["no-alert-address"] * 2
    assert (await house.rows(Reminder, core(Reminder).c.state == "scheduled")) != []


async def test_with_an_address_it_is_asked_after_all_and_waiting_alerts_go_out(house: House) -> None:
    await silence(house)
    await house.take(visit(), visit(id="e-2", treatment__id="visit-2", client__ref="c-2"))
    await raise_alert(house)
    await change(house, Alert, {"due_at": TEN + timedelta(days=1)})
    assert await set_address(house, "desk@glow.example")
    rows = await house.rows(Reminder, core(Reminder).c.step == CHECK)
    assert {(row.state, row.reason) for row in rows} == {("scheduled", "")}
    assert (await house.rows(Alert))[0].due_at == house.clock()
    assert not await set_address(house, "desk@glow.example")
    says(house, Medium.SMS, Accepted("SM1"))
    house.clock.moment = TEN + timedelta(days=1)
    await house.dispatch()
    assert {row.state for row in await house.rows(Reminder, core(Reminder).c.step == CHECK)} == {"sent"}


@on_sqlite
async def test_taking_the_address_away_calls_questions_off_and_their_time_may_pass(house: House) -> None:
    await house.take(visit())
    assert not await set_address(house, "")
    assert await asks(house) == ("cancelled", "no-alert-address")
    house.clock.moment = TEN + timedelta(days=3)
    assert not await set_address(house, "desk@glow.example")
    assert await asks(house) == ("cancelled", "no-alert-address")
