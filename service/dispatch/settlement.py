"""What an outcome means, pure: the next state of the attempt and of its reminder, and what else follows."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from service.consent import other_media
from service.dispatch.intent import Intent
from service.types import (
    Accepted,
    AttemptState,
    Captured,
    FailureClass,
    Medium,
    OptedOut,
    Outcome,
    Rejected,
    ReminderState,
    Retry,
    SendMode,
    Unknown,
)
from service.values import value_type

_PAUSES_SENDER = frozenset({FailureClass.CREDENTIAL, FailureClass.ACCOUNT_CAP})
_MARKS_ADDRESS = frozenset({FailureClass.NOT_TEXTABLE, FailureClass.HANDSET_GONE, FailureClass.EMAIL_DEAD})
_STAYS_ON_CHANNEL = frozenset({FailureClass.CONTENT, FailureClass.EMAIL_REFUSED})
"""Failures after which the other channel is not tried: the words are at fault, or the client refused."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with full jitter: between none and `base` doubled each time, at most `cap`."""

    base: timedelta
    cap: timedelta

    def after(self, tries: int) -> timedelta:
        longest = min(self.cap, self.base * 2 ** min(tries - 1, 30))
        return timedelta(seconds=longest.total_seconds() * random.random())  # noqa: S311 - jitter, not a secret


@value_type
class Settlement:
    """What to write about one send."""

    attempt: AttemptState
    provider_id: str | None = None
    failure: str = ""
    code: str = ""
    look_up_at: datetime | None = None
    reminder: ReminderState | None = None
    """None: the reminder stays `sending` until the unknown outcome is resolved."""
    reason: str = ""
    medium: Medium | None = None
    """The other channel, where that is tried next."""
    due_at: datetime | None = None
    spent: bool = True
    """Whether this try counts; one that only met a shut door does not."""
    pauses_sender: bool = False
    shuts_sender_until: datetime | None = None
    """The provider asked this sender to wait: its lane starts nothing before then."""
    suppresses: bool = False
    marks_address: str = ""


def settle(
    intent: Intent, outcome: Outcome, now: datetime, *, backoff: Backoff, look_up_after: timedelta
) -> Settlement:
    """Decide what one outcome means. A further try always lies before the reminder's expiry."""
    match outcome:
        case Accepted(provider_id):
            return _done(intent, AttemptState.ACCEPTED, ReminderState.SENT, provider_id, now)
        case Captured():
            return _done(intent, AttemptState.CAPTURED, ReminderState.CAPTURED, None, now)
        case Retry(failure, code) | Rejected(failure, code) if failure in _PAUSES_SENDER:
            return _paused(intent, failure, code, now)
        case Retry(failure, code, after):
            wait = timedelta(seconds=after) if after is not None else backoff.after(intent.tries)
            asked = after is not None or failure is FailureClass.SENDER_SATURATED
            return _again(intent, failure, code, now + wait, shuts_until=now + wait if asked else None)
        case Rejected(failure, code):
            return _refused(intent, failure, code, now)
        case OptedOut(code):
            return _refused(intent, FailureClass.OPTED_OUT, code, now, suppresses=True)
        case Unknown(code):
            look_up_at = intent.started_at + look_up_after
            return Settlement(AttemptState.UNKNOWN, code=code, look_up_at=look_up_at)
        case _:
            assert_never(outcome)


def _done(
    intent: Intent, attempt: AttemptState, reminder: ReminderState, provider_id: str | None, now: datetime
) -> Settlement:
    """The message is out. A step that goes by all its channels now turns to the next."""
    later = other_media(intent.media, intent.medium) if intent.send_mode == SendMode.ALL else []
    if later:
        return Settlement(
            attempt,
            provider_id,
            reminder=ReminderState.SCHEDULED,
            reason="next-channel",
            medium=later[0],
            due_at=now,
        )
    return Settlement(attempt, provider_id, reminder=reminder, reason=intent.kept_for)


def _again(
    intent: Intent, failure: FailureClass, code: str, due_at: datetime, *, shuts_until: datetime | None
) -> Settlement:
    """Surely not sent: another try where there is time for one, else it comes too late."""
    in_time = due_at < intent.expires_at
    return Settlement(
        AttemptState.FAILED,
        failure=failure.value,
        code=code,
        reminder=ReminderState.SCHEDULED if in_time else ReminderState.EXPIRED,
        reason="retry" if in_time else "expired",
        due_at=due_at if in_time else None,
        shuts_sender_until=shuts_until,
    )


def _paused(intent: Intent, failure: FailureClass, code: str, now: datetime) -> Settlement:
    """The sender itself is refused: it pauses, and its reminders stay due, as if this had not been tried."""
    return Settlement(
        AttemptState.FAILED,
        failure=failure.value,
        code=code,
        reminder=ReminderState.SCHEDULED,
        reason="sender-paused",
        due_at=min(intent.due_at, now),
        spent=False,
        pauses_sender=True,
    )


def _refused(
    intent: Intent, failure: FailureClass, code: str, now: datetime, *, suppresses: bool = False
) -> Settlement:
    """Surely not sent, and never will be this way. The other channel is judged by its own consent when it starts."""
    later = [] if failure in _STAYS_ON_CHANNEL else other_media(intent.media, intent.medium)
    return Settlement(
        AttemptState.FAILED,
        failure=failure.value,
        code=code,
        reminder=ReminderState.SCHEDULED if later else ReminderState.FAILED,
        reason="other-channel" if later else failure.value,
        medium=later[0] if later else None,
        due_at=now if later else None,
        suppresses=suppresses,
        marks_address=failure.value if failure in _MARKS_ADDRESS else "",
    )
