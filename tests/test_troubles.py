"""Senders that their provider refuses: one alert, tries at growing gaps, and on again once it works."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.clinics import NewSender
from service.store.lanes import pause_sender
from service.store.pauses import pause_clinic
from service.store.tables import Alert, Decision, Reminder, Sender, SenderWatch, core
from service.troubles import TroubleRules, Troubles
from service.types import Accepted, FailureClass, Medium, Outcome, Retry
from tests.dispatch.acting import TEN, Scripted, change, day_one_due, on_sqlite, opened, says, the
from tests.support.house import House, clinic

SMS = Medium.SMS
REFUSED = Retry(FailureClass.CREDENTIAL, "20003")
USED_UP = Retry(FailureClass.ACCOUNT_CAP, "63038")
MINUTE = timedelta(minutes=1)


async def refused(house: House, *outcomes: Outcome) -> Scripted:
    """Day 1's text met a refusal, and its sender is paused."""
    await day_one_due(house)
    channel = says(house, SMS, *outcomes)
    await house.dispatch()
    return channel


async def the_lane(house: House) -> Any:
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    return lane


async def pass_time(house: House, until: datetime) -> list[datetime]:
    """Minute by minute: housekeeping and, where that opens something, a start. When something was sent."""
    troubles, sent_at = Troubles(house.database), []
    while house.clock() < until:
        house.clock.advance(minutes=1)
        await troubles.run()
        if (await house.dispatch()).intents:
            sent_at.append(house.clock())
    return sent_at


async def test_one_try_at_growing_gaps_until_it_works_and_one_alert(house: House) -> None:
    channel = await refused(house, *[REFUSED] * 5, Accepted("SM1"))
    tried = await pass_time(house, TEN + timedelta(hours=4))
    gaps = [int((later - earlier) / MINUTE) for earlier, later in zip([TEN, *tried], tried, strict=False)]
    assert gaps[0] == 5
    assert all(wait <= gap <= wait + 1 for gap, wait in zip(gaps, (5, 10, 20, 40, 60), strict=True))
    assert len(channel.sent) == 6
    reminder = await the(house)
    assert (reminder.state, reminder.tries) == ("sent", 1)
    assert (await the_lane(house)).paused_at is None
    (alert,) = await house.rows(Alert)
    assert (alert.kind, alert.about, alert.detail["code"]) == ("sender-paused", "sms", "credential")
    (watch,) = await house.rows(SenderWatch)
    assert (watch.trouble, watch.look_at) == ("", None)


@on_sqlite
async def test_a_sender_that_has_nothing_to_send_proves_nothing_and_its_trouble_stays(house: House) -> None:
    await refused(house, REFUSED, REFUSED, Accepted("SM1"))
    await change(house, Reminder, {"due_at": TEN + timedelta(hours=3)}, core(Reminder).c.step == "day-1-sunscreen")
    await change(house, Sender, {"next_due_at": TEN + timedelta(hours=3)})
    await pass_time(house, TEN + timedelta(hours=2, minutes=59))
    (watch,) = await house.rows(SenderWatch)
    assert ((await the_lane(house)).paused_at, watch.trouble) == (None, "credential")
    await pass_time(house, TEN + timedelta(hours=3, minutes=1))
    assert (await the_lane(house)).paused_reason == "credential"
    await pass_time(house, TEN + timedelta(hours=5))
    assert (await the(house)).state == "sent"
    assert len(await house.rows(Alert)) == 1


@on_sqlite
@pytest.mark.parametrize("reason", ["paused-by-hand", "unknown-messages", "checking-records", "clinic-paused"])
async def test_what_a_person_or_the_records_hold_back_does_not_go_on_by_itself(house: House, reason: str) -> None:
    await day_one_due(house)
    async with house.database.write() as connection:
        await pause_sender(connection, ("glow", "sms"), reason, TEN)
    await pass_time(house, TEN + timedelta(hours=2))
    assert (await the_lane(house)).paused_reason == reason
    assert await house.rows(Alert) == []


@on_sqlite
async def test_a_refused_sender_of_a_paused_clinic_is_not_tried(house: House) -> None:
    channel = await refused(house, REFUSED)
    async with house.database.write() as connection:
        await pause_clinic(connection, "glow", TEN)
    await pass_time(house, TEN + timedelta(hours=1))
    assert len(channel.sent) == 1


async def test_what_would_expire_before_a_used_up_account_sends_again_goes_by_letter(house: House) -> None:
    house.clock.moment = TEN + timedelta(hours=1)
    await refused(house, USED_UP)
    await change(house, Reminder, {"expires_at": TEN + timedelta(hours=13)}, core(Reminder).c.state == "scheduled")
    mail = says(house, Medium.EMAIL, Accepted("m-1"))
    assert await Troubles(house.database).run()
    await house.dispatch()
    assert len(mail.sent) == 1
    assert (await the(house)).state == "sent"
    assert [row.code for row in await house.rows(Decision)] == ["sender-paused", "other-channel"]


@on_sqlite
async def test_what_can_wait_for_the_accounts_next_day_waits(house: House) -> None:
    await refused(house, USED_UP)
    assert not await Troubles(house.database).run()
    assert ((await the(house)).state, (await the(house)).medium) == ("scheduled", "sms")


async def test_without_another_channel_it_waits_for_the_account_and_expires(migrated_url: str) -> None:
    async with opened(migrated_url, clinic(senders=(NewSender(SMS, "+447400123400", 10),))) as house:
        await refused(house, USED_UP)
        await change(house, Reminder, {"expires_at": TEN + timedelta(hours=1)})
        await Troubles(house.database, TroubleRules()).run()
        assert (await the(house)).medium == "sms"
