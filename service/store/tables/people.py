"""Clients, how they are reached, and what they agreed to."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from service.store.tables.base import JSON, partial, to
from service.types import Json


class Client(SQLModel, table=True):
    """A person a clinic treats. A phone or email that cannot be used is kept as it came, beside the reason."""

    __tablename__ = "client"
    __table_args__ = (
        partial("ix_client_phone", "clinic", "phone", where="phone IS NOT NULL"),
        partial("ix_client_email", "clinic", "email", where="email IS NOT NULL"),
    )

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    ref: str = Field(primary_key=True)
    first_name: str = ""
    phone: str | None = None
    phone_given: str = ""
    phone_problem: str = ""
    email: str | None = None
    email_given: str = ""
    email_problem: str = ""
    time_zone: str = ""
    locale: str = ""
    locale_chosen: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The language that the client chose on their own page; it outranks what events say. Empty: none was chosen."""
    paused_until: datetime | None = None
    """Nothing is sent before then: the client asked for a pause."""
    sms_stopped_at: datetime | None = None
    email_stopped_at: datetime | None = None
    as_of: datetime
    """The `time` of the newest event that described this client; older ones change nothing that it told."""
    as_of_event: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """That event's source and id: of two of the same time, the greater counts."""
    told: Json = Field(default_factory=dict, sa_type=JSON, sa_column_kwargs={"server_default": "{}"})
    """By field, the time and event that told it, where that is not the newest event."""
    has_booked: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    """Whether an appointment was ever booked: of most clients there is none to look for."""
    erased_at: datetime | None = None
    """Its personal data is gone, and no event brings any back."""


class Recipient(SQLModel, table=True):
    """A number or address, from its first mention on. Suppression outranks consent.

    Whoever takes consent away updates this row in the same transaction; whoever starts a send holds it. So
    after a STOP has committed there is no new intent.
    """

    __tablename__ = "recipient"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    medium: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    suppressed_at: datetime | None = None
    suppressed_reason: str = ""
    unusable_at: datetime | None = None
    unusable_reason: str = ""
    shared: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    """A number that several clients were seen to have: of these every start counts the texts."""
    created_at: datetime


class Consent(SQLModel, table=True):
    """What a client said to one purpose by one medium. Absent: care follows the clinic's policy, the others are no.

    `source` tells who wrote it down: `client` where the client did so on their own page. What the client withdrew there
    no event gives back.
    """

    __tablename__ = "consent"
    __table_args__ = (to("client", "client", key=("ref",)),)

    clinic: str = Field(primary_key=True)
    client: str = Field(primary_key=True)
    medium: str = Field(primary_key=True)
    purpose: str = Field(primary_key=True)
    granted: bool
    source: str
    by_owner: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    """The client withdrew it by a link that had come to this very number or mailbox: no other link gives it back."""
    at: datetime
