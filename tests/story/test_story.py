"""The story of a reminder, told from real rows as a person would tell it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from service.acts.acts import Cancel, Move, Resolve, Retry, Verdict, Who
from service.acts.performing import Acts
from service.desk import Opened, open_reminder
from service.reasons import SENTENCES
from service.receipts import Receipts
from service.store.pauses import pause_clinic
from service.store.tables import Client, Recipient, Reminder, core
from service.story import tell
from service.timing import local
from service.types import (
    Accepted,
    AttemptState,
    FailureClass,
    Found,
    Medium,
    Receipt,
    Rejected,
    ReminderState,
    Unknown,
)
from service.types import (
    Retry as TryAgain,
)
from tests.dispatch.acting import TEN, change, on_sqlite, rescue_of, says, the
from tests.support.house import CLINIC, House, visit

SMS, EMAIL = Medium.SMS, Medium.EMAIL
OWNER = Who("staff", "owner")
PLANNED = """\
15:10 The visit visit-8812 (microneedling, session 2 of 4) ended on Fri 20 Nov, 15:00. \
Event e-90211 from /pms/glow reported it.
15:10 Its protocol has the step day-1-sunscreen: by SMS, else by email, meant for Sat 21 Nov, 10:00, \
of use until Sun 22 Nov, 06:00.""".splitlines()


async def opened(house: House, step: str = "day-1-sunscreen") -> Opened:
    row = await the(house, step)
    async with house.database.read() as connection:
        found = await open_reminder(connection, CLINIC, row.id, house.clock())
    assert found is not None
    return found


async def story_of(house: House) -> list[str]:
    """The story after what planned the reminder, and where it stands as its last line."""
    story = (await opened(house)).story
    lines = [f"{local(line.at, story.zone):%H:%M} {line.text}" for line in story.told]
    assert lines[:2] == PLANNED
    return [*lines[2:], story.now]


async def due(house: House) -> None:
    await house.take(visit())
    house.clock.moment = TEN


async def test_a_reminder_that_waits(house: House) -> None:
    await house.take(visit())
    assert await story_of(house) == ["It is due on Sat 21 Nov, 10:00, by SMS. It expires on Sun 22 Nov, 06:00."]


async def test_a_reminder_that_arrived(house: House) -> None:
    await due(house)
    says(house, SMS, Accepted("SM123"))
    (intent,) = (await house.dispatch()).intents
    house.clock.advance(minutes=1)
    receipt = Receipt("SM123", AttemptState.DELIVERED, house.clock(), token=intent.outgoing.token)
    await Receipts(house.database).take([receipt])
    assert await story_of(house) == [
        "10:00 It was taken up for sending, by SMS.",
        "10:00 The provider took it, as SM123.",
        "10:01 The provider reported that it was delivered.",
        "It was delivered.",
    ]


async def test_a_reminder_whose_worker_was_killed_after_the_provider_took_it(house: House) -> None:
    await due(house)
    await house.starter.start(10)  # and no more: the process is gone
    taken = Found("SM123", AttemptState.DELIVERED, house.clock(), "+447400123456")
    says(house, SMS, Accepted("SM9"), found=[[taken]])
    house.clock.advance(seconds=61)
    await rescue_of(house).run()
    asked = "The provider's records are asked on Sat 21 Nov, 10:20; until then it waits."
    assert (await story_of(house))[-1] == f"Nobody knows yet whether it went out. {asked}"
    house.clock.advance(minutes=20)
    await rescue_of(house).run()
    assert (await story_of(house))[:3] == [
        "10:00 It was taken up for sending, by SMS.",
        "10:01 The process that was sending it ended before it could write down what came of it.",
        "10:21 The provider's records were asked on Sat 21 Nov, 10:21 and show it, as SM123: it had gone out.",
    ]
    assert (await story_of(house))[-1] == "It was delivered."


@on_sqlite
async def test_a_reminder_whose_answer_was_lost_and_that_is_sent_once_more(house: House) -> None:
    await due(house)
    says(house, SMS, Unknown("timeout"), Accepted("SM2"), found=[[]])
    await house.dispatch()
    house.clock.advance(minutes=21)
    await rescue_of(house).run()
    await house.dispatch()
    absent = "were asked on Sat 21 Nov, 10:21 and do not show it"
    assert await story_of(house) == [
        "10:00 It was taken up for the first try, by SMS.",
        "10:00 The provider's answer was lost (timeout).",
        f"10:21 The provider's records {absent}: it had not gone out, so it is sent once more.",
        "10:21 It was taken up for the second try, by SMS.",
        "10:21 The provider took it, as SM2.",
        "It was sent; the provider has not reported on it yet.",
    ]


@on_sqlite
async def test_a_lost_answer_that_a_report_makes_good(house: House) -> None:
    await due(house)
    says(house, SMS, Unknown("timeout"))
    (intent,) = (await house.dispatch()).intents
    house.clock.advance(minutes=2)
    receipt = Receipt("SM1", AttemptState.DELIVERED, house.clock(), token=intent.outgoing.token)
    await Receipts(house.database).take([receipt])
    assert (await story_of(house))[1:] == [
        "10:00 The provider's answer was lost (timeout).",
        "10:02 The provider reported that it was delivered: so it had gone out.",
        "It was delivered.",
    ]


@on_sqlite
async def test_a_reminder_that_goes_another_way(house: House) -> None:
    await due(house)
    says(house, SMS, TryAgain(FailureClass.NOT_PROCESSED, "503", 300), Rejected(FailureClass.NOT_TEXTABLE, "21614"))
    says(house, EMAIL, Accepted("sg-1"))
    await house.dispatch()
    house.clock.advance(minutes=5)
    await house.dispatch()
    await house.dispatch()
    assert (await story_of(house))[:8] == [
        "10:00 It was taken up for the first try, by SMS.",
        "10:00 The provider did not take it (503).",
        "10:00 So it was put back for another try, due on Sat 21 Nov, 10:05.",
        "10:05 It was taken up for the second try, by SMS.",
        "10:05 The number takes no texts (21614).",
        "10:05 So the next channel is tried.",
        "10:05 It was taken up for the third try, by email.",
        "10:05 The provider took it, as sg-1.",
    ]


@on_sqlite
async def test_a_reminder_that_the_client_wants_by_no_channel(house: House) -> None:
    await due(house)
    await change(house, Recipient, {"suppressed_at": TEN})
    await house.dispatch()
    await house.dispatch()
    asked = "client asked for no more messages to this address"
    assert await story_of(house) == [
        f"10:00 Not by SMS: the {asked}. It goes on to email.",
        f"10:00 The {asked}.",
        f"It was not sent. By SMS, the {asked}; by email, the {asked}.",
    ]


@on_sqlite
async def test_a_reminder_without_an_address_tells_of_the_consent_that_is_missing_too(house: House) -> None:
    """Email first: that there is no number, the last reason, is not all that is to be mended."""
    await house.take(visit(client__consent={"care": ["sms"]}))
    await change(house, Client, {"phone": None})
    await change(house, Reminder, {"media": "email,sms", "medium": "email", "sender": "email"})
    house.clock.moment = TEN
    for _ in range(2):
        await house.dispatch()
    found = await opened(house)
    assert (found.row.state, found.row.reason) == ("skipped", "no-address")
    assert found.story.now == (
        "It was not sent. By email, the client has not agreed to messages of this purpose by this channel; "
        "by SMS, the client has no usable address for this channel."
    )


@on_sqlite
async def test_a_reminder_that_people_had_to_do_with(house: House) -> None:
    await due(house)
    acts, row = Acts(house.database), await the(house)
    house.clock.moment = TEN - timedelta(hours=1)
    await acts.perform(CLINIC, row.id, Move(TEN.replace(hour=15)), OWNER)
    await acts.perform(CLINIC, row.id, Cancel(), Who("key", "ac_1f2e3d4c"))
    await acts.perform(CLINIC, row.id, Retry(), Who("command"))
    async with house.database.write() as connection:
        await pause_clinic(connection, CLINIC, house.clock())
    paused = "the sender sms is paused since Sat 21 Nov, 09:00 (the clinic is paused, and all its senders with it)"
    assert await story_of(house) == [
        "09:00 Staff member owner gave it another time, due on Sat 21 Nov, 15:00.",
        "09:00 The holder of the key ac_1f2e3d4c called it off.",
        "09:00 Someone at the command line had it tried once more, due on Sat 21 Nov, 15:00.",
        f"It is due on Sat 21 Nov, 15:00, but {paused}: it waits for that. It expires on Sun 22 Nov, 06:00.",
    ]


@on_sqlite
async def test_a_doubt_that_a_person_settles(house: House) -> None:
    await due(house)
    await change(house, Reminder, {"if_unknown": "hold"}, core(Reminder).c.step == "day-1-sunscreen")
    says(house, SMS, Unknown("timeout"), found=[[]])
    await house.dispatch()
    house.clock.advance(minutes=21)
    await rescue_of(house).run()
    assert (await story_of(house))[-1] == (
        "It waits for a person. The provider's records do not show it; this step waits for a person."
    )
    await Acts(house.database).perform(CLINIC, (await the(house)).id, Resolve(Verdict.GIVE_UP), OWNER)
    assert (await story_of(house))[-2:] == [
        "10:21 Staff member owner settled that it was not sent, and left it at that.",
        "It was called off.",
    ]


@on_sqlite
async def test_a_reminder_that_waits_for_the_end_of_quiet_hours_in_a_zone_of_her_own(house: House) -> None:
    await house.take(visit(client__time_zone="America/New_York"))
    await change(house, Reminder, {"expires_at": TEN + timedelta(days=2)}, core(Reminder).c.step == "day-1-sunscreen")
    house.clock.moment = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)  # 21:30 there
    await house.dispatch()
    story = (await opened(house)).story
    assert story.told[-1].text == ("It fell into the client's quiet hours and was put off, due on Sun 22 Nov, 09:00.")
    assert story.as_json()["told"][-1] | {"text": ""} == {
        "at": "2026-11-22T02:30:00Z", "local": "2026-11-21T21:30:00", "text": "",
    }  # fmt: skip


@on_sqlite
async def test_no_name_number_or_address_is_in_a_story(house: House) -> None:
    await due(house)
    says(house, SMS, Rejected(FailureClass.HANDSET_GONE, "30005"))
    await house.dispatch()
    await house.dispatch()
    (client,) = await house.rows(Client)
    text = str((await opened(house)).story.as_json())
    assert not any(value in text for value in (client.first_name, client.phone, client.email))


def row_of(state: str, **changes: Any) -> Any:
    basic = {
        "treatment": "v-1", "protocol": "microneedling", "session": None, "of": None, "area": "", "ended_at": TEN,
        "step": "day-1", "occurrence": 0, "media": "sms,email", "medium": "sms", "send_mode": "first", "sender": "sms",
        "intended_at": TEN, "due_at": TEN, "expires_at": TEN + timedelta(hours=20), "zone": "Europe/London",
        "state": state, "reason": "", "by": "worker", "sender_paused_at": None, "sender_paused_reason": "",
        "sender_open_at": TEN, "sender_day_began_at": None, "sender_day_spent": 0,
    }  # fmt: skip
    return SimpleNamespace(**basic | changes)


@pytest.mark.parametrize("state", list(ReminderState))
def test_every_state_says_where_it_stands(state: ReminderState) -> None:
    story = tell(row_of(state), [], [], [], TEN)
    assert story.told == ()
    assert story.now.endswith(".")


@pytest.mark.parametrize("code", sorted(SENTENCES))
@pytest.mark.parametrize(
    "detail", [{}, {"state": "scheduled", "medium": "sms", "next": "email"}, {"until": TEN.isoformat()}]
)
def test_every_code_is_told_with_whatever_detail_it_has(code: str, detail: Any) -> None:
    line = SimpleNamespace(at=TEN, code=code, by="worker", detail=detail)
    (told,) = tell(row_of("needs_review", reason=code), [], [line], [], TEN).told
    assert told.text[0].isupper()
    assert told.text.endswith(".")
    assert "  " not in told.text
    assert ".." not in told.text


@pytest.mark.parametrize(
    ("code", "detail", "expected"),
    [
        ("absent-at-provider-held", {"silent_until": TEN.isoformat()},
         ("Until Sat 21 Nov, 10:00 the provider had reported on other messages but not on this one: it had not gone "
         "out, and this step is not sent again unless a person says so.")),
        ("newer-session", {"asked_at": TEN.isoformat(), "candidates": [], "unknowns": 1},
         ("The provider's records were asked on Sat 21 Nov, 10:00 and do not show it: it had not gone out. "
         "A newer session has taken its place.")),
        ("ambiguous-at-provider", {"asked_at": TEN.isoformat(), "candidates": ["SM1", "SM2"], "unknowns": 1},
         ("The provider's records were asked on Sat 21 Nov, 10:00 and show 2 messages that would fit 1 send of unknown "
         "outcome. That proves nothing: a person must decide.")),
        ("replanned", {"change": "moved", "to": TEN.isoformat()},
         "What is known of the treatment changed, and its time with it, due on Sat 21 Nov, 10:00."),
        ("booking-cancelled", {"change": "planned", "to": TEN.isoformat()},
         "The appointment was cancelled, so its own time counts again. It is due on Sat 21 Nov, 10:00 now."),
        ("newer-session", {"change": "stopping"},
         "A newer session has taken its place. A send of it was under way, and no further one follows."),
        ("quiet-hours", {"until": TEN.isoformat()},
         "It fell into the client's quiet hours and was put off, due on Sat 21 Nov, 10:00."),
        ("client-paused", {"until": TEN.isoformat()},
         ("The client asked for a pause: it waits for its end, or is left out where that comes too late. "
         "It was put off, due on Sat 21 Nov, 10:00.")),
        ("outcome-unknown", {"state": "needs_review"},
         "Whether it went out was not known when its time was over: a person must decide."),
    ],
)  # fmt: skip
def test_what_was_decided_is_told_with_its_evidence(code: str, detail: Any, expected: str) -> None:
    line = SimpleNamespace(at=TEN, code=code, by="worker", detail=detail)
    assert [one.text for one in tell(row_of("sending"), [], [line], [], TEN).told] == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sender": None}, "It has been due since Sat 21 Nov, 10:00, but the clinic has no sender for SMS."),
        ({"sender_open_at": TEN + timedelta(minutes=5)},
         "It has been due since Sat 21 Nov, 10:00; the sender sms may go on at Sat 21 Nov, 10:05."),
        ({"sender_open_at": TEN + timedelta(hours=2), "sender_day_began_at": TEN - timedelta(hours=22),
          "sender_day_spent": 5000},
         ("It has been due since Sat 21 Nov, 10:00; the clinic has sent as much as it may in a day (5000 segments of "
          "text), and the sender sms may go on at Sat 21 Nov, 12:00.")),
        ({"due_at": datetime(2027, 1, 4, 10, tzinfo=UTC)}, "It is due on Mon 4 Jan 2027, 10:00, by SMS."),
    ],
)  # fmt: skip
def test_what_a_reminder_waits_for(changes: Any, expected: str) -> None:
    assert tell(row_of("scheduled", **changes), [], [], [], TEN).now.startswith(expected)
