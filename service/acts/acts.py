"""The acts as values, and who performs them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class Verdict(StrEnum):
    """What a person knows about a send whose outcome is in doubt, and wants."""

    SENT = "sent"
    SEND_AGAIN = "send-again"
    """It was not sent: send it."""
    GIVE_UP = "give-up"
    """It was not sent: leave it at that."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Not to be sent, whatever is planned from now on."""

    name = "cancel"


@dataclass(frozen=True, slots=True)
class Move:
    """To be sent at another time."""

    to: datetime
    """One that names no offset is the client's local time."""
    name = "move"


@dataclass(frozen=True, slots=True)
class SendNow:
    """Due at once; all that is checked before a send is checked still."""

    name = "send-now"


@dataclass(frozen=True, slots=True)
class Retry:
    """To be tried once more, after it did not go out or did not arrive."""

    name = "retry"


@dataclass(frozen=True, slots=True)
class Resolve:
    """Settle whether it went out, where neither the provider's answer nor its records could tell."""

    verdict: Verdict
    name = "resolve"


Act: TypeAlias = Cancel | Move | SendNow | Retry | Resolve


@dataclass(frozen=True, slots=True)
class Who:
    """A person, as far as we know: a member of staff, the holder of a key, or someone at the command line."""

    kind: str
    """`staff`, `key` or `command`."""
    id: str = ""
    """The staff id; of a key its prefix."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind
