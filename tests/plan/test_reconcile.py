"""What a new plan does to the reminders that are there, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.plan import Changes, Existing, Planned, Session, SkipReason, plan_course, reconcile
from service.types import Kind, Medium, ReminderState
from tests.plan.facts import FACTS
from tests.plan.visits import MICRONEEDLING, NEW_YORK, of_step, plan, visit

ids = count(1)

FIRST, SECOND = visit("2026-11-20T15:00", number=2), visit("2026-12-18T15:00", number=3)
UNDER_WAY = [ReminderState.SENDING, ReminderState.NEEDS_REVIEW]
OUT = [ReminderState.SENT, ReminderState.DELIVERED, ReminderState.UNDELIVERED, ReminderState.CAPTURED]
UNTOUCHABLE = [state for state in ReminderState if state is not ReminderState.SCHEDULED and state not in UNDER_WAY]


def row(planned: Planned, state: ReminderState | None = None, *, by_plan: bool = True) -> Existing:
    """The row that a plan's reminder becomes, or what later became of it."""
    return Existing(
        id=UUID(int=next(ids)),
        treatment=planned.treatment,
        step=planned.step,
        occurrence=planned.occurrence,
        state=state or (ReminderState.SKIPPED if planned.skip else ReminderState.SCHEDULED),
        settled_by_plan=by_plan,
        medium=planned.medium,
        due_at=planned.due_at,
        expires_at=planned.expires_at,
        intended_at=planned.intended_at,
        zone=planned.zone,
    )


def rows(*sessions: Session) -> list[Existing]:
    return [row(planned) for planned in plan(MICRONEEDLING, *sessions)]


def written(existing: list[Existing], changes: Changes) -> list[Existing]:
    """The rows after the changes, as the store would write them."""
    rescheduled, amended = dict(changes.reschedule), dict(changes.amend)
    cancelled, called_off = {id_ for id_, _ in changes.cancel}, dict(changes.call_off)
    kept = []
    for old in existing:
        if old.id in rescheduled:
            kept.append(replace(row(rescheduled[old.id]), id=old.id))
        elif old.id in cancelled:
            kept.append(replace(old, state=ReminderState.CANCELLED, settled_by_plan=True, called_off=""))
        elif old.id in called_off:
            kept.append(replace(old, called_off=called_off[old.id]))
        elif old.id in amended:
            meant = amended[old.id]
            times = replace(old, intended_at=meant.intended_at, expires_at=meant.expires_at, zone=meant.zone)
            kept.append(replace(times, called_off=""))
        else:
            kept.append(old)
    return kept + [row(planned) for planned in changes.insert]


def test_a_first_plan_is_inserted_as_it_is() -> None:
    planned = plan(MICRONEEDLING, FIRST)
    assert reconcile(planned, []) == Changes(insert=planned)


def test_the_same_plan_again_changes_nothing() -> None:
    assert not reconcile(plan(MICRONEEDLING, FIRST), rows(FIRST))


def test_a_newer_session_cancels_the_nudges_of_the_one_before() -> None:
    existing = rows(FIRST)
    changes = reconcile(plan(MICRONEEDLING, FIRST, SECOND, now="2026-11-20T15:05"), existing)
    steps = {old.id: old.step for old in existing}
    assert {steps[id_] for id_, _ in changes.cancel} == {"day-30-results-check", "next-session", "maintenance-due"}
    assert {reason for _, reason in changes.cancel} == {SkipReason.NEWER_SESSION}
    assert {planned.treatment for planned in changes.insert} == {SECOND.treatment}
    assert changes.reschedule == []


def test_a_newer_session_that_is_taken_back_arms_the_nudges_again() -> None:
    before = rows(FIRST)
    after = written(before, reconcile(plan(MICRONEEDLING, FIRST, SECOND, now="2026-11-20T15:05"), before))
    changes = reconcile(plan(MICRONEEDLING, FIRST), after)
    assert {planned.step for _, planned in changes.reschedule} == {
        "day-30-results-check",
        "next-session",
        "maintenance-due",
    }
    assert {reason for _, reason in changes.cancel} == {SkipReason.NO_LONGER_PLANNED}
    assert changes.insert == []


def test_a_corrected_time_moves_what_is_scheduled_and_nothing_else() -> None:
    existing = rows(FIRST)
    sent = replace(existing[0], state=ReminderState.SENT, settled_by_plan=False)
    corrected = replace(FIRST, ended_at=FIRST.ended_at + timedelta(days=1))
    planned = plan(MICRONEEDLING, corrected)
    changes = reconcile(planned, [sent, *existing[1:]])
    assert changes.reschedule == [(old.id, one) for old, one in zip(existing[1:], planned[1:], strict=True)]
    assert (changes.insert, changes.cancel) == ([], [])


def test_a_client_who_moves_takes_every_scheduled_reminder_along_even_an_exact_one() -> None:
    existing = rows(FIRST)
    changes = reconcile(plan(MICRONEEDLING, replace(FIRST, zone=NEW_YORK)), existing)
    assert [id_ for id_, _ in changes.reschedule] == [old.id for old in existing]
    exact = changes.reschedule[0][1]
    assert (exact.due_at, exact.zone) == (existing[0].due_at, NEW_YORK)


def test_a_voided_visit_takes_its_scheduled_reminders_with_it() -> None:
    existing = rows(FIRST)
    assert reconcile([], existing).cancel == [(old.id, SkipReason.NO_LONGER_PLANNED) for old in existing]


@pytest.mark.parametrize("state", UNTOUCHABLE)
@pytest.mark.parametrize("wanted", [True, False])
def test_what_sending_or_a_person_has_settled_stays(state: ReminderState, wanted: bool) -> None:
    planned = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    moved = [replace(one, intended_at=one.intended_at + timedelta(days=1)) for one in planned]
    settled = [row(one, state, by_plan=False) for one in planned]
    assert not reconcile(moved if wanted else [], settled)


@pytest.mark.parametrize("state", [state for state in UNTOUCHABLE if state not in {"skipped", "cancelled"}])
def test_only_put_away_reminders_are_wanted_again(state: ReminderState) -> None:
    planned = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    assert not reconcile(planned, [row(one, state) for one in planned])


def test_a_retry_keeps_its_time_while_what_was_meant_stays_the_same() -> None:
    (planned,) = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    retry = replace(row(planned), due_at=planned.due_at + timedelta(minutes=20), moved=True)
    assert not reconcile([planned], [retry])
    corrected = replace(planned, intended_at=planned.intended_at + timedelta(days=1))
    assert reconcile([corrected], [retry]).reschedule == [(retry.id, corrected)]


def test_changed_quiet_hours_move_what_nobody_else_has_moved() -> None:
    (planned,) = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    later = replace(planned, due_at=planned.due_at + timedelta(hours=1))
    old = row(planned)
    assert reconcile([later], [old]).reschedule == [(old.id, later)]


@given(FACTS, FACTS, st.data())
def test_reconciling_again_after_the_changes_gives_none(
    before: dict[str, Any], facts: dict[str, Any], data: st.DataObject
) -> None:
    was = plan_course(**before)
    states = data.draw(st.lists(st.none() | st.sampled_from(ReminderState), min_size=len(was), max_size=len(was)))
    by_plan = data.draw(st.booleans())
    existing = [row(one, state, by_plan=by_plan) for one, state in zip(was, states, strict=True)]
    desired = plan_course(**facts)
    changes = reconcile(desired, existing)
    after = written(existing, changes)
    assert not reconcile(desired, after)
    _follows(desired, after)


def _follows(desired: list[Planned], after: list[Existing]) -> None:
    """Scheduled rows are exactly as the plan wants them, and each reminder has one row."""
    wanted = {planned.key: planned for planned in desired}
    assert len({old.key for old in after}) == len(after)
    assert set(wanted) <= {old.key for old in after}
    for old in after:
        if old.state is ReminderState.SCHEDULED:
            planned = wanted[old.key]
            assert planned.skip is None
            assert (old.due_at, old.expires_at, old.zone) == (planned.due_at, planned.expires_at, planned.zone)


def test_a_kind_corrected_to_single_ends_its_series_steps() -> None:
    existing = rows(FIRST)
    changes = reconcile(plan(MICRONEEDLING, replace(FIRST, kind=Kind.SINGLE)), existing)
    assert {reason for _, reason in changes.cancel} == {SkipReason.SINGLE_VISIT}


@pytest.mark.parametrize("state", UNDER_WAY)
def test_what_is_under_way_is_told_that_no_further_send_is_wanted_and_told_once(state: ReminderState) -> None:
    (planned,) = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    sending = row(planned, state)
    changes = reconcile([], [sending], {FIRST.treatment: SkipReason.TREATMENT_VOIDED})
    assert changes == Changes(call_off=[(sending.id, SkipReason.TREATMENT_VOIDED)])
    (told,) = written([sending], changes)
    assert not reconcile([], [told], {FIRST.treatment: SkipReason.TREATMENT_VOIDED})
    assert reconcile([planned], [told]).amend == [(sending.id, planned)]


def test_what_is_under_way_learns_the_times_that_it_is_meant_for_now() -> None:
    (planned,) = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    later = replace(planned, intended_at=planned.intended_at + timedelta(days=1))
    sending = row(planned, ReminderState.SENDING)
    assert reconcile([later], [sending]) == Changes(amend=[(sending.id, later)])


def test_a_step_that_went_by_one_of_its_channels_is_never_planned_from_its_beginning_again() -> None:
    (planned,) = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    later = replace(planned, intended_at=planned.intended_at + timedelta(days=1))
    begun = replace(row(planned), begun=True)
    assert reconcile([later], [begun]) == Changes(amend=[(begun.id, later)])
    assert reconcile([], [begun]).cancel == [(begun.id, SkipReason.NO_LONGER_PLANNED)]


@pytest.mark.parametrize("state", OUT)
def test_what_went_out_is_told_of_where_the_plan_has_changed(state: ReminderState) -> None:
    (planned,) = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    later = replace(planned, intended_at=planned.intended_at + timedelta(days=1))
    past = replace(planned, skip=SkipReason.PAST)
    sent = row(planned, state, by_plan=False)
    assert reconcile([planned], [sent]).kept == []
    assert reconcile([past], [sent]).kept == []
    assert reconcile([later], [sent]).kept == [(sent.id, None)]
    assert reconcile([], [sent]).kept == [(sent.id, SkipReason.NO_LONGER_PLANNED)]


def test_a_channel_that_can_be_used_now_takes_over_what_nobody_has_moved() -> None:
    (planned,) = of_step(plan(MICRONEEDLING, FIRST), "day-6-actives")
    email = row(replace(planned, medium=Medium.EMAIL))
    assert reconcile([planned], [email]).reschedule == [(email.id, planned)]
    assert not reconcile([planned], [replace(email, moved=True)])
