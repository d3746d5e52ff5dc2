"""CSV with a header: a treatment a row.

Commas, semicolons or tabs, as the header has them. A text in quotes may hold line breaks. A row that cannot be read
costs no more than its own first line: reading goes on after it.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO, Self

from service.errors import BadInput, Problem
from service.imports.columns import BY_NAME, Column, column_at, columns_of, event_of, in_cells
from service.imports.lines import Line, Lines
from service.imports.mapping import Map
from service.imports.record import Record, too_long

UTF_8 = "utf-8"
SEPARATORS = ",;\t"
_ESCAPED = range(0xDC80, 0xDD00)
"""What `surrogateescape` makes of bytes that are not UTF-8."""


class CsvReader:
    """Reads a file's rows. The header is read, and judged, at once.

    Raises BadInput where the header lacks a required column, or there is none. `name` leads the places of problems.
    """

    def __init__(self, file: BinaryIO, limit: int, name: str, map_: Map | None = None, encoding: str = UTF_8) -> None:
        """`map_` tells what another system's words mean."""
        self._file = file
        self._map = map_ or Map()
        self._encoding = encoding
        self._limit = limit
        self._header = _header(file, limit, f"{name}:1")
        text = _decoded(self._header, encoding)
        self._separator = max(SEPARATORS, key=text.count)
        cells = next(csv.reader([text], delimiter=self._separator), [])
        names = [self._map.name(cell) for cell in cells]
        self._columns, unread = columns_of(names, f"{name}:1", self._map.constants)
        self.warnings = (*unread, *self._map.absent(cells, f"{name}:1"))

    def records(self, offset: int, before: int) -> Iterator[Record]:
        start = max(offset, self._header.end)
        lines = Lines(self._file, self._limit, offset=start, before=max(before, self._header.number))
        for first in lines:
            record = self._record(first, lines)
            if record is not None:
                yield record

    def told(self, problem: Problem) -> Problem:
        column = column_at(problem.where)
        return replace(problem, where=column, message=in_cells(problem, column))

    def _record(self, first: Line, lines: Lines) -> Record | None:
        """The record that begins on this line; None for a blank one."""
        feed = _Feed(first, lines, self._limit, self._encoding)
        try:
            cells = next(csv.reader(feed, delimiter=self._separator, strict=True), [])
        except (csv.Error, BadInput) as error:
            lines.go_back(first)
            refusal = error if isinstance(error, BadInput) else _unreadable(error)
            return Record(first.number, first.number, first.end, first.data, refusal)
        if not any(cell.strip() for cell in cells):
            return None
        return Record(first.number, feed.last.number, feed.last.end, feed.raw, self._value(cells))

    def _value(self, cells: list[str]) -> object:
        if len(cells) != len(self._columns):
            sentence = f"the row has {len(cells)} cells, the header {len(self._columns)}: is a text not in quotes?"
            return BadInput(Problem("wrong-cell-count", "", sentence))
        named = {column: cell for column, cell in zip(self._columns, cells, strict=True) if column is not None}
        return _unstorable(named) or self._event(named)

    def _event(self, cells: Mapping[Column, str]) -> object:
        absent = {BY_NAME[name]: "" for name in self._map.constants if BY_NAME[name] not in cells}
        try:
            return event_of({one: self._map.read(one.name, cell) for one, cell in {**cells, **absent}.items()})
        except BadInput as error:
            return error


class _Feed:
    """The lines of one record as text, for as long as it stays below the limit."""

    def __init__(self, first: Line, more: Lines, limit: int, encoding: str) -> None:
        self.last = first
        self._encoding = encoding
        self._start = first.start
        self._limit = limit
        self._more = more
        self._parts: list[bytes] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if self._parts:
            self.last = next(self._more)
        if self.last.data is None or self.last.end - self._start > self._limit:
            raise csv.Error("no closing quote") if self._parts else too_long(self._limit)
        self._parts.append(self.last.data)
        return _decoded(self.last, self._encoding) + "\n"

    @property
    def raw(self) -> bytes:
        return b"\n".join(self._parts)


def _header(file: BinaryIO, limit: int, where: str) -> Line:
    line = next(Lines(file, limit), None)
    if line is None or not line.data:
        raise BadInput(Problem("missing-header", where, "the first line must name the columns"))
    return line


def _decoded(line: Line, encoding: str) -> str:
    return (line.data or b"").decode(encoding, "surrogateescape")


def _unstorable(cells: Mapping[Column, str]) -> BadInput | None:
    for column, cell in cells.items():
        if "\x00" in cell:
            sentence = "the text holds the character U+0000, which cannot be stored: remove it"
            return BadInput(Problem("nul-character", ".".join(column.path), sentence))
        if not cell.isascii() and any(ord(character) in _ESCAPED for character in cell):
            sentence = "the text is not UTF-8: save the file as CSV UTF-8, or say --encoding cp1252 (Western Windows)"
            return BadInput(Problem("invalid-utf8", ".".join(column.path), sentence))
    return None


def _unreadable(error: csv.Error) -> BadInput:
    if "expected after" in str(error):
        sentence = "a text in quotes goes on after its closing quote: write quotes inside of it twice"
    else:
        sentence = "a quote is opened that nothing closes"
    return BadInput(Problem("invalid-csv", "", sentence))
