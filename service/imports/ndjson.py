"""NDJSON: a CloudEvent a line."""

from collections.abc import Iterator
from typing import BinaryIO

from service.errors import BadInput, Problem
from service.events import parse_json
from service.imports.lines import Line, Lines
from service.imports.record import Record, too_long


class NdjsonReader:
    """Reads a file's lines as JSON; blank lines are none of them."""

    warnings: tuple[Problem, ...] = ()

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit

    def records(self, offset: int, before: int) -> Iterator[Record]:
        for line in Lines(self._file, self._limit, offset=offset, before=before):
            if line.data is None or line.data.strip():
                yield Record(line.number, line.number, line.end, line.data, self._value(line))

    def told(self, problem: Problem) -> Problem:
        return problem

    def _value(self, line: Line) -> object:
        if line.data is None:
            return too_long(self._limit)
        try:
            return parse_json(line.data, where="")
        except BadInput as error:
            return error
