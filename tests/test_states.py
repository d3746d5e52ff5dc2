"""The transition tables, and that the store refuses what is not in them."""

import pytest
from sqlalchemy.exc import DBAPIError

from service.states import ATTEMPT, REMINDER, Cause, IllegalMove, check, pairs, sources
from service.store.tables import Attempt, Reminder
from service.types import AttemptState, ReminderState
from tests.dispatch.acting import change, day_one_due
from tests.support.house import House

_FINAL = {ReminderState.CAPTURED}
"""Nothing that left the house can come back of what never did."""


def test_every_state_can_be_reached_and_every_one_but_the_final_ones_be_left() -> None:
    assert {target for _, target in pairs(ATTEMPT)} == set(AttemptState) - {AttemptState.SENDING}
    assert {source for source, _ in pairs(ATTEMPT)} == set(AttemptState) - {AttemptState.CAPTURED}
    assert {target for _, target in pairs(REMINDER)} == set(ReminderState)
    assert {source for source, _ in pairs(REMINDER)} == set(ReminderState) - _FINAL


def test_no_move_is_listed_twice_and_each_says_why() -> None:
    for moves in (ATTEMPT, REMINDER):
        listed = [(move.cause, move.source, move.target) for move in moves]
        assert len(listed) == len(set(listed))
        assert all(move.why for move in moves)


def test_only_a_start_makes_a_reminder_sending_and_only_from_scheduled() -> None:
    into = [move for move in REMINDER if move.target is ReminderState.SENDING]
    assert [(move.source, move.cause) for move in into] == [(ReminderState.SCHEDULED, Cause.START)]


def test_an_attempt_is_never_sent_again() -> None:
    assert AttemptState.SENDING not in {target for _, target in pairs(ATTEMPT)}


def test_nothing_is_absent_but_what_was_looked_up_in_vain_or_is_said_so_by_a_person() -> None:
    into = {(move.source, move.cause) for move in ATTEMPT if move.target is AttemptState.ABSENT}
    assert {source for source, _ in into} == {AttemptState.UNKNOWN, AttemptState.ABSENT}
    assert {cause for _, cause in into} == {Cause.RECORDS, Cause.PERSON}


def test_guards_of_updates_come_from_the_tables() -> None:
    assert sources(ATTEMPT, Cause.ANSWER, AttemptState.ACCEPTED) == ("sending", "unknown", "absent")
    assert sources(REMINDER, Cause.RECORDS, ReminderState.SCHEDULED) == ("sending", "needs_review")
    check(REMINDER, Cause.PERSON, "needs_review", "scheduled")
    check(REMINDER, Cause.PERSON, "sent", "sent")
    with pytest.raises(IllegalMove, match="person: from delivered to scheduled"):
        check(REMINDER, Cause.PERSON, "delivered", "scheduled")


async def test_the_databases_of_these_tests_refuse_a_move_that_is_not_listed(house: House) -> None:
    await day_one_due(house)
    await house.starter.start(10)
    with pytest.raises(DBAPIError, match="illegal move"):
        await change(house, Attempt, {"state": "absent"})
    with pytest.raises(DBAPIError, match="illegal move"):
        await change(house, Reminder, {"state": "skipped"})
    await change(house, Attempt, {"state": "unknown"})
    await change(house, Attempt, {"state": "absent"})
