"""The provider's own book: what it took, what it refused, what it broke, and what the client was told.

A line is in memory and handed to the operating system before the answer goes out, so after any crash of the client
the book is the truth to compare with. It survives a kill of the sandbox, not a power cut.
"""

import hashlib
import os
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson


class Provider(StrEnum):
    TWILIO = "twilio"
    SENDGRID = "sendgrid"


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    """Taken: it will be delivered, whatever the client was told."""
    REFUSED = "refused"
    """Not taken, with the provider's ordinary error."""
    FAULTED = "faulted"
    """Not taken, because of a fault."""
    UNANSWERED = "unanswered"
    """The client went away before it read the answer that line `of` speaks of."""


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
        # One block of memory and where each line ends in it: an object a line costs four times as much.
        self._text = bytearray()
        self._ends = array("Q")
        self._seen: set[str] = set()
        self._tallies = {provider: Tally() for provider in Provider}

    def write(
        self,
        provider: Provider,
        what: str,
        outcome: Outcome,
        told: str,
        *,
        message: str = "",
        to: str = "",
        sender: str = "",
        body: str = "",
        subject: str = "",
        hashed: str = "",
        fault: str | None = None,
        code: str | None = None,
        attempt: str | None = None,
    ) -> int:
        """Record what was done with a request; the line's number.

        `what` is `send`, or for look-ups that were refused or faulted `fetch` or `list`; `told` a status, `reset` or
        `silence`; `hashed` what the body's hash is taken over, where not the body; `attempt` the caller's own token.
        """
        at = self._now()
        digest = hashlib.sha256((hashed or body).encode("utf-8", "replace")).hexdigest()
        self._count(provider, what, outcome, to + digest, at)
        return self._append(
            {
                "n": len(self._ends) + 1,
                "at": at,
                "provider": provider,
                "what": what,
                "outcome": outcome,
                "id": message,
                "to": to,
                "from": sender,
                "fault": fault,
                "told": told,
                "code": code,
                "attempt": attempt,
                "subject": subject,
                "body": body,
                "body_hash": digest,
            }
        )

    def _count(self, provider: Provider, what: str, outcome: Outcome, same: str, at: datetime) -> None:
        tally = self._tallies[provider]
        if what == "send":
            tally.requests += 1
        if outcome is Outcome.ACCEPTED:
            tally.accept(at, repeated=same in self._seen)
            self._seen.add(same)
        elif outcome is Outcome.REFUSED:
            tally.refused += 1
        else:
            tally.faulted += 1

    def write_unanswered(self, line: int) -> None:
        """The client of line `line` did not wait for its answer."""
        if line > len(self._ends):
            return  # a reset has forgotten that line
        provider = Provider(orjson.loads(self._text[self._end_of(line - 1) : self._end_of(line)])["provider"])
        self._tallies[provider].unanswered += 1
        entry = {"n": len(self._ends) + 1, "at": self._now(), "provider": provider}
        self._append(entry | {"what": "answer", "outcome": Outcome.UNANSWERED, "of": line})

    def count_lookup(self, provider: Provider) -> None:
        self._tallies[provider].lookups += 1

    def _append(self, entry: dict[str, Any]) -> int:
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
        if self._file is not None:
            os.write(self._file, line)
        self._text += line
        self._ends.append(len(self._text))
        return len(self._ends)

    def after(self, line: int) -> bytes:
        """The lines that follow `line`, as NDJSON."""
        return bytes(self._text[self._end_of(line) :])

    def latest(self, count: int) -> list[dict[str, Any]]:
        """The newest lines, newest first."""
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
