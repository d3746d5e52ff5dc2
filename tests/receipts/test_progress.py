"""Where reports take attempts and their reminders, in whatever order they come."""

from itertools import permutations, product

import pytest

from service.receipts.progress import NextChannel, NotReached, Reached, Standing, moved, reminder_after
from service.types import AttemptState, Medium, ReminderState, SendMode

REPORTED = [
    AttemptState.ACCEPTED,
    AttemptState.SENT,
    AttemptState.DELIVERED,
    AttemptState.UNDELIVERED,
    AttemptState.FAILED,
]
OPEN = [AttemptState.SENDING, AttemptState.UNKNOWN, AttemptState.ABSENT]


@pytest.mark.parametrize(("medium", "start"), list(product(Medium, OPEN)))
def test_all_orders_of_all_reports_end_in_the_same_place(medium: Medium, start: AttemptState) -> None:
    ends = set()
    for order in permutations(REPORTED):
        state = start
        for reported in (*order, *order):
            state = moved(medium, state, reported) or state
        ends.add(state)
    assert ends == {AttemptState.DELIVERED if medium is Medium.SMS else AttemptState.UNDELIVERED}


@pytest.mark.parametrize(("medium", "state"), list(product(Medium, REPORTED)))
def test_the_same_report_again_moves_nothing(medium: Medium, state: AttemptState) -> None:
    assert moved(medium, state, state) is None


def standing(
    state: ReminderState,
    *attempts: tuple[Medium, AttemptState],
    was: AttemptState = AttemptState.ACCEPTED,
    latest: bool = True,
    mode: SendMode = SendMode.FIRST,
    medium: Medium = Medium.SMS,
) -> Standing:
    return Standing(state, medium, "sms,email", mode, was, latest, attempts)


SMS, EMAIL = Medium.SMS, Medium.EMAIL
DELIVERED, UNDELIVERED, SENT = AttemptState.DELIVERED, AttemptState.UNDELIVERED, AttemptState.SENT
UNKNOWN, ABSENT, SENDING = AttemptState.UNKNOWN, AttemptState.ABSENT, AttemptState.SENDING
R = ReminderState
ALL = SendMode.ALL


@pytest.mark.parametrize("state", [R.SENDING, R.SENT, R.SCHEDULED, R.NEEDS_REVIEW, R.EXPIRED, R.CANCELLED, R.SKIPPED])
def test_evidence_that_it_went_out_ends_whatever_else_was_decided(state: ReminderState) -> None:
    assert reminder_after(standing(state, (SMS, DELIVERED))) == Reached(R.DELIVERED)


@pytest.mark.parametrize(
    ("case", "then"),
    [
        (standing(R.SENT, (SMS, UNDELIVERED)), NotReached()),
        (standing(R.SENDING, (SMS, UNDELIVERED), was=SENDING), NotReached()),
        (standing(R.DELIVERED, (EMAIL, UNDELIVERED), medium=EMAIL), NotReached()),
        # It waited to be sent once more because records did not show it: now it is known what became of it.
        (standing(R.SCHEDULED, (SMS, UNDELIVERED), was=ABSENT), NotReached()),
        (standing(R.NEEDS_REVIEW, (SMS, UNDELIVERED), was=UNKNOWN), NotReached()),
        (standing(R.EXPIRED, (SMS, UNDELIVERED), was=ABSENT), NotReached()),
        # What was decided on better grounds stays.
        (standing(R.SCHEDULED, (SMS, UNDELIVERED)), None),
        (standing(R.CANCELLED, (SMS, UNDELIVERED)), None),
        (standing(R.SENT, (SMS, UNDELIVERED), (EMAIL, SENT), latest=False), None),
        (standing(R.SENDING, (SMS, UNDELIVERED), (EMAIL, SENDING), latest=False), None),
        (standing(R.NEEDS_REVIEW, (SMS, UNDELIVERED), (EMAIL, UNKNOWN), latest=False), None),
        # One of two sends is enough.
        (standing(R.SENT, (SMS, SENT), (EMAIL, UNDELIVERED)), None),
        (standing(R.SENT, (SMS, DELIVERED), (EMAIL, UNDELIVERED)), Reached(R.DELIVERED)),
        (standing(R.UNDELIVERED, (SMS, DELIVERED), (SMS, UNDELIVERED), latest=False), Reached(R.DELIVERED)),
        # A newer send is on its way, and tells.
        (standing(R.SENDING, (SMS, DELIVERED), (SMS, SENDING), latest=False, was=ABSENT), None),
    ],
)
def test_what_a_moved_attempt_means_for_its_reminder(case: Standing, then: object) -> None:
    assert reminder_after(case) == then


@pytest.mark.parametrize(
    ("case", "then"),
    [
        (standing(R.SENDING, (SMS, SENT), was=SENDING, mode=ALL), NextChannel([EMAIL], otherwise=R.SENT)),
        (standing(R.SCHEDULED, (SMS, SENT), was=ABSENT, mode=ALL), NextChannel([EMAIL], otherwise=R.SENT)),
        (standing(R.SCHEDULED, (SMS, DELIVERED), mode=ALL, medium=EMAIL), None),
        (standing(R.SENDING, (SMS, DELIVERED), (EMAIL, SENDING), mode=ALL, medium=EMAIL, latest=False), None),
        (standing(R.SENT, (SMS, DELIVERED), (EMAIL, SENT), mode=ALL, medium=EMAIL, latest=False), Reached(R.DELIVERED)),
        (
            standing(R.SENDING, (SMS, SENT), (EMAIL, DELIVERED), mode=ALL, medium=EMAIL),
            NextChannel([], otherwise=R.DELIVERED),
        ),
    ],
)
def test_a_step_for_all_channels_goes_on_to_the_next_and_not_twice_by_one(case: Standing, then: object) -> None:
    assert reminder_after(case) == then
