"""What providers report before we can place it, and what we watch of providers: senders, refused words, silence."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Index, SQLModel

from service.store.tables.base import partial, to


class ParkedReceipt(SQLModel, table=True):
    """A receipt about an attempt that is not known (yet). It names no clinic: which one, only its attempt can tell.

    `id` follows from what it says, so that repeats of it are one row.
    """

    __tablename__ = "parked_receipt"
    __table_args__ = (Index("ix_parked_receipt_age", "parked_at"),)

    id: str = Field(primary_key=True)
    token: str
    provider_id: str
    state: str
    failure: str = ""
    code: str = ""
    at: datetime | None = None
    parked_at: datetime


class RefusedWords(SQLModel, table=True):
    """An attempt whose words a carrier refused, kept for as long as refusals are counted."""

    __tablename__ = "refused_words"
    __table_args__ = (Index("ix_refused_words_age", "at"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    wording: str = Field(primary_key=True)
    attempt: UUID = Field(primary_key=True)
    at: datetime


class SenderWatch(SQLModel, table=True):
    """What is known of a sender's provider beside the lane itself, which stays narrow."""

    __tablename__ = "sender_watch"
    __table_args__ = (
        to("sender", "sender"),
        partial("ix_sender_watch_trouble", "look_at", where="trouble != ''"),
        partial("ix_sender_watch_check", "check_since", where="check_since IS NOT NULL"),
    )

    clinic: str = Field(primary_key=True)
    sender: str = Field(primary_key=True)
    heard_at: datetime | None = None
    """When a report about one of its messages last came, give or take ten seconds."""
    trouble: str = ""
    """The class of failure that paused it, until a message is taken again."""
    trouble_since: datetime | None = None
    probes: int = 0
    """How often it was let go on to see whether the trouble is over."""
    look_at: datetime | None = None
    """When to look at it next: to let it go on, or, where it sends again, to call the trouble over."""
    check_since: datetime | None = None
    """Its provider's list from then on is to be compared with our attempts before it sends again."""
    texts_until: datetime | None = None
    """Texts that were written to it before then have been asked for, should one not have reached us."""


class Poll(SQLModel, table=True):
    """How far missed statuses have been asked for: one row for each age at which that is done."""

    __tablename__ = "poll"

    age: int = Field(primary_key=True)
    """Seconds since an attempt was settled."""
    settled_at: datetime
    attempt: UUID
    """All attempts up to this one, in order of (settled_at, id), have been asked about at this age."""
