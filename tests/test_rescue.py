"""Rescue: leases that ran out, answers that were lost, and reminders whose time is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from service import reasons
from service.errors import Problem, Unavailable
from service.receipts import Receipts
from service.rescue import BATCH, Asked, Resolution, resolve
from service.store.receipts import note_heard
from service.store.tables import Attempt, Decision, Reminder, Sender, core
from service.types import (
    Accepted,
    AttemptState,
    FailureClass,
    Found,
    IfUnknown,
    Medium,
    Receipt,
    ReminderState,
    Retry,
    Unknown,
)
from tests.dispatch.acting import TEN, Scripted, change, day_one_due, many_due, on_sqlite, rescue_of, says, the
from tests.support.house import House, visit

SMS = Medium.SMS
ADA = "+447400123456"
LOST = Unknown("reset")


def message(id_: str = "SM1", state: AttemptState = AttemptState.ACCEPTED) -> Found:
    return Found(id_, state, TEN, ADA)


async def an_unknown(house: House, *found: list[Found] | Exception | None, **changes: Any) -> Scripted:
    """A text whose answer was lost; what its look-ups will show; and the time of the first one."""
    await day_one_due(house, **changes)
    channel = says(house, SMS, LOST, found=list(found))
    await house.dispatch()
    house.clock.advance(minutes=20)
    return channel


async def the_attempt(house: House, fence: int = 1) -> Any:
    (row,) = await house.rows(Attempt, core(Attempt).c.fence == fence)
    return row


async def test_a_lease_that_ran_out_makes_the_attempt_unknown_and_nothing_falls_due_by_itself(house: House) -> None:
    await day_one_due(house)
    await house.starter.start(10)
    house.clock.advance(seconds=59)
    await rescue_of(house).run()
    assert (await the_attempt(house)).state == "sending"
    house.clock.advance(seconds=1)
    assert not await rescue_of(house).run()
    attempt = await the_attempt(house)
    assert (attempt.state, attempt.code) == ("unknown", "lease-ran-out")
    assert attempt.look_up_at == TEN + timedelta(minutes=20)
    assert (await the(house)).state == "sending"
    assert (await house.dispatch()).intents == []
    assert [line.code for line in await house.rows(Decision)] == ["outcome-unknown"]


async def test_an_unknown_attempt_is_first_looked_up_twenty_minutes_after_its_start(house: House) -> None:
    channel = await an_unknown(house, [message()])
    house.clock.advance(seconds=-1)
    await rescue_of(house).run()
    assert channel.asked == []
    house.clock.advance(seconds=1)
    await rescue_of(house).run()
    (query,) = channel.asked
    assert (query.to, query.sender.address) == (ADA, "+447400123400")
    assert query.since < TEN < TEN + timedelta(seconds=15) < query.until


@on_sqlite
@pytest.mark.parametrize(
    ("found", "reminder", "medium"),
    [
        (AttemptState.ACCEPTED, "sent", "sms"),
        (AttemptState.SENT, "sent", "sms"),
        (AttemptState.DELIVERED, "delivered", "sms"),
        (AttemptState.UNDELIVERED, "scheduled", "email"),
        (AttemptState.FAILED, "scheduled", "email"),
    ],
)
async def test_one_candidate_for_one_unknown_is_found(
    house: House, found: AttemptState, reminder: str, medium: str
) -> None:
    """One that did not arrive is as if its receipt had said so: the letter is next."""
    await an_unknown(house, [message("SM7", found)])
    assert await rescue_of(house).run() == (reminder == "scheduled")
    attempt = await the_attempt(house)
    assert (attempt.state, attempt.provider_id, attempt.look_up_at) == (found.value, "SM7", None)
    assert attempt.evidence["candidates"] == ["SM7"]
    settled = await the(house)
    assert (settled.state, settled.medium) == (reminder, medium)
    lines = await house.rows(Decision, core(Decision).c.code == "found-at-provider")
    assert lines[0].detail["candidates"] == ["SM7"]


async def test_what_the_records_do_not_show_is_sent_once_more_and_once_only(house: House) -> None:
    channel = await an_unknown(house, [])
    assert await rescue_of(house).run()
    first = await the_attempt(house)
    assert (first.state, first.evidence["candidates"]) == ("absent", [])
    waiting = await the(house)
    assert (waiting.state, waiting.reason) == ("scheduled", "absent-at-provider-resent")
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert lane.next_due_at == house.clock()
    await house.dispatch()
    assert len(channel.sent) == 2
    house.clock.advance(minutes=20)
    assert not await rescue_of(house).run()
    assert (await the_attempt(house, 2)).state == "absent"
    held = await the(house)
    assert (held.state, held.reason) == ("needs_review", "absent-at-provider-again")
    house.clock.advance(hours=1)
    assert not await rescue_of(house).run()
    assert (await house.dispatch()).intents == []


async def test_a_second_send_that_is_found_ends_the_matter(house: House) -> None:
    await an_unknown(house, [], [message("SM2")])
    await rescue_of(house).run()
    await house.dispatch()
    house.clock.advance(minutes=20)
    await rescue_of(house).run()
    second = await the_attempt(house, 2)
    assert (await the_attempt(house)).state == "absent"
    assert (second.state, second.provider_id) == ("accepted", "SM2")
    assert (await the(house)).state == "sent"


async def test_a_step_that_is_to_be_held_waits_for_a_person(house: House) -> None:
    channel = await an_unknown(house, [])
    await change(house, Reminder, {"if_unknown": "hold"})
    assert not await rescue_of(house).run()
    held = await the(house)
    assert (held.state, held.reason) == ("needs_review", "absent-at-provider-held")
    assert (await the_attempt(house)).state == "absent"
    await house.dispatch()
    assert len(channel.sent) == 1


async def test_what_is_absent_after_its_expiry_is_expired_and_not_sent(house: House) -> None:
    await an_unknown(house, None, [])
    await rescue_of(house).run()
    house.clock.moment = (await the(house)).expires_at
    assert not await rescue_of(house).run()
    expired = await the(house)
    assert (expired.state, expired.reason) == ("expired", "absent-at-provider-expired")


async def test_a_message_that_another_attempt_holds_is_no_candidate(house: House) -> None:
    says(house, SMS, Accepted("SM1"))
    await day_one_due(house, id="e-0", treatment__id="visit-0", client__ref="c-0")
    await house.dispatch()
    await an_unknown(house, [message("SM1")])
    assert await rescue_of(house).run()
    (attempt,) = await house.rows(Attempt, core(Attempt).c.state == "absent")
    assert attempt.evidence["candidates"] == []


@pytest.mark.parametrize("found", [1, 2])
async def test_where_messages_and_unknowns_cannot_be_told_apart_both_wait_for_a_person(
    house: House, found: int
) -> None:
    """Two children of one mother, one number: which text went?"""
    await day_one_due(house, id="e-0", treatment__id="visit-0", client__ref="c-0")
    await an_unknown(house, [message(f"SM{n}") for n in range(found)])
    assert not await rescue_of(house).run()
    reminders = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert {(row.state, row.reason) for row in reminders} == {("needs_review", "ambiguous-at-provider")}
    assert {row.state for row in await house.rows(Attempt)} == {"unknown"}


async def test_two_unknowns_of_which_the_records_show_nothing_are_both_absent(house: House) -> None:
    await day_one_due(house, id="e-0", treatment__id="visit-0", client__ref="c-0")
    await an_unknown(house, [])
    assert await rescue_of(house).run()
    assert {row.state for row in await house.rows(Attempt)} == {"absent"}


async def test_an_unknown_of_long_ago_does_not_make_today_ambiguous(house: House) -> None:
    await an_unknown(house, None)
    house.clock.moment = TEN + timedelta(days=1)
    says(house, SMS, LOST, found=[[message("SM5")]])
    await house.dispatch()
    house.clock.advance(minutes=20)
    await change(house, Attempt, {"look_up_at": None}, core(Attempt).c.created_at == TEN)
    await rescue_of(house).run()
    assert (await the(house, "day-2-sensitivity-check")).state == "sent"


@on_sqlite
@pytest.mark.parametrize(
    "answer",
    [None, Unavailable(Problem("look-up-failed", "", "no")), ZeroDivisionError("a fault of ours")],
    ids=["no records", "records away", "a crash"],
)
async def test_what_cannot_be_looked_up_stays_unknown_and_is_asked_again_later(house: House, answer: Any) -> None:
    channel = await an_unknown(house, answer)
    for _ in range(2):
        await rescue_of(house).run()
    assert len(channel.asked) == 1
    attempt = await the_attempt(house)
    assert (attempt.state, attempt.look_up_at) == ("unknown", house.clock() + timedelta(minutes=10))
    house.clock.advance(minutes=10)
    await rescue_of(house).run()
    assert len(channel.asked) == 2
    assert (await the(house)).state == "sending"


async def test_one_look_up_that_crashes_stops_no_other(house: House) -> None:
    await many_due(house, 3)
    says(house, SMS, LOST, found=[ZeroDivisionError(), [], []])
    await house.dispatch()
    house.clock.advance(minutes=20)
    await rescue_of(house).run()
    assert sorted(row.state for row in await house.rows(Attempt)) == ["absent", "absent", "unknown"]


async def test_what_is_still_unknown_at_its_expiry_waits_for_a_person(house: House) -> None:
    await an_unknown(house, None)
    house.clock.moment = (await the(house)).expires_at
    await rescue_of(house).run()
    held = await the(house)
    assert (held.state, held.reason) == ("needs_review", "outcome-unknown")


async def test_a_look_up_after_that_still_tells(house: House) -> None:
    await an_unknown(house, None, None, [message()])
    house.clock.moment = (await the(house)).expires_at
    await rescue_of(house).run()
    await rescue_of(house).run()
    house.clock.advance(minutes=10)
    await rescue_of(house).run()
    house.clock.advance(minutes=10)
    await rescue_of(house).run()
    assert (await the(house)).state == "sent"


async def test_an_unknown_is_not_asked_about_for_ever(house: House) -> None:
    channel = await an_unknown(house, None)
    house.clock.advance(days=3)
    await rescue_of(house).run()
    assert channel.asked == []


async def test_a_callback_that_is_faster_than_the_look_up_wins(house: House) -> None:
    await an_unknown(house, [])
    rescue = rescue_of(house)
    (row,) = await house.database.transact(rescue._take_unknowns)
    await change(house, Attempt, {"state": "delivered", "provider_id": "SM9"})
    await change(house, Reminder, {"state": "delivered"}, core(Reminder).c.id == row.reminder)
    async with house.database.write() as connection:
        assert not await rescue._resolve(connection, row=row, asked=Asked(TEN, []))
    attempt = await the_attempt(house)
    assert (attempt.state, attempt.provider_id) == ("delivered", "SM9")
    assert (await the(house)).state == "delivered"


async def test_a_reminder_that_waits_past_its_expiry_is_expired_whatever_its_lane(house: House) -> None:
    await day_one_due(house)
    await change(house, Sender, {"paused_at": TEN})
    house.clock.moment = (await the(house)).expires_at - timedelta(microseconds=1)
    await rescue_of(house).run()
    assert (await the(house)).state == "scheduled"
    house.clock.advance(microseconds=1)
    await rescue_of(house).run()
    expired = await the(house)
    assert (expired.state, expired.reason, expired.by) == ("expired", "expired", "worker")
    lines = await house.rows(Decision, core(Decision).c.reminder == expired.id)
    assert [line.code for line in lines] == ["expired"]


@on_sqlite
async def test_one_pass_clears_all_that_is_over_however_much_that_is(house: House) -> None:
    count = BATCH + 20
    says(house, SMS, LOST, found=[None])
    await many_due(house, count)
    await house.starter.start(count // 2)
    house.clock.moment = TEN + timedelta(hours=20)
    await rescue_of(house).run()
    rows = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert sorted({row.state for row in rows}) == ["expired", "needs_review"]
    assert {row.state for row in await house.rows(Attempt)} == {"unknown"}


async def test_by_its_expiry_no_reminder_is_scheduled_or_sending(house: House) -> None:
    await house.take(visit())
    says(house, SMS, LOST, Retry(FailureClass.NOT_PROCESSED, "429"), found=[None])
    for _ in range(40):
        house.clock.advance(hours=9)
        await house.dispatch()
        await rescue_of(house).run()
    late = core(Reminder).c.expires_at <= house.clock()
    assert {row.state for row in await house.rows(Reminder, late)} <= {"captured", "expired", "needs_review", "skipped"}


@dataclass(frozen=True)
class Row:
    """An unknown attempt, as far as deciding cares."""

    reminder_if_unknown: IfUnknown
    reminder_expires_at: datetime
    reminder_called_off: str = ""


def test_nothing_is_sent_again_but_on_an_empty_record_once_in_time_and_where_the_step_allows() -> None:
    for policy, candidates, alike, resent, late in product(
        IfUnknown, range(3), range(1, 3), range(3), [timedelta(), timedelta(hours=1)]
    ):
        row = Row(policy, TEN + timedelta(minutes=30))
        found = [message(f"SM{n}") for n in range(candidates)]
        decided = resolve(row, found, alike=alike, resent=resent, asked_at=TEN, now=TEN + late)
        again = decided.reminder is ReminderState.SCHEDULED
        assert again == (policy is IfUnknown.RESEND_IF_ABSENT and not found and not resent and not late)
        assert (decided.attempt is AttemptState.ABSENT) == (not found)
        assert (decided.found is not None) == (candidates == alike == 1)
        assert decided.evidence["candidates"] == [one.provider_id for one in found]
        assert_has_a_sentence(decided)


def assert_has_a_sentence(decided: Resolution) -> None:
    assert decided.code in reasons.SENTENCES


async def a_lost_letter(house: House) -> Scripted:
    """Its answer was lost, and its provider keeps no records."""
    await day_one_due(house, client__phone=None)
    channel = says(house, Medium.EMAIL, LOST, Accepted("m-2"), found=[None])
    await house.dispatch()
    return channel


async def hear_of_another(house: House) -> None:
    """Another letter of the same sender is told of."""
    async with house.database.write() as connection:
        await note_heard(connection, "glow", "email", house.clock())


async def test_a_letter_of_which_nothing_is_heard_while_others_are_never_left_and_is_sent_once_more(
    house: House,
) -> None:
    channel = await a_lost_letter(house)
    house.clock.advance(minutes=2)
    await hear_of_another(house)
    house.clock.advance(minutes=57)
    assert not await rescue_of(house).run()
    assert (await the_attempt(house)).state == "unknown"
    house.clock.advance(minutes=10)
    assert await rescue_of(house).run()
    attempt = await the_attempt(house)
    assert attempt.state == "absent"
    assert attempt.evidence.keys() == {"silent_until", "heard_at"}
    await house.dispatch()
    assert len(channel.sent) == 2
    assert (await the(house)).state == "sent"


@on_sqlite
async def test_where_nothing_is_heard_of_any_letter_silence_proves_nothing_and_a_person_decides(house: House) -> None:
    await hear_of_another(house)
    await a_lost_letter(house)
    for _ in range(25):
        house.clock.advance(hours=1)
        await rescue_of(house).run()
    assert ((await the_attempt(house)).state, (await the(house)).state) == ("unknown", "needs_review")


@on_sqlite
async def test_a_letter_that_is_told_of_late_was_sent_all_the_same(house: House) -> None:
    await a_lost_letter(house)
    house.clock.advance(minutes=30)
    token = (await the_attempt(house)).token
    late = Receipt("m-1", AttemptState.DELIVERED, None, token=token)
    await Receipts(house.database).take([late])
    house.clock.advance(hours=2)
    assert not await rescue_of(house).run()
    assert ((await the_attempt(house)).provider_id, (await the(house)).state) == ("m-1", "delivered")


@on_sqlite
@pytest.mark.parametrize(("protocol", "step", "state"), [
    ("microneedling", "day-1-sunscreen", "sent"), ("dermal-filler", "same-day-safety", "scheduled")
])  # fmt: skip
async def test_a_second_send_that_is_absent_is_not_made_good_where_the_first_went_after_all(
    house: House, protocol: str, step: str, state: str
) -> None:
    """The first one's worker stood still right before its first byte, and went on after the look-up."""
    house.clock.moment = TEN
    ended_at = "2026-11-20T15:00:00Z" if protocol == "microneedling" else TEN.isoformat()
    await house.take(visit(time=TEN.isoformat(), treatment__protocol=protocol, treatment__ended_at=ended_at))
    says(house, SMS, LOST, found=[[]])
    (first,) = (await house.starter.start(10)).intents
    house.clock.advance(minutes=20)
    await rescue_of(house).run()
    await house.dispatch()
    await house.settler._write([(first, Accepted("SM1"))])
    house.clock.advance(minutes=20)
    await rescue_of(house).run()
    row = await the(house, step)
    assert (row.state, row.medium) == (state, "sms" if state == "sent" else "email")
    assert [row.state for row in await house.rows(Attempt)].count("absent") == 1
