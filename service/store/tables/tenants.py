"""Clinics, and what belongs to them: places, senders, staff, keys."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from service.store.tables.base import JSON, partial, to
from service.types import Json


class Clinic(SQLModel, table=True):
    """A tenant. `id` is its short name, as in `--clinic glow`."""

    __tablename__ = "clinic"

    id: str = Field(primary_key=True)
    name: str
    time_zone: str
    locale: str
    country: str
    address: str = ""
    phone: str = ""
    urgent_phone: str = ""
    booking_url: str = ""
    alert_email: str = ""
    care_consent: str = "assumed"
    """`assumed`: care messages need no recorded yes. `explicit`: they do."""
    quiet_start: str = "20:00"
    quiet_end: str = "09:00"
    quiet_email: bool = False
    sms_countries: list[str] = Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"})
    """Where its texts may go, as ISO codes; empty: to its own country."""
    caps: Json = Field(default_factory=dict, sa_type=JSON, sa_column_kwargs={"server_default": "{}"})
    """By purpose: at most `most` messages to a client within `days`; one that is not named: as the settings say."""
    forget_after_months: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Clients without a visit or an appointment for so long are erased; 0: nobody is."""
    brand: Json = Field(default_factory=dict, sa_type=JSON)
    words_stamp: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Grows whenever what is sent in this clinic's name changes: a publish, a hold, a confirmation."""
    paused_at: datetime | None = None
    """Since when nothing of this clinic is started: its senders are paused with it, for the reason `clinic-paused`."""
    created_at: datetime


class Location(SQLModel, table=True):
    __tablename__ = "location"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: str = Field(primary_key=True)
    name: str
    time_zone: str = ""
    address: str = ""
    phone: str = ""
    urgent_phone: str = ""
    booking_url: str = ""


class Sender(SQLModel, table=True):
    """A lane: the number or address that one clinic's messages of one medium come from.

    `next_due_at` is never later than the earliest scheduled reminder of the lane (None: nothing is scheduled), and a
    lane without a token is shut until `open_at`: so idle, paused and exhausted lanes cost a pass nothing. `tokens` is
    the rate bucket that all workers share, as of `tokens_at`.
    """

    __tablename__ = "sender"
    __table_args__ = (partial("ix_sender_open", "next_due_at", where="paused_at IS NULL AND next_due_at IS NOT NULL"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: str = Field(primary_key=True)
    medium: str
    address: str = ""
    name: str = ""
    messaging_service: str = ""
    rate: float
    """Messages a second."""
    daily_cap: int | None = None
    """Segments (letters, by email) in the 24 hours from the first of them; None: as many as come."""
    day_began_at: datetime | None = None
    day_spent: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Segments since `day_began_at`."""
    tokens: float
    tokens_at: datetime
    next_due_at: datetime | None = None
    open_at: datetime
    """Not before this instant: when the next token comes, or a saturated sender may be tried again."""
    turn_at: datetime
    """When this lane last had its turn; the one that waited longest goes first."""
    paused_at: datetime | None = None
    paused_reason: str = ""


class Staff(SQLModel, table=True):
    __tablename__ = "staff"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: str = Field(primary_key=True)
    """A short name, like `grace`."""
    name: str = Field(default="", sa_column_kwargs={"server_default": ""})
    role: str
    """`owner`, `editor` or `viewer`."""
    created_at: datetime
    signed_out_at: datetime | None = None
    """Whoever came in before then is out, on every device."""


class SignIn(SQLModel, table=True):
    """A sign-in link: works once, until it expires. Only its digest is stored."""

    __tablename__ = "sign_in"
    __table_args__ = (to("staff", "staff"),)

    clinic: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    staff: str
    expires_at: datetime
    used_at: datetime | None = None


class ApiKey(SQLModel, table=True):
    """A bearer key. Only its SHA-256 is stored: 256 random bits need no slow hash."""

    __tablename__ = "api_key"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    prefix: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    scopes: str
    """Space separated, as in OAuth."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """Written at most once a minute."""
    successor: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The prefix of the key that took its place."""
