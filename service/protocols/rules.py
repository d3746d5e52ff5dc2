"""The rules that bind several keys of a protocol together. Each finding is a key and a sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from service.protocols.model import Asks, From, Only, Repeat, Sessions, Step, Until
from service.protocols.values import accepted
from service.types import Purpose, Quiet

Finding: TypeAlias = tuple[str, str]

_SOON = timedelta(hours=6)
_DAYS = "days, weeks, months or years"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a step's rules need to know of its file, also where parts of that file could not be read."""

    has_sessions: bool
    areas: tuple[str, ...]


def session_findings(sessions: Sessions) -> Iterator[Finding]:
    if sessions.min > sessions.max:
        yield "min", f"{sessions.min} is more than max = {sessions.max}"
    if sessions.every.start.amount == 0:
        yield "every", "sessions cannot be 0 days apart"
    if sessions.lapses_after and sessions.lapses_after.roughly < sessions.every.end.roughly:
        yield "lapses_after", f'"{sessions.lapses_after}" is over before the window of "{sessions.every}" has ended'


def step_findings(step: Step, written: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    """:param written: the step's own keys as they stand in the file, without the defaults."""
    yield from _when(step, written, around)
    yield from _quiet(step, written)
    yield from _series(step, around)
    yield from _areas(step, around)
    if step.expires.amount == 0:
        yield "expires", f'"{step.expires}" leaves no time to send it'
    if step.repeat:
        yield from _repeat(step, step.repeat)
    if step.asks:
        yield from _asks(step.asks)


def _when(step: Step, written: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    if step.exact and "at" in written:
        yield "at", f'"{step.after}" is exact, so it takes no time of day; leave `at` out, or count in {_DAYS}'
    if step.counts_from is From.TREATMENT:
        return
    if not around.has_sessions:
        yield "from", f'"{step.counts_from}" needs `sessions`, whose `every` is the window'
    if step.after.exact:
        yield "after", f'"{step.after}" cannot count from the {step.counts_from}; write {_DAYS}'


def _quiet(step: Step, written: Mapping[str, Any]) -> Iterator[Finding]:
    """Quiet hours give way only to safety and same-day care."""
    if step.quiet is Quiet.DEFER:
        return
    key = "quiet" if "quiet" in written else "quiet (of the defaults)"
    if step.purpose is not Purpose.CARE:
        yield key, f'"ignore" is for purpose "care" only, and this step has "{step.purpose}"'
    if not step.exact or step.after.delta > _SOON:
        yield key, f'"ignore" is for steps at most 6 hours after the treatment, and this one has "{step.after}"'


def _series(step: Step, around: Surroundings) -> Iterator[Finding]:
    if len(step.only) > 1:
        yield "only", f"{accepted(step.only)} exclude each other; name one"
    elif Only.SERIES_OPEN in step.only and not around.has_sessions:
        yield "only", f'"{Only.SERIES_OPEN}" needs `sessions`; without a series this step would never be sent'
    for key, words, waits_for in (("only", step.only, Only.SERIES_OVER), ("until", step.until, Until.BOOKING)):
        if waits_for in words and step.exact:
            yield key, f'"{waits_for}" may move a step to a later day, so it needs an `after` in {_DAYS}'


def _areas(step: Step, around: Surroundings) -> Iterator[Finding]:
    for area in step.areas or ():
        if area not in around.areas:
            known = f"the file has {accepted(around.areas)}" if around.areas else "the file has no areas"
            yield "areas", f'"{area}" is not declared as [areas.{area}]; {known}'


def _repeat(step: Step, repeat: Repeat) -> Iterator[Finding]:
    if repeat.every.amount == 0:
        yield "repeat: every", f'"{repeat.every}" would send everything at once'
    elif repeat.every.exact is not step.exact:
        units = "minutes or hours" if step.exact else _DAYS
        yield "repeat: every", f'"{repeat.every}" does not fit this step, which counts in {units}; use those here, too'


def _asks(asks: Asks) -> Iterator[Finding]:
    if not asks.scale.low <= asks.alert_from <= asks.scale.high:
        yield "asks: alert_from", f'{asks.alert_from} lies outside of the scale "{asks.scale}"'
    if not asks.alert_within.exact or asks.alert_within.amount == 0:
        yield "asks: alert_within", f'"{asks.alert_within}" is no time to alert in; write minutes or hours, at least 1'
