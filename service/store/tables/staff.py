"""Where a clinic's staff are reached, and what is sent to them there: never to a client, and counted as no reminder."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Index, SQLModel

from service.store.tables.base import JSON, partial, to
from service.types import Json


class StaffAddress(SQLModel, table=True):
    """A staff member's number or address. What its owner has not confirmed is sent nothing but the code for that."""

    __tablename__ = "staff_address"
    __table_args__ = (to("staff", "staff"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    staff: str = Field(primary_key=True)
    medium: str = Field(primary_key=True)
    address: str
    confirmed_at: datetime | None = None
    proof: str = ""
    """How the code that confirmed it had gone: `sent`, or `captured` in the outbox, which proves nothing to others."""
    code_digest: str = ""
    """Of the code that is waited for; empty: none is."""
    code_expires_at: datetime | None = None
    code_tries: int = 0


class StaffMessage(SQLModel, table=True):
    """A code or a test message: kept until it went, and for 30 days after. Codes are blanked once they have left.

    It outlives its member of staff, without its words: limits would begin anew with them otherwise.
    """

    __tablename__ = "staff_message"
    __table_args__ = (
        partial("ix_staff_message_due", "due_at", where="settled_at IS NULL"),
        Index("ix_staff_message_staff", "staff", "clinic", "created_at"),
    )

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: UUID = Field(primary_key=True)
    staff: str
    medium: str
    kind: str
    """`code` or `test`."""
    recipient: str
    """The address as it was when this was asked for; it is sent there only while that is the staff member's own."""
    subject: str = ""
    text: str
    html: str = ""
    about: Json = Field(default_factory=dict, sa_type=JSON)
    """Of a test: which words it is made of, by key and number."""
    asked_by: str
    created_at: datetime
    due_at: datetime
    """When to try next; while a worker tries, when another may."""
    expires_at: datetime
    """Not sent any more from then on."""
    tries: int = 0
    state: str = "waiting"
    """`waiting`, `sent`, `captured` or `failed`."""
    code: str = ""
    """Why it failed, or was not taken the last time."""
    settled_at: datetime | None = None
