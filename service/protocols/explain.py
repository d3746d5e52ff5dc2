"""A protocol written out in full: TOML that loads to the same protocol, with each step's time in plain words."""

import json
from collections.abc import Iterable, Iterator

from service.protocols.model import From, Only, Protocol, Sessions, Step, Until
from service.types import Medium, Quiet, SendMode


def explain(protocol: Protocol) -> str:
    """Every step with all its defaults, under a comment that says what happens."""
    reviewed = "reviewed" if protocol.reviewed else "not yet reviewed by a clinician"
    lines = [f"# {protocol.title} ({protocol.code}), {reviewed}", *_head(protocol)]
    for step in protocol.steps:
        lines += ["", *(f"# {sentence}" for sentence in _sentences(step)), "[[step]]", *_step(step)]
    return "\n".join(lines) + "\n"


def _head(protocol: Protocol) -> Iterator[str]:
    yield f"title = {_text(protocol.title)}"
    yield f"reviewed = {str(protocol.reviewed).lower()}"
    if protocol.sessions:
        yield f"sessions = {_sessions(protocol.sessions)}"
    for name, sessions in protocol.areas.items():
        yield from ("", f"[areas.{name}]")
        if sessions:
            yield f"sessions = {_sessions(sessions)}"


def _sessions(sessions: Sessions) -> str:
    lapse = f", lapses_after = {_text(sessions.lapses_after)}" if sessions.lapses_after else ""
    return f"{{ min = {sessions.min}, max = {sessions.max}, every = {_text(sessions.every)}{lapse} }}"


def _step(step: Step) -> Iterator[str]:
    yield f"name = {_text(step.name)}"
    yield f"after = {_text(step.after)}"
    yield f"from = {_text(step.counts_from)}"
    if step.at:
        yield f"at = {step.at.isoformat()}"
    yield f"purpose = {_text(step.purpose)}"
    yield f"channels = {_list(step.channels)}"
    yield f"send = {_text(step.send)}"
    yield f"expires = {_text(step.expires)}"
    yield f"quiet = {_text(step.quiet)}"
    yield f"if_unknown = {_text(step.if_unknown)}"
    yield f"until = {_list(step.until)}"
    yield f"only = {_list(step.only)}"
    yield from _optional(step)


def _optional(step: Step) -> Iterator[str]:
    if step.areas:
        yield f"areas = {_list(step.areas)}"
    if step.repeat:
        yield f"repeat = {{ every = {_text(step.repeat.every)}, times = {step.repeat.times} }}"
    if step.topic:
        yield f"topic = {_text(step.topic)}"
    if asks := step.asks:
        within = _text(asks.alert_within)
        yield f"asks = {{ scale = {_text(asks.scale)}, alert_from = {asks.alert_from}, alert_within = {within} }}"


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def _list(values: Iterable[object]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _sentences(step: Step) -> Iterator[str]:
    yield f"{_when(step)}; of no more use {step.expires} later."
    if repeat := step.repeat:
        yield f"Then {repeat.times} more, {repeat.every} apart."
    if Only.SERIES_OPEN in step.only:
        yield "Only after the latest session, while the series is neither complete nor lapsed."
    if Only.SERIES_OVER in step.only:
        yield "Only after the latest session; while the series is open, not before the day it lapses."
    if Until.NEWER_SESSION in step.until:
        yield "Not once a newer session has taken place."
    if Until.BOOKING in step.until:
        yield "A booked appointment holds it back until 2 days after its time."
    if asks := step.asks:
        yield f"Asks for a number, {asks.scale}; {asks.alert_from} or more alerts within {asks.alert_within}."
    yield _how(step)


def _when(step: Step) -> str:
    start = _STARTS[step.counts_from]
    if step.at:
        day = f"{step.after} after {start}" if step.after.amount else f"On {start}"
        return f"{day}, at {step.at:%H:%M} local time"
    return f"{step.after} after {start}" if step.after.amount else f"At once after {start}"


_STARTS = {
    From.TREATMENT: "the treatment",
    From.WINDOW_START: "the first day of the next session's window",
    From.WINDOW_END: "the last day of the next session's window",
}


def _how(step: Step) -> str:
    join = " and " if step.send is SendMode.ALL else ", else "
    quiet = "even in quiet hours" if step.quiet is Quiet.IGNORE else "outside of quiet hours"
    return f"By {join.join(_MEDIA[medium] for medium in step.channels)}, {quiet}."


_MEDIA = {Medium.SMS: "SMS", Medium.EMAIL: "email"}
