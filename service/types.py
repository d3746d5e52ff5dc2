"""The words of the trade as types: what every room means by a channel, a purpose, a reminder, an outcome.

Nothing here does anything. Values are frozen; enums are strings, so they read the same in code, rows and JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from service.values import value_type

Json: TypeAlias = dict[str, Any]


class Medium(StrEnum):
    """How a message reaches a client. A channel (Twilio, SendGrid, the outbox) carries one medium."""

    SMS = "sms"
    EMAIL = "email"


MEDIA: Mapping[str, Medium] = {medium.value: medium for medium in Medium}
"""By value: a tenth of the time that calling the enum takes."""


class Purpose(StrEnum):
    """Why a message is sent; consent and frequency caps are by purpose."""

    CARE = "care"
    REBOOK = "rebook"
    REVIEW = "review"


PURPOSES: Mapping[str, Purpose] = {purpose.value: purpose for purpose in Purpose}


class Kind(StrEnum):
    """What sort of visit a treatment was: one of a series, upkeep after it, or on its own."""

    SESSION = "session"
    MAINTENANCE = "maintenance"
    SINGLE = "single"


class ReminderState(StrEnum):
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CAPTURED = "captured"
    NEEDS_REVIEW = "needs_review"


class AttemptState(StrEnum):
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    CAPTURED = "captured"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` messages to one client within `within`."""

    most: int
    within: timedelta


class Quiet(StrEnum):
    """What a step does when its time falls in quiet hours."""

    DEFER = "defer"
    IGNORE = "ignore"


class SendMode(StrEnum):
    """`first`: the first usable channel, the next is the fallback. `all`: each usable channel, one after the other."""

    FIRST = "first"
    ALL = "all"


class IfUnknown(StrEnum):
    """What to do when a provider's answer was lost and its records do not show the message."""

    RESEND_IF_ABSENT = "resend_if_absent"
    HOLD = "hold"


class FailureClass(StrEnum):
    """What a provider's error means, whatever its code: the class decides what happens next."""

    NOT_PROCESSED = "not_processed"
    SENDER_SATURATED = "sender_saturated"
    ACCOUNT_CAP = "account_cap"
    HANDSET_FOR_NOW = "handset_for_now"
    HANDSET_GONE = "handset_gone"
    NOT_TEXTABLE = "not_textable"
    OPTED_OUT = "opted_out"
    ROUTE = "route"
    CONTENT = "content"
    CREDENTIAL = "credential"
    MALFORMED = "malformed"
    EMAIL_LATER = "email_later"
    EMAIL_DEAD = "email_dead"
    EMAIL_BLOCKED = "email_blocked"
    EMAIL_REFUSED = "email_refused"


@value_type
class Sms:
    """A rendered text message."""

    text: str = field(repr=False)
    segments: int
    encoding: str
    """`GSM-7` or `UCS-2`."""


@value_type
class Email:
    """A rendered letter: one subject line, the hidden preview line, and both bodies."""

    subject: str = field(repr=False)
    preheader: str = field(repr=False)
    html: str = field(repr=False)
    text: str = field(repr=False)


Message: TypeAlias = Sms | Email


@value_type
class Outgoing:
    """One attempt, ready for a channel: what to send, to whom, from which sender, and until when it may start."""

    attempt: UUID
    token: str
    """Unguessable; names this attempt in callbacks."""
    to: str = field(repr=False)
    """E.164 number or email address."""
    sender: "SenderAddress"
    message: Message
    start_before: float
    """On `clock.monotonic()`: no first byte after this instant."""
    useful_for: float
    """Seconds after which the message is no longer worth delivering."""
    status_callback: str | None = None
    unsubscribe_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SenderAddress:
    """Who a message comes from. A sender belongs to one clinic and carries one medium."""

    clinic: str
    sender: str
    medium: Medium
    address: str
    """E.164 number or email address; empty where a messaging service chooses the number."""
    name: str = ""
    messaging_service: str = ""


@value_type
class Accepted:
    """The provider took the message and gave it an id."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Captured:
    """The outbox kept the message; nothing left the house."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Surely not sent, and worth another try after `after` seconds (None: our own backoff)."""

    failure: FailureClass
    code: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Surely not sent, and the same request would fail again."""

    failure: FailureClass
    code: str


@dataclass(frozen=True, slots=True)
class OptedOut:
    """The provider refuses because the recipient opted out there."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message may have gone: the answer was lost, late or unreadable."""

    code: str


Outcome: TypeAlias = Accepted | Captured | Retry | Rejected | OptedOut | Unknown


@dataclass(frozen=True, slots=True)
class Found:
    """What a provider's records show of a message whose answer was lost."""

    provider_id: str
    state: AttemptState
    created_at: datetime
    to: str = field(repr=False)
    code: str | None = None
    failure: FailureClass | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider reported later about a message it had accepted."""

    provider_id: str
    state: AttemptState
    at: datetime | None
    token: str | None = None
    failure: FailureClass | None = None
    code: str | None = None
    event_id: str | None = None
    """The provider's id of this report, where it has one: repeats carry the same."""
    extra: Json = field(default_factory=dict)
