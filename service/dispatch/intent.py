"""An intent: a send that is committed to before anything leaves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from service.types import Medium, Outgoing
from service.values import value_type

StatusCallback: TypeAlias = Callable[[Medium, str], str | None]
"""Where a provider should report on the attempt with this token; None where it can not reach us."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Deadline < lease < first look-up: an intent is never looked for while it may still be sent."""

    deadline: timedelta
    lease: timedelta


@value_type
class Intent:
    """A send that is committed to: what to send, and what settling it will need."""

    clinic: str
    reminder: UUID
    fence: int
    tries: int
    media: str
    """Those of the step's channels that the clinic has a sender for, in order of preference, comma separated."""
    medium: Medium
    send_mode: str
    expires_at: datetime
    due_at: datetime
    started_at: datetime
    outgoing: Outgoing
    kept_for: str = ""
    """Why this message stays in the outbox although its channel is live, as a reason's code; empty: it is sent."""
