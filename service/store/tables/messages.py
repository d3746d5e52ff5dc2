"""The schedule, and what became of it: reminders, attempts, decisions, and the words that were used."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from service.store.tables.base import JSON, partial, to
from service.types import Json


class Reminder(SQLModel, table=True):
    """The schedule itself: one message to come (or why not), unique by (clinic, treatment, step, occurrence)."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("treatment", "step", "occurrence", "clinic", name="uq_reminder_once"),
        to("treatment", "treatment"),
        partial("ix_reminder_lane", "clinic", "sender", "due_at", where="state = 'scheduled'"),
        partial("ix_reminder_urgent", "clinic", "sender", "expires_at", "due_at", where="state = 'scheduled'"),
        partial(
            "ix_reminder_trouble",
            "clinic",
            "updated_at",
            where="state IN ('needs_review', 'failed', 'undelivered', 'expired')",
        ),
        partial("ix_reminder_expiry", "expires_at", where="state IN ('scheduled', 'sending')"),
        Index("ix_reminder_client", "client", "clinic", "due_at"),
    )

    clinic: str = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    treatment: str
    client: str
    """The treatment's client."""
    step: str
    occurrence: int
    protocol: str
    purpose: str
    topic: str = ""
    media: str
    """The step's channels in order of preference, comma separated."""
    medium: str
    """The one whose turn it is."""
    sender: str | None = None
    """The lane; None while the clinic has no sender of this medium."""
    send_mode: str
    quiet: str
    if_unknown: str
    asks: Json | None = Field(default=None, sa_type=JSON)
    intended_at: datetime
    """The instant that the protocol names, before any deferral."""
    due_at: datetime
    expires_at: datetime
    zone: str
    local_time: str
    """The local wall time intended, kept so that changed zone rules can be followed: `2026-11-21T10:00`."""
    state: str
    reason: str = ""
    """Why it is in this state, as a stable code, where that needs saying."""
    by: str = "plan"
    """What settled it: `plan`, `worker` or `person`. Only what the plan settled may the plan change again."""
    tries: int = 0
    fence: int = 0
    lease_until: datetime | None = None
    called_off: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Why the plan wants it no longer, told while it was under way: no further send of it starts."""
    updated_at: datetime


class Attempt(SQLModel, table=True):
    """One send: the intent, written before anything leaves, and everything learnt about its outcome."""

    __tablename__ = "attempt"
    __table_args__ = (
        to("reminder", "reminder"),
        Index("ix_attempt_reminder", "reminder", "clinic"),
        partial("ix_attempt_provider", "provider_id", where="provider_id IS NOT NULL"),
        partial("ix_attempt_lease", "lease_until", where="state = 'sending'"),
        partial("ix_attempt_unknown", "look_up_at", where="state = 'unknown'"),
        partial("ix_attempt_open", "settled_at", where="state IN ('accepted', 'sent')"),
    )

    clinic: str = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    reminder: UUID
    token: str = Field(unique=True)
    fence: int
    medium: str
    sender: str
    recipient: str
    wording: str
    """The template version, a key of `wording`."""
    locale: str
    pinned: Json = Field(sa_type=JSON)
    """The values that the template read: with the wording they give the message again, word for word."""
    body_hash: str
    segments: int
    state: str
    provider_id: str | None = None
    failure: str = ""
    code: str = ""
    created_at: datetime
    lease_until: datetime
    settled_at: datetime | None = None
    receipt_at: datetime | None = None
    look_up_at: datetime | None = None
    evidence: Json | None = Field(default=None, sa_type=JSON)
    """How an unknown outcome was resolved: what was asked, when, and what came back."""


class Decision(SQLModel, table=True):
    """One line where something was decided about a reminder: skipped, deferred, cancelled, resolved, acted on."""

    __tablename__ = "decision"
    __table_args__ = (
        to("reminder", "reminder"),
        Index("ix_decision_reminder", "reminder", "clinic", "at"),
        partial("ix_decision_event", "event", "clinic", where="event IS NOT NULL"),
    )

    clinic: str = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    reminder: UUID
    at: datetime
    code: str
    by: str
    detail: Json = Field(default_factory=dict, sa_type=JSON)
    event: str | None = None
    """The event that decided it, as source and id, where one did."""


class Wording(SQLModel, table=True):
    """A template version that was used: kept so that what a client got can be shown for as long as the attempt is."""

    __tablename__ = "wording"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    version: str = Field(primary_key=True)
    protocol: str
    step: str
    medium: str
    locale: str
    source: str
    first_used_at: datetime
