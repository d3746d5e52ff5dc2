"""What clients write to us, and what a clinic's staff must hear of."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from service.store.tables.base import JSON, partial, to
from service.types import Json


class Reply(SQLModel, table=True):
    """A text that came in. `address` and `text` are personal: erasing blanks them and keeps the row.

    The row outlives its words because `provider_id` is how the same message is known when it is posted again.
    """

    __tablename__ = "reply"
    __table_args__ = (
        UniqueConstraint("provider_id", "clinic", name="uq_reply_once"),
        to("client", "client", key=("ref",)),
        to("reminder", "reminder"),
        Index("ix_reply_client", "client", "clinic", "received_at"),
        Index("ix_reply_address", "address", "clinic"),
    )

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: UUID = Field(primary_key=True)
    provider_id: str
    sender: str
    """Which of the clinic's senders it was written to."""
    address: str
    text: str
    media: int
    """How many pictures or other files came with it: they stay at the provider."""
    kind: str
    """`opt-out`, `opt-in`, `help` or `answer`: see `replies.reading`."""
    more: bool
    """It says something that staff must read, whatever else it is."""
    client: str | None = None
    """None: nobody has this number here, or several clients do and nothing tells which of them wrote."""
    reminder: UUID | None = None
    """The question that it answers."""
    received_at: datetime


class Alert(SQLModel, table=True):
    """What staff must hear of, by email to the clinic's alert address: kept until it was sent."""

    __tablename__ = "alert"
    __table_args__ = (
        partial("uq_alert_waiting", "clinic", "kind", "about", where="sent_at IS NULL", unique=True),
        partial("ix_alert_due", "due_at", where="sent_at IS NULL"),
        Index("ix_alert_about", "about", "kind", "clinic"),
    )

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: UUID = Field(primary_key=True)
    kind: str
    about: str
    """What it is about: the id of a reply, of a sender."""
    detail: Json = Field(default_factory=dict, sa_type=JSON)
    """Codes and counts for its words; never words of a client: those are read from the reply when it is sent."""
    created_at: datetime
    due_at: datetime
    """When to try next; while a worker tries, when another may."""
    tries: int
    code: str = ""
    """Why the last try failed; empty before the first and after success."""
    sent_at: datetime | None = None
