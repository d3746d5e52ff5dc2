"""What every channel does, and the values it is asked with. Nothing here knows a provider."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from service import clock
from service.errors import Forbidden, Problem
from service.types import FailureClass, Found, Medium, Outcome, Outgoing, Receipt, Retry, SenderAddress


@dataclass(frozen=True, slots=True)
class LookUp:
    """Which message to look for in a provider's records."""

    to: str = field(repr=False)
    """E.164 number or email address."""
    sender: SenderAddress
    since: datetime
    """Aware UTC; messages created before it are not of interest. Allow for the provider's clock."""
    until: datetime


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """What a provider posted to us."""

    url: str
    """As configured publicly, with the query: signatures are made over it, not over what a proxy shows us."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in any case."""
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The header's value, empty where it is missing."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text message that a client wrote to one of our senders."""

    provider_id: str
    sender: str = field(repr=False)
    """Who wrote: an E.164 number."""
    to: str
    """Which of our numbers it was written to."""
    text: str = field(repr=False)
    messaging_service: str = ""
    handled_keyword: str = ""
    """`STOP`, `START` or `HELP` where the provider acted on it itself and has answered the client; else empty."""
    media: int = 0
    """How many pictures or other files came with it; they stay at the provider."""
    at: datetime | None = None
    """When it was written, where it is told late; None: just now."""


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What a provider is answered."""

    body: bytes = field(repr=False)
    media_type: str


class Channel(Protocol):
    """One provider, one medium."""

    name: str
    medium: Medium

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hands the message to the provider, once, and says what came of it.

        Failures of network and provider are outcomes, never exceptions. Cancelling it leaves the outcome unknown.
        """

    async def look_up(self, query: LookUp) -> list[Found] | None:
        """What the provider's records show: every match, or None where this provider keeps none that can be asked.

        Raises `Unavailable` (`look-up-failed`, `look-up-too-long`) where the records could not be read to their end:
        then nothing may be concluded.
        """

    def status_of(self, request: CallbackRequest, now: datetime) -> list[Receipt]:
        """What a status callback reports; empty where it is about nothing that we follow.

        Raises `Forbidden` (`bad-signature`) unless the provider surely wrote it, `BadInput` (`unreadable-callback`)
        where it did and still cannot be read.
        """


@runtime_checkable
class KeepsRecords(Protocol):
    """A channel whose provider can be asked about every message it has sent."""

    async def fetch(self, provider_id: str) -> Found | None:
        """How this message stands now; None where the provider has none of this id.

        Raises `Unavailable` (`look-up-failed`).
        """

    def sent_since(self, sender: SenderAddress, since: datetime) -> AsyncIterator[list[Found]]:
        """All messages that were sent from this sender since then, page by page.

        Raises `Unavailable` (`look-up-failed`) where they could not be read to the end.
        """


@runtime_checkable
class HearsReplies(Protocol):
    """A channel on which clients can answer."""

    def inbound(self, request: CallbackRequest) -> InboundText:
        """The text that a client sent; raises like `status_of`."""

    def heard_since(self, sender: SenderAddress, since: datetime) -> AsyncIterator[list[InboundText]]:
        """All texts that were written to this number since then, page by page.

        Raises `Unavailable` (`look-up-failed`) where they could not be read to the end.
        """

    def answer(self, text: str) -> CallbackAnswer:
        """What to answer the provider who told of a client's text: `text` for the client, or nothing where empty."""


def too_late(start_before: float) -> Retry | None:
    """The outcome of a send that may no longer start, else None. Ask right before the first byte."""
    if clock.monotonic() <= start_before:
        return None
    return Retry(FailureClass.NOT_PROCESSED, "send-deadline-passed")


def bad_signature(why: str) -> Forbidden:
    return Forbidden(Problem("bad-signature", "", f"This callback is not taken: {why}."))
