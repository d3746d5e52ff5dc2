"""What holds for every plan, whatever the protocol, the visits, the zone and the hours."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.plan import Planned, QuietHours, plan_course
from service.protocols import Protocol
from service.timing import local, moment
from service.types import Quiet
from tests.plan.facts import FACTS


@given(FACTS)
def test_nothing_is_due_before_its_treatment_has_ended(facts: dict[str, Any]) -> None:
    ended_at = {session.treatment: session.ended_at for session in facts["sessions"]}
    for one in plan_course(**facts):
        assert ended_at[one.treatment] <= one.intended_at <= one.due_at
        assert one.intended_at < one.expires_at


@given(FACTS)
def test_nothing_is_due_in_quiet_hours_unless_they_do_not_bind_it(facts: dict[str, Any]) -> None:
    quiet: QuietHours = facts["quiet"]
    for one in plan_course(**facts):
        if one.quiet is Quiet.DEFER and one.channels[0] in quiet.media:
            assert not quiet.covers(local(one.due_at, one.zone).time())
        else:
            assert one.due_at == one.intended_at


@given(FACTS)
def test_what_is_sent_is_of_use_when_it_falls_due_and_now(facts: dict[str, Any]) -> None:
    for one in plan_course(**facts):
        if one.skip is None:
            assert one.due_at < one.expires_at
            assert facts["now"] < one.expires_at


@given(FACTS, st.randoms(use_true_random=False))
def test_the_order_of_the_facts_changes_nothing(facts: dict[str, Any], random: Any) -> None:
    shuffled = {**facts, "sessions": list(facts["sessions"]), "bookings": list(facts["bookings"])}
    random.shuffle(shuffled["sessions"])
    random.shuffle(shuffled["bookings"])
    assert plan_course(**shuffled) == plan_course(**facts)


@given(FACTS)
def test_every_occurrence_of_every_step_of_every_visit_is_planned_once(facts: dict[str, Any]) -> None:
    expected = {
        (session.treatment, step.name, occurrence)
        for session in facts["sessions"]
        for step in facts["protocol"].steps_for(session.area)
        for occurrence in range(len(step.occurrences))
    }
    keys = [one.key for one in plan_course(**facts)]
    assert len(keys) == len(expected)
    assert set(keys) == expected


@given(FACTS)
def test_the_local_time_that_was_meant_leads_to_the_same_instant_again(facts: dict[str, Any]) -> None:
    ended_at = {session.treatment: session.ended_at for session in facts["sessions"]}
    for one in plan_course(**facts):
        if not _exact(facts["protocol"], one):
            wall = datetime.fromisoformat(one.local)
            assert one.intended_at == max(moment(wall.date(), wall.time(), one.zone), ended_at[one.treatment])


def _exact(protocol: Protocol, planned: Planned) -> bool:
    step = protocol.step(planned.step)
    return step is not None and step.exact


@given(FACTS)
def test_repetitions_of_a_step_keep_their_distance(facts: dict[str, Any]) -> None:
    planned = plan_course(**facts)
    for earlier, later in pairwise(planned):
        if later.occurrence:
            assert earlier.key == (later.treatment, later.step, later.occurrence - 1)
            assert later.intended_at - earlier.intended_at >= timedelta(minutes=50)


@given(FACTS)
def test_time_that_passes_only_ever_makes_reminders_past(facts: dict[str, Any]) -> None:
    later = plan_course(**{**facts, "now": facts["now"] + timedelta(days=200)})
    for one, same in zip(plan_course(**facts), later, strict=True):
        assert one.due_at == same.due_at
        assert same.skip in {one.skip, "past"}
