"""What a course's visits lead to: when, how, and, where nothing is to be sent, why not."""

from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from service.errors import BadInput
from service.plan import (
    SKIP_SENTENCES,
    Planned,
    Progress,
    QuietHours,
    SkipReason,
    course_of,
    next_window,
    plan_course,
)
from service.types import IfUnknown, Kind, Medium, Purpose, Quiet, SendMode
from tests.plan.visits import (
    LONDON,
    MICRONEEDLING,
    NEW_YORK,
    NIGHT,
    NO_QUIET,
    SERIES,
    SHIPPED,
    of_step,
    one_step,
    plan,
    protocol,
    told,
    utc,
    visit,
)

SMS_THEN_EMAIL = (Medium.SMS, Medium.EMAIL)


def dates(planned: list[Planned]) -> list[str]:
    return [one.local for one in planned]


def reasons(planned: list[Planned]) -> list[SkipReason | None]:
    return [one.skip for one in planned]


def test_the_second_of_four_micro_needling_sessions_leads_to_ten_reminders() -> None:
    ada = visit("2026-11-20T15:00", number=2, of=4, area="face")
    assert told(plan(MICRONEEDLING, ada, now="2026-11-20T15:05")) == [
        "same-day-aftercare 0 2026-11-20T17:00",
        "day-1-sunscreen 0 2026-11-21T10:00",
        "day-2-sensitivity-check 0 2026-11-22T10:00",
        "day-6-actives 0 2026-11-26T10:00",
        "day-30-results-check 0 2026-12-20T10:00",
        "next-session 0 2026-12-18T10:00",
        "next-session 1 2027-01-01T10:00",
        "maintenance-due 0 2027-05-20T10:00",
        "maintenance-due 1 2027-08-20T10:00",
        "maintenance-due 2 2027-11-20T10:00",
    ]


def test_a_reminder_says_everything_that_sending_it_needs() -> None:
    ada = visit("2026-11-20T15:00", number=2, of=4, treatment="visit-8812")
    check, *_ = of_step(plan(MICRONEEDLING, ada), "day-2-sensitivity-check")
    step = MICRONEEDLING.step("day-2-sensitivity-check")
    assert step is not None
    assert check == Planned(
        treatment="visit-8812",
        step="day-2-sensitivity-check",
        occurrence=0,
        purpose=Purpose.CARE,
        channels=SMS_THEN_EMAIL,
        medium=Medium.SMS,
        send=SendMode.FIRST,
        quiet=Quiet.DEFER,
        if_unknown=IfUnknown.RESEND_IF_ABSENT,
        intended_at=utc("2026-11-22T10:00"),
        due_at=utc("2026-11-22T10:00"),
        expires_at=utc("2026-11-23T06:00"),
        zone=LONDON,
        local="2026-11-22T10:00",
        skip=None,
        asks=step.asks,
        topic="sensitivity-check",
    )
    assert check.key == ("visit-8812", "day-2-sensitivity-check", 0)


def test_local_ten_o_clock_is_another_instant_in_summer() -> None:
    upkeep = of_step(plan(MICRONEEDLING, visit("2026-11-20T15:00", number=2, of=4)), "maintenance-due")
    assert [one.due_at for one in upkeep] == [
        utc("2027-05-20T09:00"),
        utc("2027-08-20T09:00"),
        utc("2027-11-20T10:00"),
    ]


@pytest.mark.parametrize(
    ("ended_at", "at", "after", "due_at"),
    [
        ("2029-11-03T00:30-04:00", "00:30", "2 days", "2029-11-05T00:30-05:00"),
        ("2029-03-10T02:30-05:00", "02:30", "2 days", "2029-03-12T02:30-04:00"),
        ("2029-03-10T02:30-05:00", "02:30", "1 day", "2029-03-11T03:30-04:00"),
        ("2029-11-03T01:30-04:00", "01:30", "1 day", "2029-11-04T01:30-04:00"),
    ],
)
def test_clock_changes_in_new_york_leave_the_local_time(ended_at: str, at: str, after: str, due_at: str) -> None:
    what = one_step(f'after = "{after}"\nat = {at}:00')
    (only,) = plan(what, visit(ended_at, zone=NEW_YORK), quiet=NO_QUIET)
    assert only.due_at == utc(due_at)
    assert only.local.endswith(at)


def test_hours_are_exact_across_a_clock_change() -> None:
    (only,) = plan(one_step('after = "2 hours"'), visit("2029-03-11T01:15-05:00", zone=NEW_YORK), quiet=NO_QUIET)
    assert only.intended_at == utc("2029-03-11T03:15-05:00")
    assert only.local == "2029-03-11T04:15"


def test_an_exact_step_keeps_its_seconds_in_the_local_time() -> None:
    (only,) = plan(one_step('after = "30 minutes"'), visit("2026-11-20T15:00:23"))
    assert only.local == "2026-11-20T15:30:23"


def test_a_monthly_repetition_keeps_the_anchor_day() -> None:
    what = one_step('after = "1 month"\nrepeat = { every = "1 month", times = 2 }')
    assert dates(plan(what, visit("2019-08-31T12:00"))) == [
        "2019-09-30T10:00",
        "2019-10-31T10:00",
        "2019-11-30T10:00",
    ]


def test_a_yearly_step_from_a_leap_day_falls_on_the_28th_of_february() -> None:
    what = one_step('after = "1 year"\nrepeat = { every = "1 year", times = 3 }')
    assert [text[:10] for text in dates(plan(what, visit("2028-02-29T12:00")))] == [
        "2029-02-28",
        "2030-02-28",
        "2031-02-28",
        "2032-02-29",
    ]


def test_a_daily_repetition_at_half_past_twelve_in_los_angeles_stays_there() -> None:
    what = one_step('after = "1 day"\nat = 12:30:00\nrepeat = { every = "14 days", times = 24 }')
    planned = plan(what, visit("2026-01-15T18:00", zone="America/Los_Angeles"))
    assert {text[11:] for text in dates(planned)} == {"12:30"}
    assert {one.due_at.hour for one in planned} == {19, 20}


def test_hours_repeat_exactly() -> None:
    what = one_step('after = "1 hour"\nrepeat = { every = "90 minutes", times = 2 }')
    assert dates(plan(what, visit("2026-11-20T10:00"))) == ["2026-11-20T11:00", "2026-11-20T12:30", "2026-11-20T14:00"]


def test_a_late_event_plans_only_what_still_lies_ahead() -> None:
    what = protocol('[[step]]\nname = "soon"\nafter = "1 week"\n[[step]]\nname = "late"\nafter = "20 weeks"')
    assert told(plan(what, visit("2026-08-28T15:00"), now="2026-11-20T15:00")) == [
        "soon 0 2026-09-04T10:00 past",
        "late 0 2027-01-15T10:00",
    ]


@pytest.mark.parametrize("code", sorted(SHIPPED))
@pytest.mark.parametrize("kind", [Kind.SESSION, Kind.MAINTENANCE, Kind.SINGLE])
def test_an_event_three_years_old_sends_nothing_in_any_protocol(code: str, kind: Kind) -> None:
    planned = plan(SHIPPED[code], visit("2023-11-20T15:00", kind=kind), now="2026-11-20T15:00")
    assert set(reasons(planned)) == {SkipReason.PAST}


@pytest.mark.parametrize("code", sorted(SHIPPED))
def test_every_shipped_protocol_has_something_to_send_after_a_first_session(code: str) -> None:
    planned = plan(SHIPPED[code], visit("2026-11-20T15:00", number=1))
    assert None in reasons(planned)
    assert SkipReason.EXPIRES_IN_QUIET_HOURS not in reasons(planned)


def test_a_step_past_its_time_but_not_its_expiry_is_due_at_its_time() -> None:
    (only,) = plan(one_step('after = "1 day"'), visit("2026-11-20T15:00"), now="2026-11-21T22:00")
    assert (only.skip, only.due_at) == (None, utc("2026-11-21T10:00"))


@pytest.mark.parametrize(("now", "skip"), [("2026-11-22T05:59", None), ("2026-11-22T06:00", SkipReason.PAST)])
def test_a_step_is_past_from_its_expiry_on(now: str, skip: SkipReason | None) -> None:
    (only,) = plan(one_step('after = "1 day"'), visit("2026-11-20T15:00"), now=now)
    assert only.skip is skip


def test_an_expiry_in_days_keeps_the_wall_time_and_one_in_hours_is_exact() -> None:
    step = '[[step]]\nname = "{}"\nafter = "1 day"\nexpires = "{}"\n'
    what = protocol(step.format("days", "1 day") + step.format("hours", "24 hours"))
    days, hours = plan(what, visit("2029-03-09T15:00-05:00", zone=NEW_YORK))
    assert days.expires_at - days.intended_at == timedelta(hours=23)
    assert hours.expires_at - hours.intended_at == timedelta(hours=24)


def test_an_expiry_counts_from_before_quiet_hours() -> None:
    (only,) = plan(one_step('after = "6 hours"'), visit("2026-11-20T15:00"))
    assert (only.intended_at, only.due_at) == (utc("2026-11-20T21:00"), utc("2026-11-21T09:00"))
    assert only.expires_at == utc("2026-11-21T17:00")


@pytest.mark.parametrize(
    ("step", "media", "due_at"),
    [
        ("", {Medium.SMS}, "2026-11-21T09:00"),
        ('quiet = "ignore"', {Medium.SMS}, "2026-11-20T21:00"),
        ('channels = ["email", "sms"]', {Medium.SMS}, "2026-11-20T21:00"),
        ('channels = ["email"]', {Medium.SMS, Medium.EMAIL}, "2026-11-21T09:00"),
        ("", set(), "2026-11-20T21:00"),
    ],
)
def test_quiet_hours_defer_the_media_that_they_bind(step: str, media: set[Medium], due_at: str) -> None:
    quiet = QuietHours(time(20), time(9), frozenset(media))
    (only,) = plan(one_step(f'after = "6 hours"\n{step}'), visit("2026-11-20T15:00"), quiet=quiet)
    assert (only.due_at, only.skip) == (utc(due_at), None)


@pytest.mark.parametrize(("expires", "skip"), [("12 hours", SkipReason.EXPIRES_IN_QUIET_HOURS), ("721 minutes", None)])
def test_what_expires_before_quiet_hours_end_is_not_sent(expires: str, skip: SkipReason | None) -> None:
    (only,) = plan(one_step(f'after = "6 hours"\nexpires = "{expires}"'), visit("2026-11-20T15:00"))
    assert only.skip is skip


def test_a_day_30_review_gives_way_to_a_session_on_day_28() -> None:
    first, second = visit("2026-11-20T15:00"), visit("2026-12-18T15:00")
    review = of_step(plan(MICRONEEDLING, first, second), "day-30-results-check")
    assert told(review) == [
        "day-30-results-check 0 2026-12-20T10:00 newer-session",
        "day-30-results-check 0 2027-01-17T10:00",
    ]


def test_a_newer_session_restarts_care_and_cancels_only_what_says_so() -> None:
    first, second = visit("2026-11-20T15:00"), visit("2026-11-21T15:00")
    planned = plan(MICRONEEDLING, first, second, now="2026-11-20T15:00")
    skipped = {one.step for one in planned if one.treatment == first.treatment and one.skip}
    assert skipped == {"day-30-results-check", "next-session", "maintenance-due"}
    assert all(one.skip is None for one in planned if one.treatment == second.treatment)


@pytest.mark.parametrize(("kind", "supersedes"), [(Kind.SESSION, True), (Kind.MAINTENANCE, True), (Kind.SINGLE, False)])
def test_a_single_visit_is_no_newer_session(kind: Kind, supersedes: bool) -> None:
    first, second = visit("2026-11-20T15:00"), visit("2026-11-25T15:00", kind=kind)
    (review,) = of_step(plan(MICRONEEDLING, first, second), "day-30-results-check", first)
    assert (review.skip is SkipReason.NEWER_SESSION) is supersedes


def test_of_two_sessions_that_end_at_once_the_greater_id_is_the_newer() -> None:
    first, second = visit("2026-11-20T15:00", treatment="a"), visit("2026-11-20T15:00", treatment="b")
    assert reasons(of_step(plan(MICRONEEDLING, second, first), "day-30-results-check")) == [
        SkipReason.NEWER_SESSION,
        None,
    ]


def test_a_step_about_the_series_belongs_to_the_latest_session_without_saying_so() -> None:
    what = one_step('after = "6 months"\nonly = ["series complete or lapsed"]')
    planned = plan(what, visit("2026-11-20T15:00"), visit("2026-12-20T15:00", number=6))
    assert reasons(planned) == [SkipReason.NEWER_SESSION, None]


def test_the_last_session_of_a_series_asks_for_no_next_one() -> None:
    planned = plan(MICRONEEDLING, visit("2026-11-20T15:00", number=4, of=4))
    assert reasons(of_step(planned, "next-session")) == [SkipReason.SERIES_COMPLETE] * 2
    assert dates(of_step(planned, "maintenance-due"))[0] == "2027-05-20T10:00"
    assert reasons(of_step(planned, "maintenance-due")) == [None] * 3


def test_a_maintenance_visit_completes_the_series() -> None:
    second = visit("2026-11-20T15:00", number=2, of=4)
    upkeep = visit("2026-12-01T15:00", kind=Kind.MAINTENANCE)
    planned = plan(MICRONEEDLING, second, upkeep)
    assert reasons(of_step(planned, "next-session", second)) == [SkipReason.NEWER_SESSION] * 2
    assert reasons(of_step(planned, "next-session", upkeep)) == [SkipReason.SERIES_COMPLETE] * 2
    assert dates(of_step(planned, "maintenance-due", upkeep))[0] == "2027-06-01T10:00"
    assert reasons(of_step(planned, "maintenance-due", upkeep)) == [None] * 3


def test_a_single_visit_gets_care_and_no_steps_of_a_series() -> None:
    planned = plan(MICRONEEDLING, visit("2026-11-20T15:00", kind=Kind.SINGLE))
    assert {one.step for one in planned if one.skip is SkipReason.SINGLE_VISIT} == {"next-session", "maintenance-due"}
    assert len([one for one in planned if one.skip is None]) == 5


def test_sessions_are_counted_where_the_clinic_gives_no_numbers() -> None:
    visits = [visit(f"2026-0{month}-01T15:00") for month in range(1, 7)]
    assert reasons(of_step(plan(MICRONEEDLING, *visits[:5]), "next-session", visits[4])) == [None, None]
    last = of_step(plan(MICRONEEDLING, *visits), "next-session", visits[5])
    assert reasons(last) == [SkipReason.SERIES_COMPLETE] * 2


def test_the_length_of_a_series_is_what_the_latest_event_tells() -> None:
    early = [visit("2026-01-01T15:00", number=1, of=4), visit("2026-02-01T15:00", number=2, of=3)]
    third = visit("2026-03-01T15:00")
    course = course_of(MICRONEEDLING, [*early, third])
    assert course.complete
    assert course.progress[third.treatment] == Progress(3, 3)
    assert not course_of(MICRONEEDLING, early).complete


def test_the_first_session_of_a_new_series_starts_the_count_anew() -> None:
    old = [visit("2025-01-01T15:00", number=2, of=2), visit("2025-09-01T15:00", kind=Kind.MAINTENANCE)]
    fresh = [visit("2026-01-01T15:00", number=1), visit("2026-02-01T15:00")]
    course = course_of(MICRONEEDLING, [*old, *fresh])
    assert not course.complete
    assert course.progress[fresh[1].treatment] == Progress(2, 6)


@pytest.mark.parametrize(("ended_at", "number", "inferred"), [("2026-04-23T13:59", 2, 1), ("2026-04-23T14:00", 1, 2)])
def test_a_session_without_a_number_begins_a_series_once_the_one_before_has_lapsed(
    ended_at: str, number: int, inferred: int
) -> None:
    # Twelve weeks later by the wall clock, which has gone forward since.
    late = visit(ended_at)
    course = course_of(MICRONEEDLING, [visit("2026-01-29T15:00"), late])
    assert (course.progress[late.treatment], course.inferred) == (Progress(number, 6), inferred)


@pytest.mark.parametrize(("named", "number"), [(False, 1), (True, 7)])
def test_a_session_after_the_last_begins_a_series_unless_the_clinic_named_the_course(named: bool, number: int) -> None:
    visits = [replace(visit(f"2026-0{month}-01T15:00"), course_named=named) for month in range(1, 8)]
    course = course_of(MICRONEEDLING, visits)
    assert course.progress[visits[6].treatment] == Progress(number, 6)
    assert (course.complete, course.inferred) == ((True, 0) if named else (False, 2))


def test_progress_is_told_only_for_sessions() -> None:
    upkeep, alone = visit("2026-02-01T15:00", kind=Kind.MAINTENANCE), visit("2026-03-01T15:00", kind=Kind.SINGLE)
    course = course_of(MICRONEEDLING, [upkeep, alone])
    assert (dict(course.progress), course.latest, course.complete) == ({}, upkeep, True)


def test_the_next_window_is_told_in_local_days() -> None:
    late = visit("2026-11-20T15:00", zone="Pacific/Auckland")
    assert next_window(MICRONEEDLING, late) == (date(2026, 12, 19), date(2027, 1, 2))
    assert next_window(SHIPPED["hydrafacial"], late) is None


def test_a_nudge_is_not_sent_once_the_series_has_lapsed() -> None:
    what = one_step('from = "window start"\nonly = ["series open"]\nrepeat = { every = "4 weeks", times = 2 }')
    planned = plan(what, visit("2026-11-20T15:00", number=1))
    assert told(planned) == [
        "only-step 0 2026-12-18T10:00",
        "only-step 1 2027-01-15T10:00",
        "only-step 2 2027-02-12T10:00",
    ]
    lapsing = plan(
        one_step('from = "window end"\nafter = "6 weeks"\nat = 15:00:00\nonly = ["series open"]'),
        visit("2026-11-20T15:00"),
    )
    assert told(lapsing) == ["only-step 0 2027-02-12T15:00 series-lapsed"]


@pytest.mark.parametrize(
    ("after", "number", "expected"),
    [
        ("6 months", 2, "2027-05-20"),
        ("8 weeks", 2, "2027-02-12"),
        ("8 weeks", 6, "2027-01-15"),
        ("2 weeks", 6, "2027-01-01"),
    ],
)
def test_maintenance_waits_for_the_end_of_the_series_and_of_its_window(after: str, number: int, expected: str) -> None:
    what = one_step(f'after = "{after}"\nonly = ["series complete or lapsed"]')
    (only,) = plan(what, visit("2026-11-20T15:00", number=number))
    assert (only.skip, only.local) == (None, f"{expected}T10:00")


def test_maintenance_that_counts_from_the_window_starts_where_it_says() -> None:
    what = one_step('from = "window start"\nonly = ["series complete or lapsed"]')
    assert dates(plan(what, visit("2026-11-20T15:00", number=6))) == ["2026-12-18T10:00"]


def test_maintenance_that_had_to_wait_repeats_from_the_day_it_waited_for() -> None:
    what = one_step('after = "1 week"\nonly = ["series complete or lapsed"]\nrepeat = { every = "1 month", times = 2 }')
    assert dates(plan(what, visit("2026-11-20T15:00", number=1))) == [
        "2027-02-12T10:00",
        "2027-03-12T10:00",
        "2027-04-12T10:00",
    ]


def test_a_series_that_never_lapses_never_has_maintenance_while_it_is_open() -> None:
    head = 'sessions = { min = 3, max = 6, every = "4-6 weeks" }'
    what = one_step('after = "6 months"\nonly = ["series complete or lapsed"]', head=head)
    assert reasons(plan(what, visit("2026-11-20T15:00"))) == [SkipReason.SERIES_NOT_COMPLETE]


def test_a_protocol_without_a_series_has_maintenance_after_any_session() -> None:
    (upkeep, *_) = of_step(plan(SHIPPED["hydrafacial"], visit("2026-11-20T15:00")), "maintenance-due")
    assert (upkeep.skip, upkeep.local[:10]) == (None, "2026-12-18")


def test_a_series_by_area_has_its_own_window_and_length() -> None:
    what = one_step(
        'from = "window start"\nonly = ["series open"]',
        head=f'{SERIES}\n[areas.legs]\nsessions = {{ max = 8, every = "8-10 weeks" }}',
    )
    legs = visit("2026-11-20T15:00", number=6, area="Legs")
    assert told(plan(what, legs)) == ["only-step 0 2027-01-15T10:00"]
    assert reasons(plan(what, visit("2026-11-20T15:00", number=6, area="face"))) == [SkipReason.SERIES_COMPLETE]


def test_a_step_limited_to_other_areas_yields_nothing() -> None:
    what = one_step('after = "1 day"\nareas = ["legs"]', head="[areas.legs]")
    assert plan(what, visit("2026-11-20T15:00", area="face")) == []
    assert len(plan(what, visit("2026-11-20T15:00", area="legs"))) == 1


NUDGE = """
from = "window start"
only = ["series open"]
until = ["newer session", "booking"]
repeat = { every = "14 days", times = 1 }
"""


@pytest.mark.parametrize(
    ("bookings", "expected"),
    [
        ((), ["2026-12-18", "2027-01-01"]),
        (("2026-12-10T15:00",), ["2026-12-18", "2027-01-01"]),
        (("2026-12-29T09:00",), ["2026-12-31", "2027-01-14"]),
        (("2026-12-29T10:00",), ["2026-12-31", "2027-01-14"]),
        (("2026-12-29T15:00",), ["2027-01-01", "2027-01-15"]),
        (("2026-12-29T09:00", "2026-12-22T09:00"), ["2026-12-31", "2027-01-14"]),
    ],
)
def test_a_booking_holds_nudges_until_two_days_after_its_time(bookings: tuple[str, ...], expected: list[str]) -> None:
    planned = plan(one_step(NUDGE), visit("2026-11-20T15:00", number=1), bookings=bookings)
    assert [text[:10] for text in dates(planned)] == expected
    assert reasons(planned) == [None, None]


def test_the_booking_of_the_visit_itself_holds_nothing() -> None:
    what = one_step('after = "1 day"\nuntil = ["booking"]')
    assert dates(plan(what, visit("2026-11-20T15:00"), bookings=("2026-11-20T14:00",))) == ["2026-11-21T10:00"]


def test_a_booking_beyond_the_lapse_ends_the_nudges_and_moves_the_maintenance() -> None:
    planned = plan(MICRONEEDLING, visit("2026-11-20T15:00", number=1), bookings=("2027-06-01T15:00",))
    assert reasons(of_step(planned, "next-session")) == [SkipReason.SERIES_LAPSED] * 2
    assert dates(of_step(planned, "maintenance-due"))[0] == "2027-06-04T10:00"


def test_a_booking_does_not_hold_care() -> None:
    booked = plan(MICRONEEDLING, visit("2026-11-20T15:00", number=1), bookings=("2026-12-01T15:00",))
    free = plan(MICRONEEDLING, visit("2026-11-20T15:00", number=1))
    assert [one for one in booked if one.purpose is Purpose.CARE] == [
        one for one in free if one.purpose is Purpose.CARE
    ]


def test_no_reminder_comes_before_the_end_of_its_treatment_even_where_an_hour_comes_twice() -> None:
    # In St. John's the clocks went back at 00:01, so 23:30 came again after the first midnight.
    what = one_step('after = "1 day"\nat = 00:00:30')
    ended_at = utc("2010-11-06T23:30-03:30")
    (only,) = plan(what, visit("2010-11-06T23:30-03:30", zone="America/St_Johns"), quiet=NO_QUIET)
    assert (only.intended_at, only.local) == (ended_at, "2010-11-07T00:00:30")


def test_each_visit_is_planned_in_its_own_zone() -> None:
    what = one_step('after = "1 day"')
    home, away = visit("2026-11-20T15:00"), visit("2026-12-20T15:00", zone=NEW_YORK)
    assert [(one.zone, one.due_at) for one in plan(what, home, away)] == [
        (LONDON, utc("2026-11-21T10:00")),
        (NEW_YORK, utc("2026-12-21T10:00-05:00")),
    ]


def test_a_course_without_visits_has_no_reminders() -> None:
    assert plan_course(MICRONEEDLING, [], quiet=NIGHT, now=utc("2026-11-20T15:00")) == []


@pytest.mark.parametrize(
    ("ended_at", "zone", "code"),
    [
        ("9999-12-31T23:00", LONDON, "date-out-of-range"),
        ("9999-11-20T15:00", LONDON, "date-out-of-range"),
        ("0001-01-01T00:00", NEW_YORK, "date-out-of-range"),
        ("2026-11-20T15:00", "Mars/Olympus", "unknown-zone"),
    ],
)
def test_a_time_or_zone_that_cannot_be_planned_is_bad_input(ended_at: str, zone: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        plan(MICRONEEDLING, visit(ended_at, zone=zone))
    assert refused.value.code == code


def test_every_reason_has_one_sentence_for_people() -> None:
    assert set(SKIP_SENTENCES) == set(SkipReason)
    assert all(sentence.endswith(".") and sentence.count(".") == 1 for sentence in SKIP_SENTENCES.values())


def test_the_reference_lists_every_reason_with_its_sentence() -> None:
    reference = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
    assert [code for code, sentence in SKIP_SENTENCES.items() if f"| `{code}` | {sentence} |" not in reference] == []


def test_a_client_without_a_phone_is_not_kept_waiting_by_the_quiet_hours_of_sms() -> None:
    what = one_step('after = "6 hours"\nchannels = ["sms", "email"]')
    ended = visit("2026-11-20T15:00")
    (only,) = plan_course(what, [ended], quiet=NIGHT, usable={Medium.EMAIL}, now=ended.ended_at)
    assert only.due_at == utc("2026-11-20T21:00")
