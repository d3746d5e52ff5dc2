"""All that is wrong with a body at once: fields of the wrong form, and what the rules say of all others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

from service.errors import Problem
from service.types import Json

Rules: TypeAlias = Callable[[Json], Iterable[Problem]]
"""What is wrong with the fields of a body that are there, and are of the type that they should be."""

_LONGEST_WAY = 3
_RULED = {"string_too_long", "string_pattern_mismatch"}
"""A text it is: the rules may say better than the form what it should say."""


def all_wrong(form: Sequence[tuple[Any, Problem]], body: bytes, rules: Rules | None) -> list[Problem]:
    """`form`: what pydantic found, each with our problem. A rule lends its sentence to the wrong form of its field."""
    problems = [problem for _, problem in form]
    value = _value_of(body)
    is_readable = all(found["loc"] for found, _ in form)  # else the body as a whole is at fault: nested too deep
    if rules is None or value is None or not is_readable:
        return problems
    for found, _ in form:
        _set_right(value, found["type"], found["loc"])
    ruled = {problem.where: problem for problem in rules(_trimmed(value))}
    told = [_better(problem, found["type"], ruled.pop(problem.where, None)) for found, problem in form]
    return [*told, *ruled.values()]


def _value_of(body: bytes) -> Json | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _set_right(value: Json, kind: str, place: tuple[str | int, ...]) -> None:
    """Leave out what has the wrong type, and let what is missing be empty."""
    if kind in _RULED:
        return
    inside = isinstance(value.get(str(place[0])), list)
    way = place[: _LONGEST_WAY if inside and len(place) >= _LONGEST_WAY else 1 if inside else _LONGEST_WAY - 1]
    *around, last = way
    at: Any = value
    for step in around:
        at = _within(at, step)
    if isinstance(at, dict):
        at.pop(last, None)
        if kind == "missing" and way == place:
            at[last] = ""


def _within(value: Any, step: str | int) -> Any:
    match value:
        case dict():
            return value.get(step)
        case list() if isinstance(step, int) and step < len(value):
            return value[step]
    return None


def _trimmed(value: Any) -> Any:
    """As a body is read: without space around its texts; null is as if it were left out."""
    match value:
        case str():
            return value.strip()
        case Mapping():
            return {name: _trimmed(one) for name, one in value.items() if one is not None}
        case list():
            return [_trimmed(one) for one in value]
    return value


def _better(problem: Problem, kind: str, rule: Problem | None) -> Problem:
    if rule is None:
        return problem
    return replace(problem, message=f"this is required: {rule.message}" if kind == "missing" else rule.message)
