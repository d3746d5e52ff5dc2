"""What follows when a provider reports that a message did not arrive: the table of failures as code, pure.

Never asked after an unknown outcome: only a report or the provider's records say that something failed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from service.types import FailureClass, Medium, ReminderState

SUPPRESSES = frozenset({FailureClass.OPTED_OUT, FailureClass.EMAIL_REFUSED})
"""The client wants nothing more at this address."""
MARKS = frozenset({FailureClass.NOT_TEXTABLE, FailureClass.HANDSET_GONE, FailureClass.EMAIL_DEAD})
"""The address takes no messages."""
PAUSES = frozenset({FailureClass.CREDENTIAL, FailureClass.ACCOUNT_CAP})
"""Not the message but its sender is refused."""

_LATER_TRIES = 2
_PATIENT = frozenset({FailureClass.SENDER_SATURATED, FailureClass.NOT_PROCESSED, FailureClass.EMAIL_LATER})
_STAYS = frozenset({FailureClass.CONTENT, FailureClass.EMAIL_REFUSED})
"""The words are at fault, or the client refused: the other channel would not be right either."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that did not arrive, and what may be done about it."""

    failure: FailureClass | None
    """None: the provider gave no reason that is listed."""
    as_state: ReminderState
    """`undelivered` or `failed`: where the reminder ends if nothing more is done."""
    times: int
    """How many of the reminder's attempts by this medium failed in this way, this one included."""
    other: Medium | None
    """A channel after this one that may be used: sender, address and consent are there."""
    now: datetime
    expires_at: datetime
    wanted: bool = True
    """The plan still wants it sent."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """By the same channel, at `due_at`."""

    due_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Switch:
    """By the other channel, now."""

    medium: Medium
    reason: str = "other-channel"


@dataclass(frozen=True, slots=True)
class GiveUp:
    state: ReminderState
    reason: str


Consequence: TypeAlias = TryAgain | Switch | GiveUp


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait before trying again."""

    handset: timedelta = timedelta(hours=1)
    """A phone that is off, a mail server that says no for now."""
    sender: timedelta = timedelta(minutes=5)
    """A sender with too much to send."""


def consequence(failed: Failed, waits: Waits) -> Consequence:
    """What to do about a message that did not arrive. Whatever is tried is tried before the expiry."""
    end = GiveUp(failed.as_state, failed.failure.value if failed.failure else failed.as_state.value)
    if failed.now >= failed.expires_at or not failed.wanted:
        return end
    switch = Switch(failed.other) if failed.other else None
    later = _later(failed, waits.handset)
    match failed.failure:
        case FailureClass.HANDSET_FOR_NOW:
            return later or switch or end
        case FailureClass.EMAIL_BLOCKED:
            return switch or later or end
        case FailureClass.ACCOUNT_CAP if next_day(failed.now) >= failed.expires_at:
            return switch or TryAgain(failed.now, "sender-paused")
        case failure if failure in PAUSES:
            return TryAgain(failed.now, "sender-paused")
        case failure if failure in _PATIENT:
            due_at = failed.now + waits.sender
            return TryAgain(due_at, "try-later") if due_at < failed.expires_at else switch or end
        case failure if failure in _STAYS:
            return end
        case _:
            return switch or end


def _later(failed: Failed, wait: timedelta) -> TryAgain | None:
    due_at = failed.now + wait
    if failed.times > _LATER_TRIES or due_at >= failed.expires_at:
        return None
    return TryAgain(due_at, "try-later")


def next_day(now: datetime) -> datetime:
    """When a provider's daily limit is lifted."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
