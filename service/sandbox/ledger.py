"""The provider's own book: what it took, what it refused, what it broke, and what the client was told.

A line is in memory, and where there is a file handed to the operating system, before the answer goes out: so after any
crash of the client the book is the truth to compare with. The file survives a kill of the sandbox, not a power cut.
"""

import os
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from service.sandbox.lines import Line, Outcome, Provider, Unanswered

# What an enum holds is looked up slowly, and benchmarks count the microseconds.
_ACCEPTED, _REFUSED = Outcome.ACCEPTED, Outcome.REFUSED
_AS_LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


@dataclass(slots=True)
class Tally:
    """Counts of one provider's sends; `rate` is acceptances a second between the first and the last."""

    requests: int = 0
    accepted: int = 0
    refused: int = 0
    faulted: int = 0
    unanswered: int = 0
    duplicates: int = 0
    lookups: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def accept(self, at: datetime, *, repeated: bool) -> None:
        self.accepted += 1
        self.duplicates += repeated
        self.first = self.first or at
        self.last = at

    @property
    def rate(self) -> float | None:
        if self.first is None or self.last is None or self.last <= self.first:
            return None
        return round((self.accepted - 1) / (self.last - self.first).total_seconds(), 1)


class Ledger:
    """Lines count from 1 within a run, and from 1 again after a reset."""

    def __init__(self, path: Path | None, now: Callable[[], datetime]) -> None:
        self._now = now
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if path else None
        self._forget()

    def _forget(self) -> None:
        self._unwritten: list[Line | Unanswered] = []
        # One block of memory and where each line ends in it: an object a line costs four times as much.
        self._text = bytearray()
        self._ends = array("Q")
        self._seen: set[int] = set()
        self._tallies = {provider: Tally() for provider in Provider}

    def write(self, line: Line) -> int:
        """Record what was done with a request; the line's number."""
        self._count(line)
        return self._append(line)

    def _count(self, line: Line) -> None:
        tally = self._tallies[line.provider]
        if line.what == "send":
            tally.requests += 1
        if line.outcome is _ACCEPTED:
            likeness = line.message.likeness
            tally.accept(line.at, repeated=likeness in self._seen)
            self._seen.add(likeness)
        elif line.outcome is _REFUSED:
            tally.refused += 1
        else:
            tally.faulted += 1

    def write_unanswered(self, line: int) -> None:
        """The client of line `line` did not wait for its answer."""
        self._write_up()
        if line > len(self._ends):
            return  # a reset has forgotten that line
        provider = Provider(orjson.loads(self._text[self._end_of(line - 1) : self._end_of(line)])["provider"])
        self._tallies[provider].unanswered += 1
        self._append(Unanswered(self._now(), provider, line))

    def count_lookup(self, provider: Provider) -> None:
        self._tallies[provider].lookups += 1

    def _append(self, line: Line | Unanswered) -> int:
        self._unwritten.append(line)
        if self._file is not None:
            self._write_up()
        return len(self._ends) + len(self._unwritten)

    def _write_up(self) -> None:
        """Word the lines that nobody has read yet."""
        unwritten, self._unwritten = self._unwritten, []
        for line in unwritten:
            worded = orjson.dumps(line.as_json(len(self._ends) + 1), option=_AS_LINE)
            if self._file is not None:
                os.write(self._file, worded)
            self._text += worded
            self._ends.append(len(self._text))

    def after(self, line: int) -> bytes:
        """The lines that follow `line`, as NDJSON."""
        self._write_up()
        return bytes(self._text[self._end_of(line) :])

    def latest(self, count: int) -> list[dict[str, Any]]:
        """The newest lines, newest first."""
        self._write_up()
        lines = self.after(max(0, len(self._ends) - count)).splitlines()
        return [orjson.loads(line) for line in reversed(lines)]

    def latest_sender(self) -> str:
        """Whom a text that went out lately came from; empty where none did."""
        texts = (line for line in self.latest(20) if line["provider"] == Provider.TWILIO and line.get("from"))
        return str(next(texts, {"from": ""})["from"])

    def _end_of(self, line: int) -> int:
        return self._ends[min(line, len(self._ends)) - 1] if line and self._ends else 0

    def stats(self) -> dict[str, Any]:
        """Sums over all providers, and each provider's own counts under its name."""
        tallies = {provider.value: asdict(tally) | {"rate": tally.rate} for provider, tally in self._tallies.items()}
        sums = ("requests", "accepted", "refused", "faulted", "unanswered", "duplicates", "lookups")
        return {name: sum(tally[name] for tally in tallies.values()) for name in sums} | tallies

    def reset(self) -> None:
        """Forget all in memory; the file only gets a line that says so."""
        if self._file is not None:
            os.write(self._file, orjson.dumps({"n": 0, "at": self._now(), "what": "reset"}) + b"\n")
        self._forget()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
