"""The ledger's lines: what was done with each request, kept as it is and worded only when somebody reads it."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


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


class Message(Protocol):
    """What a line is about: a text or a letter, also one that was not taken."""

    @property
    def to(self) -> str: ...
    @property
    def origin(self) -> str:
        """The number, messaging service or address that the client sent from."""

    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def digest(self) -> str:
        """SHA-256 of all its words, as hexadecimal."""

    @property
    def likeness(self) -> int:
        """The same for the same words to the same person."""

    @property
    def attempt(self) -> str | None:
        """The caller's own token."""


class Line(NamedTuple):
    """What was done with one request.

    `what` is `send`, or for look-ups that were refused or faulted `fetch` or `list`; `told` a status, `reset` or
    `silence`; `id` what the provider calls the message, empty where it was not taken.
    """

    at: datetime
    provider: Provider
    what: str
    outcome: Outcome
    told: str
    id: str
    message: Message
    fault: str | None
    code: str | None

    def as_json(self, number: int) -> dict[str, Any]:
        message = self.message
        return {
            "n": number,
            "at": self.at,
            "provider": self.provider,
            "what": self.what,
            "outcome": self.outcome,
            "id": self.id,
            "to": message.to,
            "from": message.origin,
            "fault": self.fault,
            "told": self.told,
            "code": self.code,
            "attempt": message.attempt,
            "subject": message.subject,
            "body": message.body,
            "body_hash": message.digest,
        }


class Unanswered(NamedTuple):
    """The client of line `of` did not wait for its answer."""

    at: datetime
    provider: Provider
    of: int

    def as_json(self, number: int) -> dict[str, Any]:
        told = {"n": number, "at": self.at, "provider": self.provider}
        return told | {"what": "answer", "outcome": Outcome.UNANSWERED, "of": self.of}


def digest_of(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
