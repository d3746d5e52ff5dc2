"""What a person may do about a reminder: every act in every state, and what is said where it may not be done."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.acts.acts import Act, Cancel, Move, Resolve, Retry, SendNow, Verdict
from service.acts.rules import Change, Done, Refused, decide, possible
from service.timing import QuietHours
from service.types import AttemptState, Medium, Quiet, ReminderState

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUIET = QuietHours(time(20), time(9))
EVERYTHING: tuple[Act, ...] = (Cancel(), Move(NOW + HOUR), SendNow(), Retry(), *map(Resolve, Verdict))


def reminder(state: str = "scheduled", **changes: Any) -> Any:
    basic = {
        "state": state,
        "reason": "",
        "by": "worker",
        "media": "sms,email",
        "medium": "sms",
        "quiet": "defer",
        "zone": "Europe/London",
        "due_at": NOW + 2 * HOUR,
        "expires_at": NOW + 20 * HOUR,
        "called_off": "",
    }
    return SimpleNamespace(**basic | changes)


def attempt(state: str, medium: str = "sms") -> Any:
    return SimpleNamespace(id=UUID(int=7), medium=medium, state=state)


def decided(act: Act, row: Any, *attempts: Any, now: datetime = NOW) -> str:
    """The state that follows, `done`, or the code of the refusal."""
    match decide(act, row, attempts, QUIET, now):
        case Change(state):
            return state.value
        case Done():
            return "done"
        case Refused(problem):
            return problem.code


TABLE = {
    # state: cancel, move, send-now, retry
    "scheduled": ("cancelled", "scheduled", "scheduled", "reminder-scheduled"),
    "sending": ("reminder-in-flight",) * 4,
    "sent": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "reminder-already-sent"),
    "delivered": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "reminder-already-sent"),
    "captured": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "reminder-already-sent"),
    "undelivered": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "scheduled"),
    "failed": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "scheduled"),
    "expired": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "scheduled"),
    "skipped": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "scheduled"),
    "cancelled": ("reminder-settled", "reminder-not-scheduled", "reminder-not-scheduled", "scheduled"),
    "needs_review": ("cancelled", "reminder-not-scheduled", "reminder-not-scheduled", "scheduled"),
}


@pytest.mark.parametrize("state", list(ReminderState))
def test_each_act_in_each_state(state: ReminderState) -> None:
    acts = (Cancel(), Move(NOW + HOUR), SendNow(), Retry())
    assert tuple(decided(act, reminder(state)) for act in acts) == TABLE[state]


@pytest.mark.parametrize("state", ["skipped", "cancelled"])
def test_what_the_plan_put_away_may_be_called_off_for_good_but_not_sent(state: str) -> None:
    row = reminder(state, by="plan")
    assert decided(Cancel(), row) == "cancelled"
    assert decided(Retry(), row) == "reminder-not-planned"


def test_what_the_plan_called_off_while_it_was_being_sent_is_not_sent_again() -> None:
    for state, act in (("failed", Retry()), ("needs_review", Resolve(Verdict.SEND_AGAIN))):
        row, last = reminder(state, called_off="newer-session"), attempt("failed" if state == "failed" else "unknown")
        assert decided(act, row, last) == "reminder-not-planned"


@pytest.mark.parametrize(
    ("state", "last", "sent", "again", "give_up", "others"),
    [
        ("needs_review", "unknown", "sent", "scheduled", "cancelled", "reminder-in-doubt"),
        ("needs_review", "absent", "sent", "scheduled", "cancelled", "reminder-in-doubt"),
        ("sending", "unknown", "sent", "scheduled", "cancelled", "reminder-in-flight"),
        ("sending", "sending", *["reminder-in-flight"] * 4),
        ("needs_review", "failed", *["nothing-in-doubt"] * 3, ""),
        ("sent", "accepted", *["nothing-in-doubt"] * 3, ""),
        ("scheduled", "absent", *["nothing-in-doubt"] * 3, ""),
    ],
)
def test_only_a_send_that_nobody_knows_the_outcome_of_is_resolved(
    state: str, last: str, sent: str, again: str, give_up: str, others: str
) -> None:
    row = reminder(state)
    verdicts = [decided(Resolve(verdict), row, attempt("failed"), attempt(last)) for verdict in Verdict]
    assert verdicts == [sent, again, give_up]
    if others:
        assert {decided(act, row, attempt(last)) for act in (Cancel(), Retry(), SendNow())} == {others}


def test_resolving_tells_the_attempt_too() -> None:
    for verdict, state in [(Verdict.SENT, AttemptState.SENT), (Verdict.GIVE_UP, AttemptState.ABSENT)]:
        change = decide(Resolve(verdict), reminder("needs_review"), [attempt("unknown")], QUIET, NOW)
        assert isinstance(change, Change)
        assert change.settles == (UUID(int=7), state)


@pytest.mark.parametrize(
    ("act", "row"),
    [
        (Cancel(), reminder("cancelled", by="person", reason="cancelled-by-person")),
        (Move(NOW + 2 * HOUR), reminder(by="person", reason="moved-by-person")),
        (SendNow(), reminder(due_at=NOW)),
        (Retry(), reminder(by="person", reason="retried-by-person")),
        (Retry(), reminder(by="person", reason="resolved-as-not-sent")),
        (Resolve(Verdict.SENT), reminder("sent", reason="resolved-as-sent")),
        (Resolve(Verdict.SEND_AGAIN), reminder(reason="resolved-as-not-sent")),
        (Resolve(Verdict.GIVE_UP), reminder("cancelled", reason="given-up")),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_what_was_done_already_is_done_and_no_conflict(act: Act, row: Any) -> None:
    assert decided(act, row) == "done"


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (NOW, "time-passed"),
        (NOW - HOUR, "time-passed"),
        (NOW + 19 * HOUR, "in-quiet-hours"),  # 07:00
        (NOW + 20 * HOUR, "after-expiry"),
        (NOW + 8 * HOUR, "in-quiet-hours"),  # 20:00 sharp: quiet hours are [20:00, 09:00)
        (NOW + 8 * HOUR - timedelta(minutes=1), "scheduled"),
        (datetime.fromisoformat("2026-11-21T16:00"), "scheduled"),  # the client's local time
        (datetime.fromisoformat("2026-11-21T22:00"), "in-quiet-hours"),
        (datetime.fromisoformat("2026-11-21T09:00"), "time-passed"),
    ],
)
def test_a_reminder_is_moved_to_a_time_at_which_it_may_go(to: datetime, expected: str) -> None:
    assert decided(Move(to), reminder()) == expected


def test_a_local_time_is_the_clients() -> None:
    row = reminder(zone="America/New_York", expires_at=NOW + 30 * HOUR)
    change = decide(Move(datetime.fromisoformat("2026-11-21T16:00")), row, [], QUIET, NOW)
    assert isinstance(change, Change)
    assert change.due_at == datetime(2026, 11, 21, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "hour", "expected"),
    [
        ({}, 12, "scheduled"),
        ({}, 21, "in-quiet-hours"),
        ({"medium": "email"}, 21, "scheduled"),
        ({"quiet": Quiet.IGNORE}, 21, "scheduled"),
        ({"expires_at": NOW}, 12, "reminder-expired"),
    ],
)
def test_sending_now_keeps_to_quiet_hours_and_expiry(changes: Any, hour: int, expected: str) -> None:
    row = reminder(**{"due_at": NOW + 15 * HOUR} | changes)
    assert decided(SendNow(), row, now=NOW.replace(hour=hour)) == expected


@pytest.mark.parametrize(
    ("now", "changes", "due"),
    [
        (NOW, {"due_at": NOW - HOUR}, NOW),
        (NOW, {"due_at": NOW + HOUR}, NOW + HOUR),
        (NOW + 9 * HOUR, {"due_at": NOW, "expires_at": NOW + 30 * HOUR}, NOW + 21 * HOUR),  # at nine in the morning
        (NOW + 9 * HOUR, {"due_at": NOW}, "in-quiet-hours"),
        (NOW + 20 * HOUR, {"due_at": NOW}, "reminder-expired"),
    ],
)
def test_a_retry_falls_due_as_soon_as_it_may_go_and_never_too_late(now: datetime, changes: Any, due: Any) -> None:
    found = decide(Retry(), reminder("failed", **changes), [attempt("failed")], QUIET, now)
    assert not isinstance(found, Done)
    assert (found.due_at if isinstance(found, Change) else found.problem.code) == due


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], Medium.SMS),
        ([("failed", "sms")], Medium.SMS),
        ([("failed", "sms"), ("undelivered", "email")], Medium.SMS),
        ([("delivered", "sms"), ("undelivered", "email")], Medium.EMAIL),
        ([("accepted", "sms"), ("captured", "email")], None),
    ],
)
def test_a_retry_goes_by_the_first_channel_by_which_nothing_went_out(states: Any, expected: Medium | None) -> None:
    found = decide(Retry(), reminder("undelivered"), [attempt(*one) for one in states], QUIET, NOW)
    assert (found.medium if isinstance(found, Change) else None) == expected


@pytest.mark.parametrize(
    ("row", "attempts", "expected"),
    [
        (reminder(), [], ["cancel", "move", "send-now"]),
        (reminder(due_at=NOW), [], ["cancel", "move"]),
        (reminder("sending"), [attempt("sending")], []),
        (reminder("needs_review"), [attempt("unknown")], ["resolve"]),
        (reminder("needs_review"), [], ["cancel", "retry"]),
        (reminder("failed"), [attempt("failed")], ["retry"]),
        (reminder("failed", expires_at=NOW), [attempt("failed")], []),
        (reminder("delivered"), [attempt("delivered")], []),
        (reminder("cancelled", by="person"), [], ["retry"]),
        (reminder("skipped", by="plan"), [], ["cancel"]),
    ],
)
def test_what_may_be_done_is_offered(row: Any, attempts: Any, expected: list[str]) -> None:
    assert possible(row, attempts, QUIET, NOW) == expected


@given(
    state=st.sampled_from(ReminderState),
    last=st.sampled_from(AttemptState),
    by=st.sampled_from(["plan", "worker", "person"]),
    act=st.sampled_from(EVERYTHING),
    due=st.integers(-40, 40),
    expires=st.integers(-40, 40),
)
@settings(max_examples=100)
def test_no_act_sends_too_late_at_a_quiet_hour_or_what_is_in_the_air(
    state: ReminderState, last: AttemptState, by: str, act: Act, due: int, expires: int
) -> None:
    row = reminder(state, by=by, due_at=NOW + due * HOUR, expires_at=NOW + expires * HOUR)
    found = decide(act, row, [attempt(last)], QUIET, NOW)
    if isinstance(found, Change) and found.state is ReminderState.SCHEDULED:
        assert found.due_at is not None
        assert NOW <= found.due_at < row.expires_at
        assert (found.medium or row.medium) == "email" or 9 <= found.due_at.hour < 20
        assert state is not ReminderState.SENDING or last is AttemptState.UNKNOWN
    if isinstance(found, Refused):
        assert found.problem.message
