"""What a start decides about a due reminder: consent, quiet hours, expiry, and rows that nothing can be made of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import clock
from service.clinics import NewSender
from service.store.tables import (
    Attempt,
    Client,
    Clinic,
    Consent,
    Decision,
    Recipient,
    Reminder,
    Sender,
    Wording,
    core,
)
from service.types import Accepted, Medium
from tests.dispatch.acting import TEN, change, day_one_due, on_sqlite, opened, rescue_of, says, the
from tests.support.house import House, clinic, visit

SMS, EMAIL = Medium.SMS, Medium.EMAIL
client, consent, recipient, reminder = core(Client), core(Consent), core(Recipient), core(Reminder)


async def sent_to(house: House) -> list[str]:
    """Where the due reminders go, over as many starts as they need."""
    addresses = []
    for _ in range(4):
        addresses += [intent.outgoing.to for intent in (await house.dispatch()).intents]
    return addresses


async def stop(house: House, medium: str, column: str) -> None:
    await change(house, Recipient, {column: TEN}, recipient.c.medium == medium)


async def withdraw(house: House, medium: str) -> None:
    await change(house, Consent, {"granted": False}, consent.c.medium == medium, consent.c.purpose == "care")


@pytest.mark.parametrize(
    ("hinder", "code"),
    [
        (lambda house: stop(house, "sms", "suppressed_at"), "suppressed"),
        (lambda house: stop(house, "sms", "unusable_at"), "address-unusable"),
        (lambda house: change(house, Client, {"sms_stopped_at": TEN}), "stopped"),
        (lambda house: change(house, Client, {"phone": None}), "no-address"),
        (lambda house: withdraw(house, "sms"), "no-consent"),
    ],
    ids=["suppressed", "unusable", "stopped", "no address", "no consent"],
)
async def test_where_a_text_may_not_go_the_letter_does_and_the_reason_is_written_down(
    house: House, hinder: Any, code: str
) -> None:
    await day_one_due(house)
    await hinder(house)
    assert await sent_to(house) == ["ada@example.com"]
    found = await the(house)
    assert (found.state, found.medium, found.reason, found.tries) == ("captured", "email", "", 1)
    (line,) = await house.rows(Decision)
    detail = {"state": "scheduled", "medium": "sms", "next": "email"}
    assert (line.code, line.by, line.detail) == (code, "worker", detail)


@on_sqlite
@pytest.mark.parametrize(
    ("hinder", "code"),
    [
        (lambda house: stop(house, "email", "suppressed_at"), "suppressed"),
        (lambda house: change(house, Client, {"email_stopped_at": TEN}), "stopped"),
        (lambda house: change(house, Client, {"email": None}), "no-address"),
        (lambda house: withdraw(house, "email"), "no-consent"),
    ],
    ids=["suppressed", "stopped", "no address", "no consent"],
)
async def test_where_no_channel_may_be_used_the_reminder_is_skipped_with_the_last_reason(
    house: House, hinder: Any, code: str
) -> None:
    await day_one_due(house)
    await stop(house, "sms", "suppressed_at")
    await hinder(house)
    assert await sent_to(house) == []
    found = await the(house)
    assert (found.state, found.reason, found.by) == ("skipped", code, "worker")
    assert await house.rows(Attempt) == []


async def test_no_event_lifts_a_suppression(house: House) -> None:
    await day_one_due(house)
    await stop(house, "sms", "suppressed_at")
    await house.take(visit(id="e-2", treatment__id="visit-2", time="2026-11-21T09:59:00Z"))
    assert "+447400123456" not in await sent_to(house)


async def test_where_nothing_was_agreed_care_follows_the_clinics_policy(house: House) -> None:
    await day_one_due(house, client__consent={})
    await change(house, Clinic, {"care_consent": "explicit"})
    assert await sent_to(house) == []
    assert (await the(house)).reason == "no-consent"


async def test_a_nudge_goes_only_by_the_channel_it_was_agreed_to(house: House) -> None:
    ended = TEN - timedelta(days=28)
    await day_one_due(house, treatment__ended_at=ended.isoformat(), time=ended.isoformat())
    assert await sent_to(house) == ["ada@example.com"]
    sent = await the(house, "next-session", occurrence=0)
    assert (sent.state, sent.purpose) == ("captured", "rebook")


async def test_after_an_outage_into_the_night_a_text_waits_for_the_morning(house: House) -> None:
    await house.take(visit(treatment__ended_at="2026-10-21T14:00:00Z", client__consent={}))
    house.clock.moment = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    assert await sent_to(house) == []
    waiting = await the(house, "day-30-results-check")
    morning = datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert (waiting.state, waiting.reason, waiting.due_at) == ("scheduled", "quiet-hours", morning)
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert lane.next_due_at == morning
    house.clock.moment = morning - timedelta(seconds=1)
    assert await sent_to(house) == []
    house.clock.moment = morning
    assert await sent_to(house) == ["+447400123456"]


async def test_a_text_that_would_be_of_no_use_in_the_morning_expires_at_night(house: House) -> None:
    await house.take(visit())
    house.clock.moment = datetime(2026, 11, 21, 21, tzinfo=UTC)
    await house.dispatch()
    expired = await the(house)
    assert (expired.state, expired.reason) == ("expired", "expires-in-quiet-hours")


async def test_quiet_hours_bind_letters_only_where_the_clinic_says_so(house: House) -> None:
    await house.take(visit(client__phone=None))
    house.clock.moment = datetime(2026, 11, 21, 21, tzinfo=UTC)
    assert await sent_to(house) == ["ada@example.com"]
    await change(house, Clinic, {"quiet_email": True})
    house.clock.moment = datetime(2026, 11, 22, 21, tzinfo=UTC)
    assert await sent_to(house) == []
    assert (await the(house, "day-2-sensitivity-check")).reason == "expires-in-quiet-hours"


async def test_the_safety_message_of_the_same_day_goes_out_at_any_hour(house: House) -> None:
    house.clock.moment = datetime(2026, 11, 20, 23, tzinfo=UTC)
    await house.take(
        visit(treatment__protocol="dermal-filler", treatment__ended_at="2026-11-20T22:50:00Z",
              time="2026-11-20T22:55:00Z")
    )  # fmt: skip
    assert await sent_to(house) == ["+447400123456", "ada@example.com"]


@pytest.mark.parametrize(("early", "state"), [(timedelta(minutes=1), "captured"), (timedelta(), "expired")])
async def test_nothing_is_sent_at_or_after_its_expiry(house: House, early: timedelta, state: str) -> None:
    await day_one_due(house, client__phone=None)
    expires_at = (await the(house)).expires_at
    house.clock.moment = expires_at - early
    await sent_to(house)
    assert (await the(house)).state == state


async def test_words_that_are_missing_stop_only_their_own_reminder(house: House) -> None:
    await day_one_due(house)
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2", client__phone="+447400123999")
    await change(house, Reminder, {"step": "unheard-of"}, reminder.c.client == "c-17", reminder.c.step.like("day-1-%"))
    assert await sent_to(house) == ["+447400123999"]
    poison = await the(house, "unheard-of")
    assert (poison.state, poison.reason, poison.by) == ("needs_review", "no-words", "worker")


async def test_a_row_that_nothing_can_be_made_of_stops_only_itself(house: House) -> None:
    """A zone that this machine's tzdata does not know: another machine's did."""
    await day_one_due(house)
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2", client__phone="+447400123999")
    await change(house, Reminder, {"zone": "Mars/Base"}, reminder.c.client == "c-17")
    assert await sent_to(house) == ["+447400123999"]
    poison = await the(house, client="c-17")
    assert (poison.state, poison.reason) == ("needs_review", "internal-error")


async def test_one_start_settles_what_it_does_not_send_with_what_it_sends(house: House) -> None:
    await day_one_due(house)
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2", client__email=None,
                      client__phone="+447400123999", client__consent={"care": []})  # fmt: skip
    started = await house.dispatch()
    assert (len(started.intents), started.settled) == (1, 1)


async def test_an_intent_carries_all_that_sending_and_settling_need(house: House) -> None:
    await day_one_due(house)
    (intent,) = (await house.starter.start(10)).intents
    (attempt,) = await house.rows(Attempt)
    outgoing = intent.outgoing
    assert (attempt.id, attempt.token, attempt.recipient) == (outgoing.attempt, outgoing.token, outgoing.to)
    assert (attempt.state, attempt.created_at, attempt.lease_until) == ("sending", TEN, TEN + timedelta(seconds=60))
    assert len(outgoing.token) >= 20
    assert outgoing.useful_for == (intent.expires_at - TEN).total_seconds()
    (wording,) = await house.rows(Wording)
    assert attempt.wording == wording.version
    found = await the(house)
    assert (found.state, found.fence, found.tries, found.lease_until) == ("sending", 1, 1, attempt.lease_until)


async def test_nothing_is_started_twice(house: House) -> None:
    await day_one_due(house)
    assert len((await house.starter.start(10)).intents) == 1
    assert (await house.starter.start(10)).intents == []


async def test_a_clinic_without_a_sender_is_told_so_when_the_time_is_over(migrated_url: str) -> None:
    only_mail = clinic(senders=(NewSender(EMAIL, "care@glow.example", 10),))
    async with opened(migrated_url, only_mail) as house:
        await day_one_due(house, client__email=None)
        says(house, EMAIL, Accepted("m-1"))
        assert await sent_to(house) == []
        house.clock.advance(days=1)
        await rescue_of(house).run()
        found = await the(house)
        assert (found.state, found.reason) == ("expired", "no-sender")


async def test_what_begins_right_before_its_expiry_sends_no_first_byte_after_it(house: House) -> None:
    await day_one_due(house, client__phone=None)
    expires_at = (await the(house)).expires_at
    house.clock.moment = expires_at - timedelta(seconds=3)
    began = clock.monotonic()
    (intent,) = (await house.starter.start(10)).intents
    passed = clock.monotonic() - began
    assert 3 <= intent.outgoing.start_before - began <= 3 + passed
