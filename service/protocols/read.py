"""From a protocol file to a checked protocol, or to every problem in it at once, each with its place."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.errors import ConfigError, Problem
from service.protocols.model import Area, From, Head, Manner, Protocol, Sessions, Step, Table
from service.protocols.rules import Finding, Surroundings, session_findings, step_findings
from service.protocols.values import accepted, did_you_mean, is_kebab, shown

T = TypeVar("T", bound=Table)

_TABLES = ("sessions", "areas", "defaults", "step")
_MOST_STEPS = 50


def load_protocols(folder: Path) -> Mapping[str, Protocol]:
    """Every `*.toml` of a folder by its code, in alphabetical order.

    :raises ConfigError: with the problems of all files together.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ConfigError(Problem("protocol-file", str(folder), "no protocol files (*.toml) are here"))
    protocols: dict[str, Protocol] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            protocols[path.stem] = load_protocol(path)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return MappingProxyType(protocols)


def load_protocol(path: Path) -> Protocol:
    """One file; its name without `.toml` is the protocol's code.

    :raises ConfigError: with every problem of the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unusable(str(path), f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise _unusable(str(path), f"is not UTF-8 text (byte {error.start + 1})") from error
    return parse_protocol(text, code=path.stem, where=str(path))


def parse_protocol(text: str, *, code: str, where: str) -> Protocol:
    """A protocol from its text, wherever that was kept.

    :param where: names the text in problems, like a file's path.
    :raises ConfigError: with every problem of the text.
    """
    if not is_kebab(code):
        raise _unusable(where, f'"{code}" is no code for a protocol; name it in lower-case letters, digits and hyphens')
    return _Reader(where).read(_toml(text, where), code)


def _unusable(where: str, sentence: str) -> ConfigError:
    return ConfigError(Problem("protocol-file", where, sentence))


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, spot = str(error).removesuffix(")").rpartition(" (at ")
        spot = spot.replace("end of document", _end_of(text))
        raise ConfigError(Problem("protocol-syntax", f"{where}: {spot}", f"this is not TOML: {what}")) from error
    except RecursionError as error:
        raise ConfigError(Problem("protocol-syntax", where, "this is not TOML: nested too deeply")) from error


def _end_of(text: str) -> str:
    lines = text.split("\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"


class _Reader:
    """Reads one file part by part, so that a problem in one part hides none in another."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []

    def read(self, data: dict[str, Any], code: str) -> Protocol:
        head = self._part(Head, {key: data[key] for key in data if key not in _TABLES}, "", also=_TABLES)
        sessions = self._sessions(data)
        areas = self._areas(self._table(data, "areas"), sessions, has_sessions="sessions" in data)
        steps = self._steps(data, Surroundings("sessions" in data, tuple(areas)))
        if self.problems or head is None:
            raise ConfigError(*self.problems)
        return Protocol(code, head.title, head.reviewed, sessions, MappingProxyType(areas), tuple(steps))

    def _sessions(self, data: dict[str, Any]) -> Sessions | None:
        if "sessions" not in data:
            return None
        sessions = self._part(Sessions, data["sessions"], "sessions: ")
        self._findings("sessions: ", session_findings(sessions) if sessions else ())
        return sessions

    def _areas(self, raw: dict[str, Any], series: Sessions | None, *, has_sessions: bool) -> dict[str, Sessions | None]:
        areas = {}
        for name, found in raw.items():
            if not is_kebab(name):
                self._note("protocol-key", f"areas.{name}", "name it in lower-case letters, digits and hyphens")
            area = self._part(Area, found, f"areas.{name}: ")
            areas[name] = series
            if area is None or area.sessions is None:
                continue
            if not has_sessions:
                self._note("protocol-rule", f"areas.{name}: sessions", "needs `sessions` of the protocol to change")
            if series is not None:
                areas[name] = area.sessions.laid_over(series)
                self._findings(f"areas.{name}: sessions: ", session_findings(area.sessions.laid_over(series)))
        return areas

    def _steps(self, data: dict[str, Any], around: Surroundings) -> list[Step]:
        defaults = self._defaults(self._table(data, "defaults"))
        found = data.get("step")
        if not isinstance(found, list) or not 1 <= len(found) <= _MOST_STEPS:
            self._note("protocol-missing", "step", f"write 1 to {_MOST_STEPS} steps, each under its own [[step]]")
            return []
        steps = [self._step(number, raw, defaults, around) for number, raw in enumerate(found, start=1)]
        self._no_name_twice(steps)
        return [step for step in steps if step is not None]

    def _defaults(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The defaults that can be used, each judged by itself, so that a wrong one is told once and not by step."""
        return {key: value for key, value in raw.items() if self._part(Manner, {key: value}, "defaults: ")}

    def _step(self, number: int, raw: Any, defaults: dict[str, Any], around: Surroundings) -> Step | None:
        if not isinstance(raw, dict):
            self._note("protocol-value", f"step {number}", f"found {shown(raw)}; write a [[step]] of its own")
            return None
        place = f"step {number} {shown(raw['name'])}: " if "name" in raw else f"step {number}: "
        step = self._part(Step, {**_at_once(raw), **defaults, **raw}, place)
        if step is None:
            return None
        self._findings(place, step_findings(step, raw, around))
        return step.model_copy(update={"at": None}) if step.exact else step

    def _no_name_twice(self, steps: Iterable[Step | None]) -> None:
        first: dict[str, int] = {}
        for number, step in enumerate(steps, start=1):
            if step and first.setdefault(step.name, number) != number:
                sentence = f"step {first[step.name]} has this name, too; each needs its own"
                self._note("protocol-rule", f'step {number} "{step.name}": name', sentence)

    def _table(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        found = data.get(key, {})
        if isinstance(found, dict):
            return found
        self._note("protocol-value", key, f"found {shown(found)}; write a table, [{key}]")
        return {}

    def _part(self, model: type[T], raw: Any, place: str, also: tuple[str, ...] = ()) -> T | None:
        """One table as a value; None once its problems are noted. `also`: keys that are accepted but read elsewhere."""
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                code, sentence = _explained(detail, model, also)
                self._note(code, (place + ": ".join(map(str, detail["loc"]))).removesuffix(": "), sentence)
        return None

    def _findings(self, place: str, findings: Iterable[Finding]) -> None:
        for key, sentence in findings:
            self._note("protocol-rule", place + key, sentence)

    def _note(self, code: str, place: str, sentence: str) -> None:
        self.problems.append(Problem(code, f"{self.where}: {place}", sentence))


def _at_once(raw: dict[str, Any]) -> dict[str, str]:
    """A step without `after` falls due at once, or on the first day of its window."""
    return {"after": "0 minutes" if raw.get("from", From.TREATMENT) == From.TREATMENT else "0 days"}


def _explained(detail: ErrorDetails, model: type[Table], also: tuple[str, ...]) -> tuple[str, str]:
    """What pydantic found, as a code and a sentence for the person who wrote the file."""
    match detail["type"]:
        case "extra_forbidden":
            keys = [*_keys_at(model, detail["loc"][:-1]), *also]
            return "protocol-key", f"unknown key{did_you_mean(detail['loc'][-1], keys)}; accepted: {accepted(keys)}"
        case "missing":
            return "protocol-missing", "is missing"
        case "value_error":
            return "protocol-value", str(detail["ctx"]["error"])
        case _:
            return "protocol-value", f"found {shown(detail['input'])}; write a table, like {{ key = value }}"


def _keys_at(model: type[Table], place: tuple[int | str, ...]) -> list[str]:
    """The accepted keys of the table at a place inside a model."""
    for key in place:
        kinds = get_args(model.model_fields[str(key)].annotation)
        model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Table))
    return [field.alias or name for name, field in model.model_fields.items()]
