"""One record of a file: what was read of it, before it is checked as an event."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from service.errors import BadInput, Problem


@dataclass(frozen=True, slots=True)
class Record:
    """An event as the file tells it. Lines count from 1; `end` is the byte offset after the record."""

    line: int
    """Its first line."""
    last: int
    """Its last line: a CSV text may hold line breaks."""
    end: int
    raw: bytes | None
    """As it stands in the file; None where it is too long to be kept."""
    value: Any
    """The event's JSON value, or BadInput where nothing could be read."""


class Reader(Protocol):
    """A file of events in one format."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd about the file as a whole."""

    def records(self, offset: int, before: int) -> Iterator[Record]:
        """The records from a byte offset on, where `before` lines lie ahead of it."""

    def told(self, problem: Problem) -> Problem:
        """A problem of an event as the file's writer knows its place (`data.client.phone`), and can mend it."""


def too_long(limit: int) -> BadInput:
    return BadInput(Problem("line-too-long", "", f"one event may take at most {limit:,} bytes"))
