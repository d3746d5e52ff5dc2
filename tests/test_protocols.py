"""Protocol files: what is accepted, what is refused and in which words, and what a file means in full."""

from datetime import time
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ConfigError, Problem
from service.protocols import (
    From,
    Only,
    Protocol,
    Repeat,
    Scale,
    Step,
    Until,
    explain,
    load_protocol,
    load_protocols,
    parse_protocol,
)
from service.timing import Offset, Unit, parse_span
from service.types import IfUnknown, Medium, Purpose, Quiet, SendMode

SHIPPED = Path(__file__).parent.parent / "config" / "protocols"
SHIPPED_CODES = sorted(path.stem for path in SHIPPED.glob("*.toml"))

TEN = {
    "microneedling",
    "rf-microneedling",
    "chemical-peel-light",
    "chemical-peel-medium",
    "laser-hair-removal",
    "ipl",
    "botulinum-toxin",
    "dermal-filler",
    "hydrafacial",
    "prp-facial",
}

SERIES = 'sessions = { min = 3, max = 6, every = "4-6 weeks", lapses_after = "12 weeks" }'


def read(text: str) -> Protocol:
    return parse_protocol(text, code="x", where="config/protocols/x.toml")


def read_step(step: str, *, head: str = "") -> Step:
    return read(f'title = "X"\n{head}\n[[step]]\nname = "only-step"\n{step}').steps[0]


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as refused:
        read(text)
    return list(refused.value.problems)


def problem_of_step(step: str, *, head: str = SERIES) -> Problem:
    (problem,) = problems_of(f'title = "X"\n{head}\n[[step]]\nname = "only-step"\n{step}')
    return problem


def test_all_ten_protocols_are_shipped_and_load_together() -> None:
    assert set(load_protocols(SHIPPED)) >= TEN


@pytest.mark.parametrize("code", SHIPPED_CODES)
def test_a_shipped_protocol_awaits_its_review_and_reads_back_from_its_explanation(code: str) -> None:
    protocol = load_protocol(SHIPPED / f"{code}.toml")
    assert (protocol.code, protocol.reviewed) == (code, False)
    assert parse_protocol(explain(protocol), code=code, where=code) == protocol


@pytest.mark.parametrize("code", SHIPPED_CODES)
def test_shipped_nudges_stop_for_a_newer_session_and_a_booking(code: str) -> None:
    nudges = [step for step in load_protocol(SHIPPED / f"{code}.toml").steps if step.purpose is Purpose.REBOOK]
    assert nudges
    assert all(set(step.until) == set(Until) for step in nudges)


def test_micro_needling_has_the_steps_of_its_brief() -> None:
    protocol = load_protocol(SHIPPED / "microneedling.toml")
    assert [(step.name, str(step.after)) for step in protocol.steps] == [
        ("same-day-aftercare", "2 hours"),
        ("day-1-sunscreen", "1 day"),
        ("day-2-sensitivity-check", "2 days"),
        ("day-6-actives", "6 days"),
        ("day-30-results-check", "30 days"),
        ("next-session", "0 days"),
        ("maintenance-due", "6 months"),
    ]
    assert protocol.sessions is not None
    assert str(protocol.sessions.every) == "4-6 weeks"


def test_a_step_takes_the_defaults_of_the_defaults() -> None:
    step = read_step('after = "1 day"')
    assert (step.at, step.purpose, step.channels) == (time(10), Purpose.CARE, (Medium.SMS, Medium.EMAIL))
    assert (step.send, step.expires) == (SendMode.FIRST, Offset(20, Unit.HOURS))
    assert (step.quiet, step.if_unknown) == (Quiet.DEFER, IfUnknown.RESEND_IF_ABSENT)
    assert (step.counts_from, step.until, step.only, step.areas) == (From.TREATMENT, (), (), None)
    assert (step.repeat, step.topic, step.asks) == (None, None, None)


def test_a_file_sets_its_own_defaults_and_a_step_its_own_values() -> None:
    defaults = '[defaults]\nat = 18:30:00\npurpose = "review"\nchannels = ["email", "sms"]\nsend = "all"'
    step = read_step('after = "1 day"\npurpose = "care"', head=defaults)
    assert (step.at, step.purpose) == (time(18, 30), Purpose.CARE)
    assert (step.channels, step.send) == ((Medium.EMAIL, Medium.SMS), SendMode.ALL)


def test_a_step_without_after_is_exact_and_at_once() -> None:
    step = read_step("", head="[defaults]\nat = 18:30:00")
    assert (step.after, step.exact, step.at) == (Offset(0, Unit.MINUTES), True, None)


def test_a_step_without_after_from_a_window_is_on_its_first_day() -> None:
    step = read_step('from = "window start"', head=SERIES)
    assert (step.after, step.exact, step.at) == (Offset(0, Unit.DAYS), False, time(10))


def test_every_key_of_a_step_is_read() -> None:
    step = read_step(
        """
        after = "6 months"
        from = "window end"
        at = 18:00:30
        purpose = "rebook"
        channels = ["email"]
        send = "all"
        expires = "3 days"
        if_unknown = "hold"
        until = ["booking", "newer session"]
        only = ["series complete or lapsed"]
        areas = ["legs", "upper-lip"]
        repeat = { every = "3 months", times = 2 }
        topic = "upkeep"
        asks = { scale = "0-10", alert_from = 7, alert_within = "1 hour" }
        """,
        head=f"{SERIES}\n[areas.legs]\n[areas.upper-lip]",
    )
    assert (step.counts_from, step.at, step.if_unknown) == (From.WINDOW_END, time(18, 0, 30), IfUnknown.HOLD)
    assert (step.until, step.only) == ((Until.BOOKING, Until.NEWER_SESSION), (Only.SERIES_OVER,))
    assert (step.areas, step.topic) == (("legs", "upper-lip"), "upkeep")
    assert step.repeat == Repeat(every="3 months", times=2)
    assert step.occurrences == (Offset(0, Unit.MONTHS), Offset(3, Unit.MONTHS), Offset(6, Unit.MONTHS))
    assert step.asks is not None
    assert (step.asks.scale, step.asks.alert_from) == (Scale(0, 10), 7)
    assert step.asks.model_dump(mode="json") == {"scale": "0-10", "alert_from": 7, "alert_within": "1 hour"}


def test_an_area_changes_only_what_it_names_of_the_series() -> None:
    protocol = read(
        f'title = "X"\n{SERIES}\n[areas.legs]\nsessions = {{ every = "8 weeks", max = 9 }}\n[[step]]\nname = "a"'
    )
    legs, face = protocol.sessions_for("Legs"), protocol.sessions_for("face")
    assert legs is not None
    assert (legs.min, legs.max, legs.every, legs.lapses_after) == (3, 9, parse_span("8 weeks"), Offset(12, Unit.WEEKS))
    assert face == protocol.sessions_for(None) == protocol.sessions


@pytest.mark.parametrize(
    ("area", "names"),
    [
        ("upper-lip", ["for-all", "for-lips"]),
        (" Upper  LIP ", ["for-all", "for-lips"]),
        ("legs", ["for-all"]),
        ("elsewhere", ["for-all"]),
        (None, ["for-all"]),
    ],
)
def test_a_step_limited_to_areas_concerns_no_others(area: str | None, names: list[str]) -> None:
    steps = '[[step]]\nname = "for-all"\n[[step]]\nname = "for-lips"\nareas = ["upper-lip"]'
    protocol = read(f'title = "X"\n[areas.upper-lip]\n[areas.legs]\n{steps}')
    assert [step.name for step in protocol.steps_for(area)] == names


def test_a_step_is_found_by_its_name() -> None:
    protocol = load_protocol(SHIPPED / "microneedling.toml")
    assert protocol.step("day-6-actives") is protocol.steps[3]
    assert protocol.step("day-7") is None


def test_a_wrong_offset_is_refused_with_its_place_and_the_accepted_form() -> None:
    problem = problem_of_step('after = "2 muppets"')
    assert problem.where == 'config/protocols/x.toml: step 1 "only-step": after'
    assert problem.code == "protocol-value"
    assert problem.message == (
        '"2 muppets" is no length of time; write a whole number and minutes, hours, days, weeks, months or years, '
        'like "2 hours" or "6 weeks"'
    )


@pytest.mark.parametrize(
    ("step", "place", "sentence"),
    [
        ("after = 2", "after", "found 2; write it in quotes"),
        ('aftr = "2 days"', "aftr", 'unknown key (did you mean "after"?); accepted: "at", "purpose"'),
        ('after = "1 day"\nat = "10:00"', "at", 'found "10:00"; write a time with its seconds and without quotes'),
        ('from = "windw start"', "from", 'did you mean "window start"?); accepted: "treatment", "window start"'),
        ('purpose = "marketing"', "purpose", 'found "marketing"; accepted: "care", "rebook", "review"'),
        ('purpose = ["care"]', "purpose", 'found ["care"]; accepted: "care"'),
        ('channels = ["sms", "fax"]', "channels", 'found "fax"; accepted: "sms", "email"'),
        ("channels = []", "channels", "the list is empty"),
        ('channels = "sms"', "channels", 'found "sms"; write a list in square brackets'),
        ('channels = ["sms", "sms"]', "channels", "name each only once"),
        ('send = "any"', "send", 'accepted: "first", "all"'),
        ('quiet = "never"', "quiet", 'accepted: "defer", "ignore"'),
        ('if_unknown = "resend"', "if_unknown", 'accepted: "resend_if_absent", "hold"'),
        ('until = ["newer sesion"]', "until", 'did you mean "newer session"?'),
        ('only = ["series complete"]', "only", 'accepted: "series open", "series complete or lapsed"'),
        ('areas = ["Legs"]', "areas", "write lower-case letters, digits and hyphens"),
        ('topic = "Sun Screen"', "topic", "write lower-case letters, digits and hyphens"),
        ('expires = "20"', "expires", '"20" is no length of time'),
        ("repeat = 3", "repeat", "write a table"),
        ('repeat = { every = "2 hours" }', "repeat: times", "is missing"),
        ('repeat = { every = "2 hours", times = 0 }', "repeat: times", "found 0; write a whole number from 1 to 24"),
        ('repeat = { every = "2 hours", time = 1, times = 1 }', "repeat: time", 'did you mean "times"?'),
        ('asks = { scale = "5-1", alert_from = 4, alert_within = "15 minutes" }', "asks: scale", "is no scale"),
        ('asks = { scale = "1-5", alert_from = true, alert_within = "15 minutes" }', "asks: alert_from", "found true"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_found_and_what_is_accepted(
    step: str, place: str, sentence: str
) -> None:
    problem = problem_of_step(step)
    assert problem.where == f'config/protocols/x.toml: step 1 "only-step": {place}'
    assert sentence in problem.message


@pytest.mark.parametrize(
    ("step", "place", "sentence"),
    [
        ('after = "2 hours"\nat = 10:00:00', "at", '"2 hours" is exact, so it takes no time of day'),
        ('from = "window end"\nafter = "2 hours"', "after", '"2 hours" cannot count from the window end'),
        ('quiet = "ignore"\npurpose = "rebook"', "quiet", 'for purpose "care" only'),
        ('quiet = "ignore"\nafter = "7 hours"', "quiet", "at most 6 hours after the treatment"),
        ('quiet = "ignore"\nafter = "1 day"', "quiet", "at most 6 hours after the treatment"),
        ('quiet = "ignore"\nfrom = "window start"', "quiet", "at most 6 hours after the treatment"),
        ('expires = "0 hours"', "expires", "leaves no time to send it"),
        (
            'after = "1 day"\nonly = ["series open", "series complete or lapsed"]',
            "only",
            '"series open", "series complete or lapsed" exclude each other; name one',
        ),
        ('only = ["series complete or lapsed"]', "only", "may move a step to a later day"),
        ('until = ["booking"]', "until", "may move a step to a later day"),
        ('areas = ["legs"]', "areas", '"legs" is not declared as [areas.legs]; the file has no areas'),
        ('repeat = { every = "1 day", times = 1 }', "repeat: every", "which counts in minutes or hours"),
        ('after = "1 day"\nrepeat = { every = "1 hour", times = 1 }', "repeat: every", "which counts in days"),
        ('repeat = { every = "0 hours", times = 1 }', "repeat: every", "everything at once"),
        (
            'asks = { scale = "1-5", alert_from = 6, alert_within = "1 hour" }',
            "asks: alert_from",
            "outside of the scale",
        ),
        ('asks = { scale = "1-5", alert_from = 4, alert_within = "1 day" }', "asks: alert_within", "minutes or hours"),
        ('asks = { scale = "1-5", alert_from = 4, alert_within = "0 hours" }', "asks: alert_within", "at least 1"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(step: str, place: str, sentence: str) -> None:
    problem = problem_of_step(step)
    assert (problem.code, problem.where) == ("protocol-rule", f'config/protocols/x.toml: step 1 "only-step": {place}')
    assert sentence in problem.message


@pytest.mark.parametrize(
    ("step", "place"), [('from = "window start"', "from"), ('after = "1 day"\nonly = ["series open"]', "only")]
)
def test_a_window_and_an_open_series_need_sessions(step: str, place: str) -> None:
    problem = problem_of_step(step, head="")
    assert problem.where.endswith(place)
    assert "needs `sessions`" in problem.message


def test_maintenance_needs_no_series() -> None:
    assert read_step('after = "28 days"\nonly = ["series complete or lapsed"]').only == (Only.SERIES_OVER,)


def test_quiet_hours_may_be_ignored_up_to_six_hours_after_the_treatment() -> None:
    assert read_step('after = "6 hours"\nquiet = "ignore"').quiet is Quiet.IGNORE
    assert read_step('after = "360 minutes"\nquiet = "ignore"').quiet is Quiet.IGNORE


@pytest.mark.parametrize(
    ("head", "place", "sentence"),
    [
        ('titel = "X"', "titel", 'did you mean "title"?); accepted: "title", "reviewed", "sessions", "areas"'),
        ("reviewed = 1", "reviewed", "found 1; write true or false"),
        ("sessions = 3", "sessions", "write a table"),
        ('sessions = { min = 3, every = "4 weeks" }', "sessions: max", "is missing"),
        ('sessions = { min = 0, max = 6, every = "4 weeks" }', "sessions: min", "from 1 to 100"),
        ('sessions = { min = 7, max = 6, every = "4 weeks" }', "sessions: min", "7 is more than max = 6"),
        ('sessions = { min = 3, max = 6, every = "2 hours" }', "sessions: every", "no span of days"),
        ('sessions = { min = 3, max = 6, every = "0-4 weeks" }', "sessions: every", "cannot be 0 days apart"),
        (
            'sessions = { min = 3, max = 6, every = "4-6 weeks", lapses_after = "1 month" }',
            "sessions: lapses_after",
            '"1 month" is over before the window of "4-6 weeks" has ended',
        ),
        (f'{SERIES}\n[areas."Left leg"]', "areas.Left leg", "lower-case letters"),
        (f"{SERIES}\n[areas]\nlegs = 3", "areas.legs", "write a table"),
        (f"{SERIES}\n[areas.legs]\nsession = 3", "areas.legs: session", 'did you mean "sessions"?'),
        (f"{SERIES}\n[areas.legs]\nsessions = {{ min = 7 }}", "areas.legs: sessions: min", "7 is more than max = 6"),
        ("[areas.legs]\nsessions = { min = 7 }", "areas.legs: sessions", "needs `sessions` of the protocol"),
        ("areas = 3", "areas", "write a table, [areas]"),
        ("[defaults]\nname = 3", "defaults: name", 'unknown key; accepted: "at", "purpose", "channels"'),
        ('[defaults]\nat = "10:00"', "defaults: at", "without quotes"),
        ('[defaults]\nquiet = "ignore"', 'step 1 "a": quiet (of the defaults)', "at most 6 hours"),
    ],
)
def test_what_stands_outside_of_the_steps_is_checked_as_well(head: str, place: str, sentence: str) -> None:
    (problem,) = problems_of(f'title = "X"\n{head}\n[[step]]\nname = "a"\nafter = "1 day"')
    assert problem.where == f"config/protocols/x.toml: {place}"
    assert sentence in problem.message


@pytest.mark.parametrize("title", ['""', '"   "', "3", '"two\\nlines"', f'"{"x" * 81}"'])
def test_a_title_is_one_short_line(title: str) -> None:
    (problem,) = problems_of(f'title = {title}\n[[step]]\nname = "a"')
    assert problem.where.endswith(": title")
    assert "one line of 1 to 80 characters" in problem.message


@pytest.mark.parametrize("steps", ["", "step = 3", "step = []", '[step]\nname = "a"', "step = [1]"])
def test_a_protocol_has_at_least_one_step_each_under_its_own_heading(steps: str) -> None:
    (problem,) = problems_of(f'title = "X"\n{steps}')
    assert "[[step]]" in problem.message


def test_more_steps_than_anyone_could_mean_are_refused() -> None:
    steps = "\n".join(f'[[step]]\nname = "step-{number}"' for number in range(51))
    (problem,) = problems_of(f'title = "X"\n{steps}')
    assert "1 to 50 steps" in problem.message


def test_two_steps_cannot_share_a_name() -> None:
    (problem,) = problems_of('title = "X"\n[[step]]\nname = "a"\n[[step]]\nname = "b"\n[[step]]\nname = "a"')
    assert problem.where == 'config/protocols/x.toml: step 3 "a": name'
    assert "step 1 has this name, too" in problem.message


def test_all_problems_of_a_file_are_told_at_once() -> None:
    problems = problems_of(
        """
        sessions = { min = 9, max = 6, every = "4-6 weeks" }
        [areas.legs]
        sessions = { max = "many" }
        [defaults]
        expires = "soon"
        [[step]]
        name = "Day 1"
        after = "2 muppets"
        [[step]]
        after = "2 hours"
        at = 10:00:00
        name = "two"
        [[step]]
        name = "two"
        areas = ["arms"]
        """
    )
    assert [problem.where.partition(": ")[2] for problem in problems] == [
        "title",
        "sessions: min",
        "areas.legs: sessions: max",
        "defaults: expires",
        'step 1 "Day 1": name',
        'step 1 "Day 1": after',
        'step 2 "two": at',
        'step 3 "two": areas',
        'step 3 "two": name',
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('title = "X"\nat = 10:00\n', "line 2, column 8"),
        ('title = "X"\ntitle =', "line 2, column 8"),
        ('title = "X"\ntitle = "Y"\n', "line 2, column 12"),
    ],
)
def test_what_is_not_toml_is_refused_with_line_and_column(text: str, place: str) -> None:
    (problem,) = problems_of(text)
    assert (problem.code, problem.where) == ("protocol-syntax", f"config/protocols/x.toml: {place}")


def test_a_file_nested_beyond_reason_is_refused() -> None:
    (problem,) = problems_of("x = " + "[" * 100_000)
    assert problem.code == "protocol-syntax"


@pytest.mark.parametrize("code", ["Micro Needling", "x_y", "", "-x", "a" * 61, "../x"])
def test_a_code_is_in_lower_case_letters_digits_and_hyphens(code: str) -> None:
    with pytest.raises(ConfigError, match="no code for a protocol"):
        parse_protocol('title = "X"\n[[step]]\nname = "a"', code=code, where="here")


def test_a_file_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('title = "X"\n[[step]]\nname = "a"', encoding="utf-8-sig")
    assert load_protocol(path).title == "X"


def test_a_file_that_is_no_text_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b'title = "caf\xe9"')
    with pytest.raises(ConfigError) as refused:
        load_protocol(path)
    (problem,) = refused.value.problems
    assert (problem.code, problem.where, problem.message) == ("protocol-file", str(path), "is not UTF-8 text (byte 13)")


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_protocol(tmp_path / "none.toml")


def test_a_folder_is_read_as_a_whole_and_its_problems_come_together(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a protocol")
    (tmp_path / "good.toml").write_text('title = "Good"\n[[step]]\nname = "a"')
    assert {code: protocol.title for code, protocol in load_protocols(tmp_path).items()} == {"good": "Good"}
    (tmp_path / "bad.toml").write_text("title = 3")
    (tmp_path / "worse.toml").write_text("title")
    with pytest.raises(ConfigError) as refused:
        load_protocols(tmp_path)
    assert [Path(problem.where.partition(":")[0]).name for problem in refused.value.problems] == [
        "bad.toml",
        "bad.toml",
        "worse.toml",
    ]


def test_a_folder_without_protocols_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no protocol files"):
        load_protocols(tmp_path / "nowhere")


def test_an_explanation_says_what_happens_in_plain_words() -> None:
    text = explain(load_protocol(SHIPPED / "microneedling.toml"))
    assert text.startswith("# Micro-needling (microneedling), not yet reviewed by a clinician\n")
    assert "# 2 hours after the treatment; of no more use 12 hours later.\n# By email, even in quiet hours.\n" in text
    assert "# 1 day after the treatment, at 10:00 local time; of no more use 20 hours later.\n" in text
    assert "# On the first day of the next session's window, at 10:00 local time; " in text
    assert "# Then 2 more, 3 months apart.\n" in text
    assert "# Asks for a number, 1-5; 4 or more alerts within 15 minutes.\n" in text


@given(st.text(st.sampled_from("ae1 =\"'[]{}.,#\n\\é\0\ud800"), max_size=60))
def test_any_text_is_a_protocol_or_a_list_of_problems(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert all(problem.where.startswith("config/protocols/x.toml: ") for problem in refused.value.problems)


VALUES = st.recursive(
    st.booleans()
    | st.integers(-3, 99)
    | st.sampled_from(["1 day", "2 muppets", "sms", "care", "a", "4-6 weeks", "1-5"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["every", "times", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
STEP_KEYS = st.sampled_from([field.alias or name for name, field in Step.model_fields.items()] + ["afetr"])


def toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {toml(inner)}' for key, inner in value.items())} }}"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def attempt(text: str) -> Protocol | tuple[Problem, ...]:
    try:
        return read(text)
    except ConfigError as refused:
        return refused.problems


@given(st.dictionaries(STEP_KEYS, VALUES))
def test_a_step_of_any_shape_is_read_or_refused_with_its_place(keys: dict[str, object]) -> None:
    lines = "\n".join(f"{key} = {toml(value)}" for key, value in ({"name": "a"} | keys).items())
    outcome = attempt(f'title = "X"\n{SERIES}\n[[step]]\n{lines}')
    if isinstance(outcome, Protocol):
        assert read(explain(outcome)) == outcome
    else:
        assert all(problem.where.startswith("config/protocols/x.toml: step 1") for problem in outcome)


DOCS = (Path(__file__).parent.parent / "docs" / "protocols.md").read_text(encoding="utf-8")


def test_the_example_of_the_reference_is_a_protocol() -> None:
    example = read(DOCS.partition("```toml\n")[2].partition("```")[0])
    shipped = load_protocol(SHIPPED / "microneedling.toml")
    assert {step.name for step in example.steps} < {step.name for step in shipped.steps}


@pytest.mark.parametrize("kind", [From, Purpose, Medium, SendMode, Quiet, IfUnknown, Until, Only])
def test_the_reference_lists_every_accepted_word(kind: type[StrEnum]) -> None:
    assert [word for word in kind if f'`"{word}"`' not in DOCS and f'["{word}"]`' not in DOCS] == []


def test_the_reference_lists_every_key_of_a_step() -> None:
    keys = [field.alias or name for name, field in Step.model_fields.items()]
    assert [key for key in keys if f"| `{key}`" not in DOCS] == []
