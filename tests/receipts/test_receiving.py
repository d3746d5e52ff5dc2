"""Receipts as they are applied: to attempts, reminders, addresses and senders, and parked where they fit none."""

from datetime import timedelta

import pytest

from service.store.tables import (
    Alert,
    Attempt,
    Consent,
    Decision,
    ParkedReceipt,
    Recipient,
    Reminder,
    Sender,
    TemplateHold,
    core,
)
from service.types import Accepted, AttemptState, FailureClass, Medium, Rejected, Unknown
from tests.dispatch.acting import TEN, change, day_one_due, on_sqlite, rescue_of, says, the
from tests.receipts.acting import a_letter, a_text, attempts, receipts_of, report, the_attempt, undelivered
from tests.support.house import House, visit

SMS, EMAIL = Medium.SMS, Medium.EMAIL
F = FailureClass


async def codes(house: House) -> list[str]:
    rows = await house.rows(Decision)
    return [row.code for row in sorted(rows, key=lambda row: (row.at, row.id))]


async def test_a_receipt_takes_attempt_and_reminder_along_and_repeats_change_nothing(house: House) -> None:
    await a_text(house)
    taken = receipts_of(house)
    assert await taken.take([report(AttemptState.SENT), report()]) == 2
    attempt, reminder = await the_attempt(house), await the(house)
    assert (attempt.state, reminder.state, attempt.receipt_at) == ("delivered", "delivered", TEN)
    house.clock.advance(minutes=5)
    assert await taken.take([report(), report(AttemptState.SENT), report()]) == 3
    assert (await the_attempt(house), await the(house)) == (attempt, reminder)
    assert await codes(house) == []


async def test_what_did_not_arrive_goes_by_letter_at_once_and_the_number_is_left_alone(house: House) -> None:
    await a_text(house)
    await receipts_of(house).take([undelivered(F.NOT_TEXTABLE), undelivered(F.NOT_TEXTABLE)])
    reminder = await the(house)
    assert (reminder.state, reminder.medium, reminder.sender, reminder.reason) == (
        "scheduled", "email", "email", "other-channel",
    )  # fmt: skip
    assert len((await house.dispatch()).intents) == 1
    assert (await the(house)).state == "sent"
    (number,) = await house.rows(Recipient, core(Recipient).c.medium == "sms")
    assert (number.unusable_reason, number.suppressed_at) == ("not_textable", None)
    (line,) = await house.rows(Decision)
    assert (line.code, line.by, line.detail["failure"]) == ("other-channel", "worker", "not_textable")
    house.clock.advance(days=1)
    for _ in range(3):
        await house.dispatch()
    assert (await the(house, "day-2-sensitivity-check")).medium == "email"


async def test_a_phone_that_is_off_is_tried_twice_more_and_then_gets_a_letter(house: House) -> None:
    await day_one_due(house)
    sms = says(house, SMS, Accepted("SM1"), Accepted("SM2"), Accepted("SM3"))
    mail = says(house, EMAIL, Accepted("m-1"))
    for number in (1, 2, 3):
        await house.dispatch()
        await receipts_of(house).take([undelivered(F.HANDSET_FOR_NOW, provider_id=f"SM{number}")])
        house.clock.advance(hours=1)
    await house.dispatch()
    assert (len(sms.sent), len(mail.sent)) == (3, 1)
    assert await codes(house) == ["try-later", "try-later", "other-channel"]
    assert (await the(house)).state == "sent"


@on_sqlite
@pytest.mark.parametrize("agreed", [False, None])
async def test_without_consent_for_the_other_channel_it_stays_undelivered(house: House, agreed: bool | None) -> None:
    """Rebooking by letter needs a yes of its own: silence is none."""
    await a_text(house)
    consent, reminders = core(Consent), core(Reminder)
    await change(house, Reminder, {"purpose": "rebook"}, reminders.c.step == "day-1-sunscreen")
    async with house.database.write() as connection:
        of_letters = (consent.c.medium == "email", consent.c.purpose == "rebook")
        gone = consent.delete() if agreed is None else consent.update().values(granted=agreed)
        await connection.execute(gone.where(*of_letters))
    await receipts_of(house).take([undelivered(F.HANDSET_GONE)])
    reminder = await the(house)
    assert (reminder.state, reminder.reason) == ("undelivered", "handset_gone")
    assert await codes(house) == ["handset_gone"]


@on_sqlite
@pytest.mark.parametrize(
    ("receipt", "suppressed", "unusable", "state"),
    [
        (undelivered(F.EMAIL_DEAD, provider_id="m-1"), "", "email_dead", "undelivered"),
        (undelivered(F.EMAIL_BLOCKED, provider_id="m-1"), "", "", "scheduled"),
        (report(AttemptState.FAILED, F.EMAIL_REFUSED, provider_id="m-1"), "email_refused", "", "failed"),
        (report(AttemptState.DELIVERED, F.EMAIL_REFUSED, provider_id="m-1"), "email_refused", "", "delivered"),
        (report(AttemptState.ACCEPTED, F.EMAIL_LATER, provider_id="m-1"), "", "", "sent"),
    ],
)
async def test_what_a_mailbox_says(house: House, receipt: object, suppressed: str, unusable: str, state: str) -> None:
    await a_letter(house)
    await receipts_of(house).take([receipt])  # type: ignore[list-item]
    (address,) = await house.rows(Recipient, core(Recipient).c.medium == "email")
    assert (address.suppressed_reason, address.unusable_reason) == (suppressed, unusable)
    assert (await the(house)).state == state


@on_sqlite
async def test_a_complaint_months_later_still_suppresses_the_address(house: House) -> None:
    await a_letter(house)
    await receipts_of(house).take([report(provider_id="m-1")])
    house.clock.advance(days=90)
    await receipts_of(house).take([report(AttemptState.DELIVERED, F.EMAIL_REFUSED, provider_id="m-1")])
    (address,) = await house.rows(Recipient, core(Recipient).c.medium == "email")
    assert address.suppressed_at == house.clock()
    assert (await the(house)).state == "delivered"


@on_sqlite
async def test_a_bounce_after_delivery_is_the_truth(house: House) -> None:
    await a_letter(house)
    receipts = receipts_of(house)
    await receipts.take([report(provider_id="m-1")])
    await receipts.take([undelivered(F.EMAIL_DEAD, provider_id="m-1")])
    assert ((await the_attempt(house)).state, (await the(house)).state) == ("undelivered", "undelivered")


@pytest.mark.parametrize("state", [AttemptState.SENT, AttemptState.DELIVERED])
async def test_evidence_that_it_went_out_stops_a_resend_that_waits(house: House, state: AttemptState) -> None:
    """Its answer was lost, the records did not show it, it was to be sent once more: then its receipt comes."""
    await day_one_due(house)
    sms = says(house, SMS, Unknown("reset"), found=[[]])
    await house.dispatch()
    house.clock.advance(minutes=20)
    assert await rescue_of(house).run()
    attempt = await the_attempt(house)
    assert (attempt.state, (await the(house)).state) == ("absent", "scheduled")
    await receipts_of(house).take([report(state, token=attempt.token)])
    assert (await house.dispatch()).intents == []
    assert len(sms.sent) == 1
    assert (await the(house)).state == ("delivered" if state is AttemptState.DELIVERED else "sent")
    assert (await codes(house))[-1] == "went-out-after-all"


async def test_evidence_that_comes_while_a_resend_is_under_way_ends_what_its_failure_would_begin(house: House) -> None:
    await day_one_due(house)
    says(house, SMS, Unknown("reset"), found=[[]])
    await house.dispatch()
    house.clock.advance(minutes=20)
    await rescue_of(house).run()
    (second,) = (await house.starter.start(10)).intents
    await receipts_of(house).take([report(token=(await the_attempt(house)).token)])
    assert (await the(house)).state == "sending"
    await house.settler._write([(second, Rejected(F.NOT_TEXTABLE, "21614"))])
    assert (await the(house)).state == "delivered"


async def test_a_receipt_that_decides_before_our_own_answer_is_written_is_not_undone_by_it(house: House) -> None:
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    await receipts_of(house).take([undelivered(F.NOT_TEXTABLE, token=intent.outgoing.token)])
    await house.settler._write([(intent, Accepted("SM1"))])
    reminder = await the(house)
    assert (reminder.state, reminder.medium) == ("scheduled", "email")
    assert ((await the_attempt(house)).state, (await the_attempt(house)).provider_id) == ("undelivered", "SM1")


@pytest.mark.parametrize("settled_first", [True, False])
async def test_a_step_for_all_channels_goes_on_whatever_the_first_ones_receipt_says_and_when(
    house: House, settled_first: bool
) -> None:
    await house.take(visit(treatment__protocol="dermal-filler"))
    (intent,) = (await house.starter.start(10)).intents
    steps = [house.settler._write([(intent, Accepted("SM1"))]), receipts_of(house).take([
        report(token=intent.outgoing.token)])]  # fmt: skip
    for step in steps if settled_first else reversed(steps):
        await step
    mail = says(house, EMAIL, Accepted("m-1"))
    await house.dispatch()
    assert len(mail.sent) == 1
    await receipts_of(house).take([undelivered(F.EMAIL_DEAD, provider_id="m-1")])
    assert (await the(house, "same-day-safety")).state == "delivered"


@on_sqlite
async def test_an_account_that_is_used_up_or_refused_pauses_its_sender_and_the_message_stays_due(house: House) -> None:
    await a_text(house)
    await receipts_of(house).take([undelivered(F.CREDENTIAL)])
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert (lane.paused_at, lane.paused_reason) == (TEN, "credential")
    reminder = await the(house)
    assert (reminder.state, reminder.medium, reminder.reason) == ("scheduled", "sms", "sender-paused")


@on_sqlite
async def test_words_that_carriers_refuse_again_and_again_are_held_back_with_one_alert(house: House) -> None:
    for number in range(4):
        who = {"id": f"e-{number}", "treatment__id": f"v-{number}", "client__ref": f"c-{number}"}
        await day_one_due(house, **who, client__phone=f"+44740012345{number}")
    says(house, SMS, *(Accepted(f"SM{number}") for number in range(4)))
    await house.dispatch()
    for number in range(4):
        refusal = undelivered(F.CONTENT, provider_id=f"SM{number}")
        await receipts_of(house).take([refusal, refusal])
        assert len(await house.rows(TemplateHold)) == (number >= 2)
    (hold,) = await house.rows(TemplateHold)
    assert (hold.step, hold.medium, hold.locale, hold.author) == ("day-1-sunscreen", "sms", "en", "aftercare")
    (alert,) = await house.rows(Alert)
    assert (alert.kind, alert.detail["refused"]) == ("words-refused", 3)
    assert {row.reason for row in await house.rows(Reminder, core(Reminder).c.state == "undelivered")} == {"content"}


async def test_a_receipt_without_its_attempt_waits_until_that_is_there(house: House) -> None:
    """It names only an id that the provider gave and we have not stored."""
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    receipts = receipts_of(house)
    assert await receipts.take([report(), report(), report(provider_id="SM-of-somebody-else")]) == 0
    assert len(await house.rows(ParkedReceipt)) == 2
    assert not await receipts.keep_house()
    await house.settler._write([(intent, Accepted("SM1"))])
    assert await receipts.keep_house()
    assert ((await the_attempt(house)).state, (await the(house)).state) == ("delivered", "delivered")
    assert [row.provider_id for row in await house.rows(ParkedReceipt)] == ["SM-of-somebody-else"]
    house.clock.advance(days=3, seconds=1)
    await receipts.keep_house()
    assert await house.rows(ParkedReceipt) == []


@on_sqlite
async def test_a_flood_of_receipts_about_nothing_is_bounded(house: House) -> None:
    await a_text(house)
    flood = [report(provider_id=f"SM-foreign-{number}") for number in range(300)]
    assert await receipts_of(house).take([*flood, report(), report(provider_id="")]) == 1
    assert len(await house.rows(ParkedReceipt)) == 5
    assert (await the(house)).state == "delivered"


@on_sqlite
async def test_a_token_and_an_id_that_fit_nothing_change_nothing(house: House) -> None:
    await a_text(house)
    before = await attempts(house)
    assert await receipts_of(house).take([report(token="nobody's", provider_id="SM9")]) == 0
    assert await attempts(house) == before


@on_sqlite
async def test_no_receipt_after_three_days_is_no_failure(house: House) -> None:
    await a_text(house)
    house.clock.advance(days=4)
    await rescue_of(house).run()
    assert ((await the_attempt(house)).state, (await the(house)).state) == ("accepted", "sent")
    assert await house.rows(Attempt, core(Attempt).c.created_at > TEN + timedelta(days=1)) == []
