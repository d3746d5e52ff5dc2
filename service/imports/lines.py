"""A file's lines, one at a time and each with its place; a line beyond the limit is passed over, never held."""

from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import BinaryIO, Self


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end. `start` and `end` are byte offsets, `end` that of the next line."""

    number: int
    start: int
    end: int
    data: bytes | None
    """None where the line is longer than the limit."""


class Lines:
    """The lines from `offset` on, where `before` lines lie ahead of it. A byte order mark is no part of the first."""

    def __init__(self, file: BinaryIO, limit: int, *, offset: int = 0, before: int = 0) -> None:
        self._file = file
        self._limit = limit
        self._go_to(offset, before)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Line:
        start, data = self._offset, self._file.readline(self._limit)
        if not data:
            raise StopIteration
        self._number += 1
        self._offset += len(data) + self._rest(data)
        if self._offset - start > self._limit:
            return Line(self._number, start, self._offset, None)
        text = data.rstrip(b"\r\n")
        return Line(self._number, start, self._offset, text if start else text.removeprefix(BOM_UTF8))

    def go_back(self, line: Line) -> None:
        """Read on after `line`, which was read earlier."""
        self._go_to(line.end, line.number)

    def _rest(self, part: bytes) -> int:
        """Pass over what is left of a long line; its bytes."""
        passed = 0
        while len(part) == self._limit and not part.endswith(b"\n"):
            part = self._file.readline(self._limit)
            passed += len(part)
        return passed

    def _go_to(self, offset: int, number: int) -> None:
        self._file.seek(offset)
        self._offset, self._number = offset, number
