"""What each outcome leads to: for the attempt, the reminder, the recipient and the sender."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clinics import NewSender
from service.dispatch import Backoff
from service.dispatch.intent import Intent
from service.dispatch.settle import write_settlements
from service.dispatch.settlement import settle
from service.store.lanes import resume_senders
from service.store.tables import Attempt, Decision, Recipient, Reminder, Sender, core
from service.types import (
    Accepted,
    AttemptState,
    Captured,
    FailureClass,
    Medium,
    OptedOut,
    Outcome,
    Outgoing,
    Rejected,
    ReminderState,
    Retry,
    SenderAddress,
    SendMode,
    Sms,
    Unknown,
)
from tests.dispatch.acting import TEN, change, day_one_due, on_sqlite, opened, rescue_of, says, the
from tests.support.house import House, clinic, visit

SMS, EMAIL = Medium.SMS, Medium.EMAIL
ACCEPTED = Accepted("SM1")


@dataclass(frozen=True)
class Then:
    """What an outcome of an SMS leads to."""

    attempt: str
    reminder: str
    reason: str = ""
    medium: str = "sms"
    tries: int = 1


FAILURES = [
    (Accepted("SM1"), Then("accepted", "sent")),
    (Captured(), Then("captured", "captured")),
    (Retry(FailureClass.NOT_PROCESSED, "20429"), Then("failed", "scheduled", "retry")),
    (Retry(FailureClass.SENDER_SATURATED, "30022"), Then("failed", "scheduled", "retry")),
    (Retry(FailureClass.HANDSET_FOR_NOW, "30003"), Then("failed", "scheduled", "retry")),
    (Retry(FailureClass.CREDENTIAL, "20003"), Then("failed", "scheduled", "sender-paused", tries=0)),
    (Rejected(FailureClass.CREDENTIAL, "30034"), Then("failed", "scheduled", "sender-paused", tries=0)),
    (Retry(FailureClass.ACCOUNT_CAP, "63038"), Then("failed", "scheduled", "sender-paused", tries=0)),
    (Rejected(FailureClass.NOT_TEXTABLE, "21614"), Then("failed", "scheduled", "other-channel", "email")),
    (Rejected(FailureClass.HANDSET_GONE, "30005"), Then("failed", "scheduled", "other-channel", "email")),
    (Rejected(FailureClass.ROUTE, "21408"), Then("failed", "scheduled", "other-channel", "email")),
    (Rejected(FailureClass.MALFORMED, "400"), Then("failed", "scheduled", "other-channel", "email")),
    (Rejected(FailureClass.CONTENT, "30007"), Then("failed", "failed", "content")),
    (OptedOut("21610"), Then("failed", "scheduled", "other-channel", "email")),
    (Unknown("reset"), Then("unknown", "sending")),
]


@pytest.mark.parametrize(("outcome", "then"), FAILURES, ids=lambda value: str(value)[:40])
async def test_an_outcome_moves_attempt_and_reminder(house: House, outcome: Outcome, then: Then) -> None:
    await day_one_due(house)
    says(house, SMS, outcome)
    assert len((await house.dispatch()).intents) == 1
    (attempt,) = await house.rows(Attempt)
    reminder = await the(house)
    assert (attempt.state, attempt.fence) == (then.attempt, 1)
    assert Then(attempt.state, reminder.state, reminder.reason, reminder.medium, reminder.tries) == then
    if isinstance(outcome, Retry | Rejected):
        assert (attempt.failure, attempt.code) == (outcome.failure.value, outcome.code)
    if then.reminder == "sending":
        assert attempt.look_up_at == TEN + timedelta(minutes=20)
        assert reminder.lease_until == TEN + timedelta(seconds=60)
    else:
        assert reminder.lease_until is None


async def test_what_was_decided_and_why_is_written_down(house: House) -> None:
    await day_one_due(house)
    says(house, SMS, Rejected(FailureClass.NOT_TEXTABLE, "21614"))
    (intent,) = (await house.dispatch()).intents
    (line,) = await house.rows(Decision)
    assert (line.reminder, line.at, line.code, line.by) == (intent.reminder, TEN, "other-channel", "worker")
    assert line.detail == {
        "attempt": str(intent.outgoing.attempt), "medium": "sms", "code": "21614", "failure": "not_textable",
    }  # fmt: skip


@on_sqlite
@pytest.mark.parametrize(
    ("outcome", "unusable", "suppressed"),
    [
        (Rejected(FailureClass.NOT_TEXTABLE, "21614"), "not_textable", ""),
        (Rejected(FailureClass.HANDSET_GONE, "30005"), "handset_gone", ""),
        (Rejected(FailureClass.ROUTE, "21408"), "", ""),
        (Rejected(FailureClass.MALFORMED, "400"), "", ""),
        (OptedOut("21610"), "", "provider-opt-out"),
        (Unknown("reset"), "", ""),
    ],
)
async def test_an_outcome_says_something_about_the_address_only_where_it_does(
    house: House, outcome: Outcome, unusable: str, suppressed: str
) -> None:
    await day_one_due(house)
    says(house, SMS, outcome)
    await house.dispatch()
    (recipient,) = await house.rows(Recipient, core(Recipient).c.medium == "sms")
    assert (recipient.unusable_reason, recipient.suppressed_reason) == (unusable, suppressed)
    assert (recipient.unusable_at is not None, recipient.suppressed_at is not None) == (
        bool(unusable),
        bool(suppressed),
    )


async def test_after_a_refusal_the_letter_goes_out_at_once(house: House) -> None:
    await day_one_due(house)
    says(house, SMS, OptedOut("21610"))
    mail = says(house, EMAIL, Accepted("m-1"))
    await house.dispatch()
    await house.dispatch()
    assert [outgoing.to for outgoing in mail.sent] == ["ada@example.com"]
    assert (await the(house)).state == "sent"
    assert {row.fence: row.state for row in await house.rows(Attempt)} == {1: "failed", 2: "accepted"}
    assert house.due == [TEN]


async def test_an_address_once_refused_is_not_tried_again(house: House) -> None:
    await day_one_due(house)
    sms = says(house, SMS, Rejected(FailureClass.NOT_TEXTABLE, "21614"))
    says(house, EMAIL, ACCEPTED)
    await house.dispatch()
    house.clock.advance(days=1)
    for _ in range(3):
        await house.dispatch()
    assert len(sms.sent) == 1
    day_two = await the(house, "day-2-sensitivity-check")
    assert (day_two.state, day_two.medium) == ("sent", "email")
    (line,) = await house.rows(Decision, core(Decision).c.reminder == day_two.id)
    assert line.code == "address-unusable"


async def test_a_clinic_without_a_second_sender_fails_a_refused_reminder_at_once(migrated_url: str) -> None:
    only_sms = clinic(senders=(NewSender(SMS, "+447400123400", 10),))
    async with opened(migrated_url, only_sms) as house:
        await day_one_due(house)
        says(house, SMS, Rejected(FailureClass.NOT_TEXTABLE, "21614"))
        await house.dispatch()
        reminder = await the(house)
        assert (reminder.state, reminder.reason) == ("failed", "not_textable")


async def test_a_retry_waits_for_its_backoff_and_ends_at_the_expiry(house: House) -> None:
    await day_one_due(house, client__phone=None)  # no quiet hours for letters
    mail = says(house, EMAIL, Retry(FailureClass.NOT_PROCESSED, "429"))
    while (row := await the(house)).state == "scheduled":
        assert row.due_at < row.expires_at
        house.clock.moment = max(row.due_at, house.clock.moment + timedelta(hours=1))
        house.clock.moment = min(house.clock.moment, row.expires_at)
        await house.dispatch()
    assert (row.state, row.reason) == ("expired", "expired")
    assert len(mail.sent) == len(await house.rows(Attempt)) > 5
    assert house.clock() <= row.expires_at


async def test_a_provider_that_asks_for_patience_gets_it_for_the_whole_sender(house: House) -> None:
    await day_one_due(house)
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2", client__phone="+447400123999")
    says(house, SMS, Retry(FailureClass.NOT_PROCESSED, "20429", after=90.0))
    await house.dispatch(slots=1)
    assert (await house.dispatch()).intents == []
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert lane.open_at == TEN + timedelta(seconds=90)
    house.clock.advance(seconds=90)
    assert len((await house.dispatch()).intents) == 2


async def test_refused_credentials_pause_the_sender_and_its_reminders_stay_due(house: House) -> None:
    await day_one_due(house)
    says(house, SMS, Retry(FailureClass.CREDENTIAL, "20003"))
    await house.dispatch()
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert (lane.paused_at, lane.paused_reason) == (TEN, "credential")
    house.clock.advance(hours=1)
    started = await house.dispatch()
    assert started.intents == []
    assert started.wake_up is None or started.wake_up > house.clock()
    sms = says(house, SMS, ACCEPTED)
    async with house.database.write() as connection:
        assert await resume_senders(connection, "glow", house.clock()) == 1
    await house.dispatch()
    assert len(sms.sent) == 1
    assert (await the(house)).tries == 1


async def test_a_pause_is_reported_once_however_many_sends_meet_it(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        await day_one_due(house, id=f"e-{number}", treatment__id=f"visit-{number}", client__ref=f"c-{number}")
    says(house, SMS, Retry(FailureClass.CREDENTIAL, "20003"))
    with caplog.at_level(logging.ERROR):
        await house.dispatch()
    told = caplog.text + "".join(capsys.readouterr())
    assert told.count("sender paused") == 1


async def all_channels(house: House, **changes: Any) -> None:
    """The safety message of a filler goes by every channel, two hours after nothing but at once."""
    await house.take(visit(treatment__protocol="dermal-filler", **changes))


async def test_a_step_for_all_channels_goes_by_each_of_them(house: House) -> None:
    await all_channels(house)
    sms, mail = says(house, SMS, ACCEPTED), says(house, EMAIL, Accepted("m-1"))
    await house.dispatch()
    assert (await the(house, "same-day-safety")).state == "scheduled"
    await house.dispatch()
    assert (len(sms.sent), len(mail.sent)) == (1, 1)
    reminder = await the(house, "same-day-safety")
    assert (reminder.state, reminder.fence) == ("sent", 2)
    assert (await house.dispatch()).intents == []


@pytest.mark.parametrize(
    ("second", "state"),
    [
        (Rejected(FailureClass.EMAIL_DEAD, "550"), "sent"),
        (OptedOut("unsubscribed"), "sent"),
        (Captured(), "captured"),
        (Accepted("m-1"), "sent"),
    ],
)
async def test_what_one_of_all_channels_took_was_sent_whatever_becomes_of_the_other(
    house: House, second: Outcome, state: str
) -> None:
    await all_channels(house)
    says(house, SMS, ACCEPTED)
    says(house, EMAIL, second)
    await house.dispatch()
    await house.dispatch()
    reminder = await the(house, "same-day-safety")
    assert (reminder.state, reminder.reason) == (state, "")


@on_sqlite
@pytest.mark.parametrize("first", [ACCEPTED, Captured()])
async def test_a_client_without_the_second_of_all_channels_was_still_told(house: House, first: Outcome) -> None:
    await all_channels(house, client__email=None)
    says(house, SMS, first)
    for _ in range(3):
        await house.dispatch()
    reminder = await the(house, "same-day-safety")
    assert reminder.state == ("sent" if first is ACCEPTED else "captured")
    assert {line.code for line in await house.rows(Decision)} == {"next-channel", "no-address"}


async def test_a_second_channel_that_waits_until_the_expiry_leaves_the_reminder_sent(house: House) -> None:
    await all_channels(house)
    says(house, SMS, ACCEPTED)
    await house.dispatch()
    await change(house, Sender, {"paused_at": house.clock()}, core(Sender).c.id == "email")
    house.clock.advance(hours=13)
    await house.dispatch()
    await rescue_of(house).run()
    assert (await the(house, "same-day-safety")).state == "sent"


async def test_a_late_answer_is_stored_and_settles_while_nothing_newer_was_started(house: House) -> None:
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    await change(house, Attempt, {"state": "unknown", "look_up_at": TEN})
    house.clock.advance(minutes=5)
    await house.settler._write([(intent, ACCEPTED)])
    (attempt,) = await house.rows(Attempt)
    assert (attempt.state, attempt.provider_id) == ("accepted", "SM1")
    assert (await the(house)).state == "sent"


async def looked_up_in_vain(house: House) -> None:
    for state in ("unknown", "absent"):
        await change(house, Attempt, {"state": state})


@pytest.mark.parametrize("state", ["scheduled", "needs_review", "expired"])
async def test_an_answer_outweighs_records_that_did_not_show_the_message(house: House, state: str) -> None:
    """A process that was stopped for half an hour still holds the provider's 201: nothing is sent a second time."""
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    await looked_up_in_vain(house)
    await change(house, Reminder, {"state": state, "lease_until": None}, core(Reminder).c.id == intent.reminder)
    await house.settler._write([(intent, ACCEPTED)])
    (attempt,) = await house.rows(Attempt)
    assert (attempt.state, attempt.provider_id) == ("accepted", "SM1")
    assert (await the(house)).state == "sent"
    assert (await house.dispatch()).intents == []


async def test_a_lost_answer_does_not_outweigh_the_providers_records(house: House) -> None:
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    await looked_up_in_vain(house)
    await house.settler._write([(intent, Unknown("reset"))])
    (attempt,) = await house.rows(Attempt)
    assert attempt.state == "absent"


@pytest.mark.parametrize("late", [ACCEPTED, Retry(FailureClass.NOT_PROCESSED, "429"), OptedOut("21610")])
async def test_a_late_answer_is_stored_but_moves_no_reminder_that_was_started_anew(house: House, late: Outcome) -> None:
    await day_one_due(house)
    (first,) = (await house.starter.start(10)).intents
    await looked_up_in_vain(house)
    await change(house, Reminder, {"state": "scheduled"}, core(Reminder).c.id == first.reminder)
    await change(house, Sender, {"next_due_at": TEN})
    (second,) = (await house.starter.start(10)).intents
    assert (first.fence, second.fence) == (1, 2)
    await house.settler._write([(first, late)])
    (attempt,) = await house.rows(Attempt, core(Attempt).c.fence == 1)
    assert attempt.state == ("accepted" if late is ACCEPTED else "failed")
    assert (await the(house)).state == "sending"
    await house.settler._write([(second, Accepted("SM2"))])
    assert (await the(house)).state == "sent"


async def test_a_receipt_that_came_before_our_own_commit_stays(house: House) -> None:
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    await change(house, Attempt, {"state": "delivered", "provider_id": "SM1"})
    await change(house, Reminder, {"state": "delivered"}, core(Reminder).c.id == intent.reminder)
    await house.settler._write([(intent, ACCEPTED)])
    assert [row.state for row in await house.rows(Attempt)] == ["delivered"]
    assert (await the(house)).state == "delivered"


async def test_settling_the_same_outcomes_again_changes_nothing_more(house: House) -> None:
    """A connection may break while it commits: the transaction is then run again."""
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    await house.settler._write([(intent, ACCEPTED)])
    before = await the(house)
    await house.settler._write([(intent, ACCEPTED)])
    assert await the(house) == before


async def test_an_outcome_that_cannot_be_stored_stops_no_other(house: House) -> None:
    for number in range(3):
        await day_one_due(house, id=f"e-{number}", treatment__id=f"visit-{number}", client__ref=f"c-{number}")
    intents = (await house.starter.start(10)).intents
    outcomes: list[Outcome] = [Accepted("SM0"), Accepted("SM\x00"), Accepted("SM2")]
    group = list(zip(intents, outcomes, strict=True))
    await house.settler._write_until_done(group)
    states = {row.id: row.state for row in await house.rows(Attempt)}
    assert [states[intent.outgoing.attempt] for intent in intents] in (
        ["accepted", "sending", "accepted"],
        ["accepted", "accepted", "accepted"],  # SQLite takes any text
    )


async def test_outcomes_gather_and_are_written_before_the_settler_ends(house: House) -> None:
    for number in range(5):
        await day_one_due(house, id=f"e-{number}", treatment__id=f"visit-{number}", client__ref=f"c-{number}")
    settling = asyncio.create_task(house.settler.run())
    for intent in (await house.starter.start(10)).intents:
        house.settler.add(intent, ACCEPTED)
    house.settler.close()
    await settling
    assert {row.state for row in await house.rows(Attempt)} == {"accepted"}


NOW = TEN
INTENT = Intent(
    clinic="glow", reminder=UUID(int=1), fence=1, tries=1, media="sms,email", medium=SMS, send_mode=SendMode.FIRST,
    expires_at=NOW + timedelta(hours=20), due_at=NOW, started_at=NOW,
    outgoing=Outgoing(UUID(int=2), "token", "+447400123456", SenderAddress("glow", "sms", SMS, "+447400123400"),
                      Sms("Hello", 1, "GSM-7"), 0.0, 60.0),
)  # fmt: skip
outcomes = st.one_of(
    st.builds(Accepted, st.text(max_size=5)),
    st.just(Captured()),
    st.builds(Retry, st.sampled_from(FailureClass), st.just("c"), st.none() | st.floats(0, 1e5)),
    st.builds(Rejected, st.sampled_from(FailureClass), st.just("c")),
    st.just(OptedOut("c")),
    st.just(Unknown("c")),
)


@given(
    outcome=outcomes,
    tries=st.integers(1, 60),
    left=st.timedeltas(timedelta(seconds=-60), timedelta(hours=20)),
    mode=st.sampled_from(SendMode),
    media=st.sampled_from(["sms", "sms,email", "email,sms"]),
)
def test_whatever_the_outcome_a_further_try_lies_before_the_expiry_or_is_judged_at_once(
    outcome: Outcome, tries: int, left: timedelta, mode: SendMode, media: str
) -> None:
    intent = replace(INTENT, tries=tries, expires_at=NOW + left, send_mode=mode, media=media)
    backoff = Backoff(timedelta(seconds=5), timedelta(minutes=15))
    settlement = settle(intent, outcome, NOW, backoff=backoff, look_up_after=timedelta(minutes=20))
    if settlement.reminder is ReminderState.SCHEDULED:
        assert settlement.due_at is not None
        assert settlement.due_at <= NOW or settlement.due_at < intent.expires_at
        assert settlement.reason
    assert (settlement.reminder is None) == (settlement.attempt is AttemptState.UNKNOWN)
    assert settlement.medium is None or settlement.medium in media.split(",")
    if isinstance(outcome, Retry | Rejected | OptedOut):
        assert settlement.attempt is AttemptState.FAILED
        assert settlement.failure


@given(st.integers(1, 10_000))
def test_backoff_grows_to_its_cap_and_never_beyond(tries: int) -> None:
    backoff = Backoff(timedelta(seconds=5), timedelta(minutes=15))
    longest = min(timedelta(minutes=15), timedelta(seconds=5) * 2 ** min(tries - 1, 20))
    assert timedelta() <= backoff.after(tries) <= longest


async def test_settlements_of_nothing_touch_nothing(house: House) -> None:
    async with house.database.write() as connection:
        assert await write_settlements(connection, [], house.clock()) == {}
