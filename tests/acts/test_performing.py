"""Acts on real rows: what they write, who did it, and who wins beside workers, plans and other people."""

import asyncio
from typing import Any

import pytest

from service.acts.acts import Act, Cancel, Move, Resolve, Retry, SendNow, Verdict, Who
from service.acts.performing import Acts, version_of
from service.errors import Conflict, NotFound
from service.receipts import Receipts
from service.store.tables import Attempt, Decision, Reminder, Sender, core
from service.types import (
    Accepted,
    AttemptState,
    FailureClass,
    IfUnknown,
    Medium,
    Receipt,
    Rejected,
    ReminderState,
    Unknown,
)
from tests.dispatch.acting import TEN, change, day_one_due, on_sqlite, rescue_of, says, the
from tests.support.house import CLINIC, House, visit
from tests.support.races import in_the_way, until_waiting

SMS = Medium.SMS
OWNER = Who("staff", "owner")
TABLE = core(Reminder)


async def does(house: House, act: Act, row: Any, **how: Any) -> Any:
    await Acts(house.database, house.due.append).perform(CLINIC, row.id, act, OWNER, **how)
    return await the(house, row.step)


async def last_line(house: House) -> tuple[str, str, Any]:
    line = (await house.rows(Decision))[-1]
    return line.code, line.by, line.detail


async def in_doubt(house: House) -> Any:
    """A text whose answer was lost, and that the provider's records do not show; its step holds then."""
    await day_one_due(house)
    await change(house, Reminder, {"if_unknown": IfUnknown.HOLD}, TABLE.c.step == "day-1-sunscreen")
    says(house, SMS, Unknown("timeout"), Accepted("SM2"), found=[[]])
    await house.dispatch()
    house.clock.advance(minutes=21)
    await rescue_of(house).run()
    row = await the(house)
    assert (row.state, row.reason) == ("needs_review", "absent-at-provider-held")
    return row


async def test_a_person_cancels_and_no_later_event_brings_it_back(house: House) -> None:
    await house.take(visit())
    row = await does(house, Cancel(), await the(house))
    assert (row.state, row.reason, row.by) == ("cancelled", "cancelled-by-person", "person")
    assert await last_line(house) == ("cancelled-by-person", "person", {"who": "staff:owner", "was": "scheduled"})
    await house.take(visit(id="e-2", time="2026-11-20T15:08:00Z", treatment__ended_at="2026-11-20T14:00:00Z"))
    assert (await the(house)).state == "cancelled"
    house.clock.moment = TEN
    assert (await house.dispatch()).intents == []


async def test_a_plan_that_was_made_before_a_cancel_does_not_undo_it(house: House) -> None:
    """The fence moves with a final act: what was decided on the row before it finds no row any more."""
    await house.take(visit())
    before = await the(house)
    assert (await does(house, Cancel(), before)).fence == before.fence + 1


async def test_what_is_sent_now_is_sent_and_its_lane_wakes(house: House) -> None:
    house.clock.moment = TEN.replace(day=20, hour=16)
    await house.take(visit())
    row = await does(house, SendNow(), await the(house))
    assert (row.due_at, row.by, row.reason) == (house.clock.moment, "person", "sent-now-by-person")
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert lane.next_due_at == house.due[-1] == house.clock.moment
    assert [intent.reminder for intent in (await house.dispatch()).intents if intent.medium is SMS] == [row.id]


async def test_a_moved_reminder_stays_where_it_was_put_while_the_plan_means_the_same(house: House) -> None:
    await house.take(visit())
    at = TEN.replace(hour=15)
    row = await does(house, Move(at), await the(house))
    assert (row.due_at, row.reason) == (at, "moved-by-person")
    await house.take(visit(id="e-2", time="2026-11-20T15:08:00Z", treatment__provider="Dr Lee"))
    assert (await the(house)).due_at == at
    house.clock.moment = TEN
    assert (await house.dispatch()).intents == []


@on_sqlite
async def test_a_failed_reminder_is_tried_again_from_its_first_channel(house: House) -> None:
    await day_one_due(house)
    says(house, SMS, Rejected(FailureClass.CONTENT, "30007"), Accepted("SM2"))
    await house.dispatch()
    row = await does(house, Retry(), await the(house))
    assert (row.state, row.medium, row.tries, row.due_at) == ("scheduled", "sms", 0, TEN)
    await house.dispatch()
    assert (await the(house)).state == "sent"


async def test_a_doubt_is_resolved_as_sent_and_the_evidence_stays(house: House) -> None:
    row = await does(house, Resolve(Verdict.SENT), await in_doubt(house))
    assert (row.state, row.reason) == ("sent", "resolved-as-sent")
    (attempt,) = await house.rows(Attempt)
    assert (attempt.state, attempt.look_up_at) == (AttemptState.SENT, None)
    assert attempt.evidence["candidates"] == []
    assert attempt.evidence["said_by"] == "staff:owner"


@on_sqlite
async def test_a_receipt_goes_on_from_where_a_person_has_put_it(house: House) -> None:
    row = await does(house, Resolve(Verdict.SENT), await in_doubt(house))
    (attempt,) = await house.rows(Attempt)
    await Receipts(house.database).take([Receipt("SM1", AttemptState.DELIVERED, None, token=attempt.token)])
    assert (await the(house)).state == "delivered"
    assert row.fence == 1


async def test_a_doubt_is_resolved_as_not_sent_and_sent_again(house: House) -> None:
    row = await does(house, Resolve(Verdict.SEND_AGAIN), await in_doubt(house))
    assert (row.state, row.due_at) == ("scheduled", house.clock.moment)
    await house.dispatch()
    assert (await the(house)).state == "sent"
    assert [one.state for one in await house.rows(Attempt)] == ["absent", "accepted"]


@on_sqlite
async def test_an_answer_that_comes_late_still_keeps_a_second_message_from_being_sent(house: House) -> None:
    await day_one_due(house)
    says(house, SMS, Unknown("timeout"))
    (intent,) = (await house.dispatch()).intents
    row = await does(house, Resolve(Verdict.SEND_AGAIN), await the(house))
    assert row.state == "scheduled"
    await house.settler._write([(intent, Accepted("SM1"))])
    assert (await the(house)).state == "sent"
    assert (await house.dispatch()).intents == []


@on_sqlite
async def test_giving_up_leaves_it_unsent_for_good(house: House) -> None:
    row = await does(house, Resolve(Verdict.GIVE_UP), await in_doubt(house))
    assert (row.state, row.reason, row.by) == ("cancelled", "given-up", "person")


@on_sqlite
async def test_an_act_on_what_has_changed_since_it_was_seen_is_refused(house: House) -> None:
    await house.take(visit())
    seen = version_of(await the(house))
    house.clock.advance(minutes=1)
    await does(house, Move(TEN.replace(hour=15)), await the(house), version=seen)
    with pytest.raises(Conflict) as refused:
        await does(house, Cancel(), await the(house), version=seen)
    assert (refused.value.code, refused.value.status) == ("reminder-changed", 412)


@on_sqlite
async def test_the_same_act_again_is_no_conflict_and_writes_no_second_line(house: House) -> None:
    await house.take(visit())
    seen = version_of(await the(house))
    for _ in range(2):
        await does(house, Cancel(), await the(house), version=seen)
    assert len(await house.rows(Decision)) == 1


@on_sqlite
async def test_nobody_acts_on_another_clinics_reminder(house: House) -> None:
    await house.take(visit())
    with pytest.raises(NotFound) as unknown:
        await Acts(house.database).perform("dusk", (await the(house)).id, Cancel(), OWNER)
    assert unknown.value.code == "unknown-reminder"


async def test_a_cancel_that_comes_while_a_start_commits_is_told_that_it_is_in_the_air(postgres_house: House) -> None:
    """The start was first: the cancel waits for it, and sees what it made of the reminder."""
    house = postgres_house
    await day_one_due(house)
    row = await the(house)
    starts = f"UPDATE reminder SET state = 'sending', fence = 1 WHERE id = '{row.id}'"  # noqa: S608 - an id of ours
    async with in_the_way(house.database, starts):
        cancelling = asyncio.create_task(does(house, Cancel(), row))
        await until_waiting(house.database)
    with pytest.raises(Conflict) as refused:
        await cancelling
    assert refused.value.code == "reminder-in-flight"


async def test_a_start_passes_over_what_is_being_cancelled(postgres_house: House) -> None:
    """The cancel was first: whether the start comes before or after its commit, nothing is sent."""
    house = postgres_house
    await day_one_due(house)
    row = await the(house)
    cancels = f"UPDATE reminder SET state = 'cancelled', by = 'person', fence = fence + 1 WHERE id = '{row.id}'"  # noqa: S608 - an id of ours
    async with in_the_way(house.database, cancels):
        assert (await house.starter.start(10)).intents == []
    assert (await house.starter.start(10)).intents == []


async def test_of_a_cancel_and_a_start_at_once_one_wins_and_both_know(postgres_house: House) -> None:
    house = postgres_house
    house.clock.moment = TEN
    outcomes = []
    for number in range(20):
        await house.take(visit(id=f"e-{number}", treatment__id=f"v-{number}", client__ref=f"c-{number}"))
    rows = await house.rows(Reminder, TABLE.c.step == "day-1-sunscreen")

    async def cancel(row: Any) -> str:
        try:
            await Acts(house.database).perform(CLINIC, row.id, Cancel(), OWNER)
        except Conflict as error:
            return error.code
        return "cancelled"

    starting = asyncio.create_task(house.starter.start(100))
    outcomes = await asyncio.gather(*(cancel(row) for row in rows))
    started = {intent.reminder for intent in (await starting).intents}
    while again := (await house.starter.start(100)).intents:
        started |= {intent.reminder for intent in again}
    for row, outcome in zip(rows, outcomes, strict=True):
        assert outcome == ("reminder-in-flight" if row.id in started else "cancelled")
    states = {row.id: row.state for row in await house.rows(Reminder, TABLE.c.step == "day-1-sunscreen")}
    assert all(states[one] == (ReminderState.SENDING if one in started else ReminderState.CANCELLED) for one in states)
