"""How far an import got, and what it met on the way."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from service.errors import Problem
from service.intake.answer import Taken
from service.types import Json

_KINDS = 30
_LINES = 5


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
    """A warning that many rows may share."""

    message: str
    rows: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Notes:
    """What this run met and no database keeps. Bounded, however many rows there are."""

    unmapped: int = 0
    outdated: int = 0
    _warnings: dict[tuple[str, str], _Told] = field(default_factory=dict)

    def take(self, taken: Taken) -> None:
        if taken.created:
            self.unmapped += taken.standing == "unmapped"
            self.outdated += taken.standing == "outdated"

    def warn(self, warnings: Iterable[Problem], line: int) -> None:
        """Count warnings, remembering the first lines of each kind; of many different kinds only the first."""
        for warning in warnings:
            key = (warning.code, warning.where)
            if key not in self._warnings and len(self._warnings) >= _KINDS:
                continue
            told = self._warnings.setdefault(key, _Told(warning.message))
            told.rows += 1
            if len(told.lines) < _LINES:
                told.lines.append(line)

    def warnings(self) -> list[Json]:
        return [
            {"code": code, "where": where, "message": told.message, "rows": told.rows, "first_lines": told.lines}
            for (code, where), told in self._warnings.items()
        ]
