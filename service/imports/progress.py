"""How far an import got, and what it met on the way."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from service.errors import Problem
from service.intake.answer import Taken
from service.types import Json

_KINDS = 30
_LINES = 5
_CODES = 1000
"""So many different codes are counted one by one."""
_MOST_FREQUENT = 10


@dataclass(slots=True)
class Progress:
    """All of the file before `offset`, the end of line `line`, is committed or rejected. What a database keeps."""

    offset: int = 0
    line: int = 0
    taken: int = 0
    repeated: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        return self.taken + self.repeated + self.rejected


@dataclass(slots=True)
class _Told:
    """A warning or a refusal that many rows may share."""

    message: str
    rows: int = 0
    lines: list[int] = field(default_factory=list)


_Kinds: TypeAlias = dict[tuple[str, str], _Told]
"""By code and place."""


@dataclass(slots=True)
class Notes:
    """What this run met and no database keeps. Bounded, however many rows there are."""

    unmapped: int = 0
    outdated: int = 0
    _codes: Counter[str] = field(default_factory=Counter)
    _warnings: _Kinds = field(default_factory=dict)
    _refusals: _Kinds = field(default_factory=dict)

    def take(self, taken: Taken, code: str) -> None:
        """`code` is the protocol as the row names it."""
        if taken.created:
            self.unmapped += taken.standing == "unmapped"
            self.outdated += taken.standing == "outdated"
            if taken.standing == "unmapped" and (code in self._codes or len(self._codes) < _CODES):
                self._codes[code] += 1

    def unmapped_codes(self) -> list[Json]:
        """The most frequent codes of a protocol that is not known, each with its rows."""
        return [{"code": code, "rows": rows} for code, rows in self._codes.most_common(_MOST_FREQUENT)]

    def warn(self, warnings: Iterable[Problem], line: int) -> None:
        _count(self._warnings, warnings, line)

    def refuse(self, problems: Iterable[Problem], line: int) -> None:
        """Count why a row is not taken."""
        _count(self._refusals, problems, line)

    def warnings(self) -> list[Json]:
        return _listed(self._warnings)

    def refusals(self) -> list[Json]:
        return _listed(self._refusals)


def _count(kinds: _Kinds, problems: Iterable[Problem], line: int) -> None:
    """Remember the first lines of each kind; of many different kinds only the first."""
    for problem in problems:
        key = (problem.code, problem.where)
        if key not in kinds and len(kinds) >= _KINDS:
            continue
        told = kinds.setdefault(key, _Told(problem.message))
        told.rows += 1
        if len(told.lines) < _LINES:
            told.lines.append(line)


def _listed(kinds: _Kinds) -> list[Json]:
    return [
        {"code": code, "where": where, "message": told.message, "rows": told.rows, "first_lines": told.lines}
        for (code, where), told in kinds.items()
    ]
