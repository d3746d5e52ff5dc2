"""What follows from each class of failure that a provider reports: the whole table."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from service import reasons
from service.receipts.consequences import Failed, GiveUp, Switch, TryAgain, Waits, consequence
from service.types import FailureClass, Medium, ReminderState

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
WAITS = Waits()
LATER, SLOWLY, STAYS_DUE = (
    TryAgain(NOW + WAITS.handset, "try-later"),
    TryAgain(NOW + WAITS.sender, "try-later"),
    TryAgain(NOW, "sender-paused"),
)
SWITCH = Switch(Medium.EMAIL)
ALL_CLASSES = (*FailureClass, None)


def failed(failure: FailureClass | None, *, other: bool, hours: float = 20.0, times: int = 1) -> Failed:
    expires_at = NOW + timedelta(hours=hours)
    return Failed(failure, ReminderState.UNDELIVERED, times, Medium.EMAIL if other else None, NOW, expires_at)


def end(failure: FailureClass | None) -> GiveUp:
    return GiveUp(ReminderState.UNDELIVERED, failure.value if failure else "undelivered")


AT_ONCE = (
    FailureClass.HANDSET_GONE,
    FailureClass.NOT_TEXTABLE,
    FailureClass.OPTED_OUT,
    FailureClass.ROUTE,
    FailureClass.MALFORMED,
    FailureClass.EMAIL_DEAD,
    None,
)
TABLE = [
    *((failure, SWITCH, end(failure)) for failure in AT_ONCE),
    (FailureClass.HANDSET_FOR_NOW, LATER, LATER),
    (FailureClass.EMAIL_BLOCKED, SWITCH, LATER),
    (FailureClass.EMAIL_REFUSED, end(FailureClass.EMAIL_REFUSED), end(FailureClass.EMAIL_REFUSED)),
    (FailureClass.CONTENT, end(FailureClass.CONTENT), end(FailureClass.CONTENT)),
    (FailureClass.CREDENTIAL, STAYS_DUE, STAYS_DUE),
    (FailureClass.ACCOUNT_CAP, SWITCH, STAYS_DUE),
    (FailureClass.SENDER_SATURATED, SLOWLY, SLOWLY),
    (FailureClass.NOT_PROCESSED, SLOWLY, SLOWLY),
    (FailureClass.EMAIL_LATER, SLOWLY, SLOWLY),
]
"""Class; what follows where the other channel may be used, and where not. In time, at the first failure, and the day of
an account's cap ends after the expiry."""


def test_every_class_is_in_the_table() -> None:
    assert sorted(str(failure) for failure, _, _ in TABLE) == sorted(map(str, ALL_CLASSES))


@pytest.mark.parametrize(("failure", "with_other", "alone"), TABLE, ids=lambda value: str(value)[:30])
def test_what_follows_in_time(failure: FailureClass | None, with_other: object, alone: object) -> None:
    in_time = 13.0
    assert NOW + timedelta(hours=in_time) < MIDNIGHT
    assert consequence(failed(failure, other=True, hours=in_time), WAITS) == with_other
    assert consequence(failed(failure, other=False, hours=in_time), WAITS) == alone


@pytest.mark.parametrize(("failure", "other"), list(product(ALL_CLASSES, [True, False])))
def test_nothing_is_sent_after_the_expiry_or_once_the_plan_does_not_want_it(
    failure: FailureClass | None, other: bool
) -> None:
    assert consequence(failed(failure, other=other, hours=0), WAITS) == end(failure)
    unwanted = Failed(failure, ReminderState.FAILED, 1, Medium.EMAIL, NOW, NOW + timedelta(hours=9), wanted=False)
    assert isinstance(consequence(unwanted, WAITS), GiveUp)


@pytest.mark.parametrize(("failure", "other", "times"), list(product(ALL_CLASSES, [True, False], [1, 2, 3, 9])))
def test_whatever_is_tried_again_is_tried_before_the_expiry(
    failure: FailureClass | None, other: bool, times: int
) -> None:
    for minutes in (1, 5, 6, 59, 60, 61, 1200):
        case = failed(failure, other=other, hours=minutes / 60, times=times)
        decided = consequence(case, WAITS)
        assert not isinstance(decided, TryAgain) or decided.due_at < case.expires_at
        assert decided.reason in reasons.SENTENCES


@pytest.mark.parametrize(
    ("times", "other", "then"),
    [(1, True, LATER), (2, True, LATER), (3, True, SWITCH), (3, False, end(FailureClass.HANDSET_FOR_NOW))],
)
def test_a_phone_that_is_off_gets_two_later_tries_and_then_a_letter(times: int, other: bool, then: object) -> None:
    assert consequence(failed(FailureClass.HANDSET_FOR_NOW, other=other, times=times), WAITS) == then


def test_without_time_for_a_later_try_the_letter_goes_at_once() -> None:
    assert consequence(failed(FailureClass.HANDSET_FOR_NOW, other=True, hours=0.9), WAITS) == SWITCH


def test_a_used_up_account_is_waited_for_where_its_next_day_comes_in_time() -> None:
    assert consequence(failed(FailureClass.ACCOUNT_CAP, other=True, hours=14.1), WAITS) == STAYS_DUE
