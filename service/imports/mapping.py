"""How another system's export is read: its names of columns, its words, its way to write times; told in a TOML file.

[columns]                    # theirs = ours
"Appointment No" = "treatment_id"
"Service" = "protocol"

[values.protocol]            # their words = ours
"Micro-needling (face)" = "microneedling"

[constants]                  # the same for every row that says nothing else
locale = "en"

[times]                      # of ended_at and time
format = "%d/%m/%Y %H:%M"
zone = "Europe/London"
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from service.errors import AftercareError, BadInput, Problem
from service.events.sentences import plain
from service.imports.columns import COLUMNS, simplified
from service.protocols.values import did_you_mean
from service.timing import zone_named

_NAMES = frozenset(column.name for column in COLUMNS)
_TIMES = frozenset({"ended_at", "time"})
_SAMPLE = datetime(2026, 12, 31, 15, 30)  # noqa: DTZ001 - shows a way of writing, no instant


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Times(_Told):
    """How times without an offset are written, and by which clock."""

    format: str
    zone: str

    @field_validator("format")
    @classmethod
    def _can_be_read_back(cls, value: str) -> str:
        try:
            datetime.strptime(_SAMPLE.strftime(value), value)  # noqa: DTZ007 - no instant either
        except ValueError:
            raise ValueError('write it like "%d/%m/%Y %H:%M"') from None
        return value

    @field_validator("zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            zone_named(value)
        except AftercareError as error:
            raise ValueError(error.problems[0].message) from None
        return value

    def read(self, cell: str) -> str:
        """The cell as a time with its offset. Raises ValueError where it is written otherwise."""
        moment = datetime.strptime(cell, self.format)  # noqa: DTZ007 - the zone comes next
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.zone))).isoformat()

    @property
    def sample(self) -> str:
        return _SAMPLE.strftime(self.format)


class _File(_Told):
    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    times: Times | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """What a file's words mean. Names of theirs are compared as columns are: without case, blanks and hyphens alike."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    times: Times | None = None
    digest: bytes = b""
    """Of the file: read by another map, a file is another file."""

    def name(self, theirs: str) -> str:
        """Our name of a column."""
        return self.columns.get(simplified(theirs), theirs)

    def absent(self, cells: Collection[str], where: str) -> Iterator[Problem]:
        """A warning for each column of the map's that the file lacks, where nothing else says what it would."""
        there = {simplified(cell) for cell in cells}
        read = {simplified(self.name(cell)) for cell in cells}
        for theirs, ours in self.columns.items():
            if theirs not in there and ours not in read:
                hint = did_you_mean(theirs, sorted(there - self.columns.keys() - _NAMES))
                sentence = f'the map reads {ours} from a column "{theirs[:60]}", which the file does not have{hint}'
                yield Problem("absent-column", where, sentence)

    def read(self, column: str, cell: str) -> str:
        """A cell in our words. Raises BadInput (`unreadable-time`)."""
        text = cell.strip()
        if not text:
            return self.constants.get(column, "")
        if self.times and column in _TIMES:
            try:
                return self.times.read(text)
            except ValueError:
                sentence = f"the map has times written like {self.times.sample}"
                raise BadInput(Problem("unreadable-time", column, sentence)) from None
        return self.values.get(column, {}).get(text.casefold(), text)


def load_map(path: Path) -> Map:
    """Read a map.

    Raises BadInput: `unreadable-file`, `invalid-map` with every problem and its place.
    """
    try:
        raw = path.read_bytes()
        found = _File.model_validate(tomllib.loads(raw.decode()))
    except OSError as error:
        raise BadInput(Problem("unreadable-file", str(path), (error.strerror or "it cannot be read").lower())) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(Problem("invalid-map", str(path), f"this is no TOML: {error}")) from None
    except ValidationError as error:
        raise BadInput(*(_problem(path, one) for one in error.errors())) from None
    if problems := [*_unknown(path, "columns", found.columns.values()), *_unknown(path, "values", found.values),
                    *_unknown(path, "constants", found.constants)]:  # fmt: skip
        raise BadInput(*problems)
    return Map(
        columns={simplified(theirs): ours for theirs, ours in found.columns.items()},
        values={name: {word.strip().casefold(): ours for word, ours in words.items()}
                for name, words in found.values.items()},
        constants=found.constants,
        times=found.times,
        digest=raw,
    )  # fmt: skip


def _problem(path: Path, error: Any) -> Problem:
    place = ".".join(str(part) for part in error["loc"])
    return Problem("invalid-map", f"{path}:{place}", plain(error))


def _unknown(path: Path, table: str, names: Any) -> list[Problem]:
    return [
        Problem(
            "invalid-map", f"{path}:{table}", f'there is no column "{name}" of ours{did_you_mean(name, sorted(_NAMES))}'
        )
        for name in names
        if name not in _NAMES
    ]
