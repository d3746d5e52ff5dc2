"""The checker of chaos runs, on small made-up ends of runs: it finds each breach, and nothing where all is well."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chaos.check import check
from chaos.values import Attempt, Breach, Evidence, Reminder, Stop, Taken, without
from service.types import AttemptState, IfUnknown, ReminderState

DUE = datetime(2026, 11, 20, 15, tzinfo=UTC)
END = DUE + timedelta(minutes=5)
ADA = "+447400123456"

TAKEN = Taken(line=1, at=DUE + timedelta(seconds=1), to=ADA, provider_id="SM1", token="t1", body_hash="h")
ATTEMPT = Attempt(
    clinic="glow", id=UUID(int=11), reminder=UUID(int=1), token="t1", fence=1, medium="sms", recipient=ADA,
    body_hash="h", state=AttemptState.DELIVERED, provider_id="SM1", code="", created_at=DUE, receipt_at=DUE,
    evidence=None,
)  # fmt: skip
REMINDER = Reminder(
    clinic="glow", id=UUID(int=1), treatment="visit-1", step="text", sender="sms",
    if_unknown=IfUnknown.RESEND_IF_ABSENT, state=ReminderState.DELIVERED, reason="", fence=1, intended_at=DUE,
    due_at=DUE, expires_at=DUE + timedelta(minutes=1),
)  # fmt: skip
EMPTY = {"asked_at": (DUE + timedelta(seconds=9)).isoformat(), "candidates": []}
ABSENT = replace(ATTEMPT, state=AttemptState.ABSENT, provider_id=None, receipt_at=None, evidence=EMPTY)
AGAIN = replace(
    ATTEMPT, id=UUID(int=12), token="t2", fence=2, provider_id="SM2", created_at=DUE + timedelta(seconds=10)
)
AGAIN_TAKEN = replace(TAKEN, line=2, at=DUE + timedelta(seconds=11), provider_id="SM2", token="t2")
TWICE = replace(REMINDER, fence=2)
LATE_TAKEN = replace(TAKEN, at=DUE + timedelta(seconds=10))
"""The first message, which arrived only after the provider had been asked for it."""


def end(
    taken: list[Taken] | None = None,
    attempts: list[Attempt] | None = None,
    reminders: list[Reminder] | None = None,
    **more: Any,
) -> Evidence:
    """The end of a run in which one reminder was sent and delivered, but for what is given."""
    return Evidence(
        taken=[TAKEN] if taken is None else taken,
        attempts=[ATTEMPT] if attempts is None else attempts,
        reminders=[REMINDER] if reminders is None else reminders,
        planned=more.pop("planned", frozenset({("glow", "visit-1", "text")})),
        attended=[(DUE, END)],
        ended_at=END,
        **more,
    )


def breaches(evidence: Evidence) -> set[Breach]:
    return {finding.breach for finding in check(evidence).findings}


KEPT = {
    "sent and delivered": end(),
    "never sent, and it says why": end([], [], [replace(REMINDER, state=ReminderState.SKIPPED, fence=0)]),
    "expired while its sender was paused": end(
        [], [], [replace(REMINDER, state=ReminderState.EXPIRED, fence=0)], paused=frozenset({("glow", "sms")})
    ),
    "found absent, and sent once more": end([AGAIN_TAKEN], [ABSENT, AGAIN], [TWICE]),
    "in doubt, and a person is asked": end(
        attempts=[replace(ATTEMPT, state=AttemptState.UNKNOWN, provider_id=None)],
        reminders=[replace(REMINDER, state=ReminderState.NEEDS_REVIEW)],
    ),
    "one channel took it, the other's answer is lost": end(
        attempts=[ATTEMPT, replace(AGAIN, medium="email", state=AttemptState.UNKNOWN, provider_id=None)],
        reminders=[replace(TWICE, state=ReminderState.NEEDS_REVIEW)],
    ),
    "stopped after it was sent": end(stops=[Stop("glow", "sms", ADA, DUE + timedelta(seconds=1))]),
    "undelivered, and tried again": end(
        [TAKEN, AGAIN_TAKEN], [replace(ATTEMPT, state=AttemptState.UNDELIVERED), AGAIN], [TWICE]
    ),
}

BROKEN = {
    "an acknowledged event without a row": (
        end(planned=frozenset({("glow", "visit-1", "text"), ("glow", "visit-2", "text")})),
        Breach.LOST,
    ),
    "said to be sent, and never accepted": (end([]), Breach.LOST),
    "forgotten until it expired": (
        end([], [], [replace(REMINDER, state=ReminderState.EXPIRED, fence=0)]),
        Breach.LOST,
    ),
    "sent twice without a look-up": (
        end([TAKEN, AGAIN_TAKEN], [replace(ATTEMPT, state=AttemptState.SENT), AGAIN], [TWICE]),
        Breach.DOUBLED,
    ),
    "one attempt accepted twice": (end([TAKEN, replace(TAKEN, line=2)]), Breach.DOUBLED),
    "sent twice though it was to be held": (
        end([LATE_TAKEN, AGAIN_TAKEN], [ABSENT, AGAIN], [replace(TWICE, if_unknown=IfUnknown.HOLD)]),
        Breach.DOUBLED,
    ),
    "accepted, and no attempt of ours": (end([TAKEN, replace(TAKEN, line=2, token="")]), Breach.UNEXPECTED),
    "accepted long after its expiry": (end([replace(TAKEN, at=DUE + timedelta(seconds=63))]), Breach.LATE),
    "started after its expiry": (
        end(attempts=[replace(ATTEMPT, created_at=DUE + timedelta(minutes=1))]),
        Breach.LATE,
    ),
    "started before its time": (end(attempts=[replace(ATTEMPT, created_at=DUE - timedelta(seconds=1))]), Breach.LATE),
    "started after STOP": (end(stops=[Stop("glow", "sms", ADA, DUE - timedelta(seconds=1))]), Breach.AFTER_STOP),
    "other words than we show": (end([replace(TAKEN, body_hash="x")]), Breach.CONTRADICTION),
    "another's number": (end([replace(TAKEN, to="+447400123457")]), Breach.CONTRADICTION),
    "holds a message that is not its own": (end(attempts=[replace(ATTEMPT, provider_id="SM9")]), Breach.CONTRADICTION),
    "failed, and it went": (
        end(attempts=[replace(ATTEMPT, state=AttemptState.FAILED, receipt_at=None)]),
        Breach.CONTRADICTION,
    ),
    "absent, and it was there to be found": (end(attempts=[ABSENT]), Breach.CONTRADICTION),
    "two attempts hold one message": (
        end([TAKEN, AGAIN_TAKEN], [ATTEMPT, replace(AGAIN, provider_id="SM1")], [TWICE]),
        Breach.CONTRADICTION,
    ),
    "expired, and it went": (end(reminders=[replace(REMINDER, state=ReminderState.EXPIRED)]), Breach.CONTRADICTION),
    "cancelled, and it went": (
        end(reminders=[replace(REMINDER, state=ReminderState.CANCELLED)]),
        Breach.CONTRADICTION,
    ),
    "sent, and no attempt went": (
        end(attempts=[replace(ATTEMPT, state=AttemptState.UNKNOWN, provider_id=None)]),
        Breach.CONTRADICTION,
    ),
    "two attempts at once": (
        end([], [replace(ATTEMPT, state=AttemptState.SENDING), replace(AGAIN, state=AttemptState.SENDING)]),
        Breach.CONTRADICTION,
    ),
    "unknown, and nobody is told": (
        end(attempts=[replace(ATTEMPT, state=AttemptState.UNKNOWN, provider_id=None)]),
        Breach.UNRESOLVED,
    ),
    "sending for ever": (end(reminders=[replace(REMINDER, state=ReminderState.SENDING)]), Breach.UNRESOLVED),
    "scheduled beyond its expiry": (
        end([], [], [replace(REMINDER, state=ReminderState.SCHEDULED, fence=1)]),
        Breach.UNRESOLVED,
    ),
}


@pytest.mark.parametrize("evidence", KEPT.values(), ids=KEPT)
def test_where_the_promise_was_kept_nothing_is_found(evidence: Evidence) -> None:
    assert check(evidence).findings == []


@pytest.mark.parametrize(("evidence", "breach"), BROKEN.values(), ids=BROKEN)
def test_each_broken_promise_is_found(evidence: Evidence, breach: Breach) -> None:
    assert breach in breaches(evidence)


def test_every_way_of_breaking_it_is_tried_above() -> None:
    assert {breach for _, breach in BROKEN.values()} == set(Breach)


def test_a_double_after_an_empty_look_up_is_allowed_and_listed() -> None:
    verdict = check(end([LATE_TAKEN, AGAIN_TAKEN], [ABSENT, AGAIN], [TWICE]))
    assert verdict.kept
    (resent,) = verdict.resent
    assert resent.asked_at == DUE + timedelta(seconds=9)
    assert resent.accepted == [LATE_TAKEN.at, AGAIN_TAKEN.at]


def test_what_expired_while_no_worker_was_up_for_long_was_not_forgotten() -> None:
    evidence = end([], [], [replace(REMINDER, state=ReminderState.EXPIRED, fence=0)])
    up = [(DUE - timedelta(minutes=1), DUE + timedelta(seconds=20)), (DUE + timedelta(seconds=40), END)]
    assert check(replace(evidence, attended=up)).kept


@pytest.mark.parametrize(
    ("holes", "left"),
    [
        ([], [(0, 10)]),
        ([(2, 4)], [(0, 2), (4, 10)]),
        ([(2, 6), (4, 8)], [(0, 2), (8, 10)]),
        ([(6, 8), (-3, 1)], [(1, 6), (8, 10)]),
        ([(-5, 20)], []),
        ([(10, 12)], [(0, 10)]),
    ],
)
def test_what_is_cut_out_of_a_span_leaves_the_rest(holes: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    def at(second: int) -> datetime:
        return DUE + timedelta(seconds=second)

    def spans(pairs: list[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
        return [(at(since), at(until)) for since, until in pairs]

    assert list(without((at(0), at(10)), spans(holes))) == spans(left)
