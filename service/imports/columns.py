"""The columns of a CSV file: what each means, and where its text goes in an event."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from service.errors import BadInput, Problem
from service.protocols.values import did_you_mean
from service.types import Json

SOURCE = "/import/csv"
"""The `source` of events that come as rows."""

_WHOLE = re.compile(r"(\d{1,16})(\.0+)?", re.ASCII)
_LONGEST_ID = 180
_TIME_PROBLEMS = frozenset({"invalid-time", "naive-time"})


def _text(cell: str) -> str:
    return cell


def _word(cell: str) -> str:
    return cell.lower()


def _number(cell: str) -> int | str:
    """Spreadsheets write 2 as 2.0; what is no whole number stays as it is, and is refused as such."""
    found = _WHOLE.fullmatch(cell)
    return int(found[1]) if found else cell


def _media(cell: str) -> list[str]:
    """`sms+email`; `none` is a no to every channel."""
    return [] if cell.lower() == "none" else re.split(r"[+,;/\s]+", cell.lower())


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    path: tuple[str, ...]
    """Where it goes in the event."""
    meaning: str
    read: Callable[[str], Any] = _text
    required: bool = False


_TREATMENT, _COURSE, _CLIENT = ("data", "treatment"), ("data", "course"), ("data", "client")
_CONSENT = "channels agreed to for {}: sms, email, sms+email or none; empty says nothing"

COLUMNS = (
    Column("treatment_id", (*_TREATMENT, "id"), "the visit's id in your system", required=True),
    Column("protocol", (*_TREATMENT, "protocol"), "the care protocol, like microneedling", required=True),
    Column(
        "ended_at", (*_TREATMENT, "ended_at"), "when the visit ended, like 2026-11-20T15:00:00+00:00", required=True
    ),
    Column("client_ref", (*_CLIENT, "ref"), "the client's id in your system", required=True),
    Column("event_id", ("id",), "this report's id; made from the row's content where absent"),
    Column("time", ("time",), "when this was reported; when the file was written where absent"),
    Column("version", (*_TREATMENT, "version"), "a number that rises with each correction of the visit", _number),
    Column("kind", (*_TREATMENT, "kind"), "session (also where absent), maintenance or single", _word),
    Column("area", (*_TREATMENT, "area"), "the area treated"),
    Column("location", (*_TREATMENT, "location"), "the short name of one of your locations"),
    Column("provider", (*_TREATMENT, "provider"), "who treated the client"),
    Column("note", (*_TREATMENT, "note"), "your own instruction to the client for this visit"),
    Column("course_id", (*_COURSE, "id"), "the series' id; client, protocol and area together where absent"),
    Column("session", (*_COURSE, "session"), "which session of the series this was", _number),
    Column("of", (*_COURSE, "of"), "how many sessions the series has", _number),
    Column("first_name", (*_CLIENT, "first_name"), "the client's first name"),
    Column("phone", (*_CLIENT, "phone"), "with + and country code, or as your clinic's country writes it"),
    Column("email", (*_CLIENT, "email"), "the client's email address"),
    Column("time_zone", (*_CLIENT, "time_zone"), "the client's zone, like Europe/London"),
    Column("locale", (*_CLIENT, "locale"), "the client's language, like en or es-MX"),
    Column("consent_care", (*_CLIENT, "consent", "care"), _CONSENT.format("aftercare"), _media),
    Column("consent_rebook", (*_CLIENT, "consent", "rebook"), _CONSENT.format("the next visit"), _media),
    Column("consent_review", (*_CLIENT, "consent", "review"), _CONSENT.format("reviews"), _media),
)
BY_NAME = {column.name: column for column in COLUMNS}
_BY_PATH = {".".join(column.path): column.name for column in COLUMNS}


def columns_of(
    cells: Iterable[str], where: str, given: Collection[str] = ()
) -> tuple[list[Column | None], tuple[Problem, ...]]:
    """The columns that a header names, None for one that is not known, and a warning for each of those.

    `given` are columns that need not be there.

    Raises BadInput: `missing-column`, `duplicate-column`.
    """
    names = [simplified(cell) for cell in cells]
    problems = [*_missing([*names, *given], where), *_twice(names, where)]
    if problems:
        raise BadInput(*problems)
    return [BY_NAME.get(name) for name in names], tuple(_unknown(names, where))


def event_of(cells: Mapping[Column, str]) -> Json:
    """A row as an event. Empty cells say nothing."""
    event: Json = {"specversion": "1.0", "source": SOURCE, "type": "treatment.completed"}
    event["data"] = {"treatment": {}, "client": {}}
    for column, cell in cells.items():
        if text := cell.strip():
            _put(event, column.path, column.read(text))
    event.setdefault("id", _id(event["data"]))
    return event


def column_at(path: str) -> str:
    """The name of the column that a place in the event comes from; the place itself where none does."""
    known = path
    while known and known not in _BY_PATH:
        known = known.rpartition(".")[0]
    return _BY_PATH.get(known, path)


def in_cells(problem: Problem, column: str) -> str:
    """What is wrong with a cell of this column, and how a cell or a map is mended."""
    if problem.code in _TIME_PROBLEMS:
        return f"{problem.message}; or tell in a map's [times] how this file writes times, and by which clock"
    if column.startswith("consent_") and problem.code == "invalid-field":
        return f"write sms, email, sms+email or none; or say in a map's [values.{column}] what its words mean"
    return problem.message


def _put(event: Json, path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    for parent in parents:
        event = event.setdefault(parent, {})
    event[last] = value


def _id(data: Json) -> str:
    """By version where there is one; else by content: the same row is the same event, a changed one a correction."""
    treatment = data["treatment"]
    name = str(treatment.get("id", ""))[:_LONGEST_ID]
    if "version" in treatment:
        return f"{name}@{treatment['version']}"[:200]
    content = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    return f"{name}#{hashlib.sha256(content).hexdigest()[:16]}"


def simplified(cell: str) -> str:
    """A column's name as it is compared."""
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def _missing(names: list[str], where: str) -> Iterator[Problem]:
    for column in COLUMNS:
        if column.required and column.name not in names:
            unknown = [name for name in names if name not in BY_NAME]
            hint = did_you_mean(column.name, unknown).replace("did you mean", "is that")
            sentence = f'there is no column "{column.name}" ({column.meaning}), which every file needs{hint}'
            yield Problem("missing-column", where, sentence)


def _twice(names: list[str], where: str) -> Iterator[Problem]:
    for name in BY_NAME:
        if names.count(name) > 1:
            yield Problem("duplicate-column", where, f'the column "{name}" is there twice')


def _unknown(names: list[str], where: str) -> Iterator[Problem]:
    for name in names:
        if name not in BY_NAME:
            hint = did_you_mean(name, list(BY_NAME))
            yield Problem("unknown-column", where, f'nothing reads the column "{name[:60]}"{hint}')
