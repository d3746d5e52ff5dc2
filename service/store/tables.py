"""Every table, as SQLModel classes; queries on hot paths use the Core tables beneath them.

Every clinic's table leads with `clinic`, and every foreign key is (clinic, id): the tenant is part of every key, so a
row can neither be found nor referred to from another clinic. Natural keys that the clinic's system gives (`client`,
`treatment`, `event`) are used as they are. Times are aware UTC. Columns that hold an enum store its string value.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, ForeignKeyConstraint, Index, SQLModel, UniqueConstraint

from service.types import Json

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMES

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _to(table: str, *columns: str, key: tuple[str, ...] = ("id",)) -> ForeignKeyConstraint:
    """A foreign key that carries the tenant: (clinic, columns) -> table(clinic, key)."""
    return ForeignKeyConstraint(["clinic", *columns], [f"{table}.clinic", *(f"{table}.{name}" for name in key)])


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the few rows that `where` names: it stays small however many rows the table holds."""
    return Index(name, *columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


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
    brand: Json = Field(default_factory=dict, sa_type=JSON)
    paused_at: datetime | None = None
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
    __table_args__ = (_partial("ix_sender_open", "next_due_at", where="paused_at IS NULL AND next_due_at IS NOT NULL"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: str = Field(primary_key=True)
    medium: str
    address: str = ""
    name: str = ""
    messaging_service: str = ""
    rate: float
    """Messages a second."""
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
    role: str
    created_at: datetime


class SignIn(SQLModel, table=True):
    """A sign-in link: works once, until it expires. Only its digest is stored."""

    __tablename__ = "sign_in"
    __table_args__ = (_to("staff", "staff"),)

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


class Client(SQLModel, table=True):
    """A person a clinic treats. A phone or email that cannot be used is kept as it came, beside the reason."""

    __tablename__ = "client"
    __table_args__ = (
        _partial("ix_client_phone", "clinic", "phone", where="phone IS NOT NULL"),
        _partial("ix_client_email", "clinic", "email", where="email IS NOT NULL"),
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
    sms_stopped_at: datetime | None = None
    email_stopped_at: datetime | None = None
    as_of: datetime
    """The `time` of the newest event that described this client; older ones change nothing."""


class Recipient(SQLModel, table=True):
    """A number or address, from its first mention on. Suppression outranks consent.

    Whoever takes consent away updates this row in the same transaction; whoever starts a send holds it FOR SHARE. So
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
    created_at: datetime


class Consent(SQLModel, table=True):
    """What a client said to one purpose by one medium. Absent: care follows the clinic's policy, the others are no."""

    __tablename__ = "consent"
    __table_args__ = (_to("client", "client", key=("ref",)),)

    clinic: str = Field(primary_key=True)
    client: str = Field(primary_key=True)
    medium: str = Field(primary_key=True)
    purpose: str = Field(primary_key=True)
    granted: bool
    source: str
    at: datetime


class Event(SQLModel, table=True):
    """What a clinic's system reported, once: the same key again must carry the same content (`digest`)."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_treatment", "clinic", "treatment"),
        _partial("ix_event_unmapped", "clinic", "received_at", where="state = 'unmapped'"),
    )

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    type: str
    time: datetime
    received_at: datetime
    digest: str
    body: Json = Field(sa_type=JSON)
    treatment: str
    state: str
    """`planned`, `unmapped` (the protocol is not known here yet) or `outdated` (something newer was known)."""


class Course(SQLModel, table=True):
    """A series of treatments of one client: what spans sessions. Its state follows from its treatments."""

    __tablename__ = "course"
    __table_args__ = (_to("client", "client", key=("ref",)), Index("ix_course_client", "clinic", "client"))

    clinic: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    client: str
    protocol: str
    area: str = ""
    created_at: datetime


class Treatment(SQLModel, table=True):
    """One visit, as the newest event about it says. Order is by version where given, else time, then event id."""

    __tablename__ = "treatment"
    __table_args__ = (
        _to("client", "client", key=("ref",)),
        _to("course", "course"),
        Index("ix_treatment_course", "clinic", "course"),
    )

    clinic: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    client: str
    course: str
    protocol: str
    kind: str
    session: int | None = None
    of: int | None = None
    area: str = ""
    location: str = ""
    provider: str = ""
    note: str = ""
    ended_at: datetime
    version: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Often a time in milliseconds."""
    as_of: datetime
    event_source: str
    event_id: str
    state: str
    """`planned` or `unmapped`."""


class Reminder(SQLModel, table=True):
    """The schedule itself: one message to come (or why not), unique by (clinic, treatment, step, occurrence)."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("clinic", "treatment", "step", "occurrence", name="uq_reminder_once"),
        _to("treatment", "treatment"),
        _to("client", "client", key=("ref",)),
        _partial("ix_reminder_lane", "clinic", "sender", "due_at", where="state = 'scheduled'"),
        _partial("ix_reminder_lease", "lease_until", where="state = 'sending'"),
        _partial("ix_reminder_expiry", "expires_at", where="state IN ('scheduled', 'sending')"),
        Index("ix_reminder_client", "clinic", "client", "due_at"),
    )

    clinic: str = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    treatment: str
    client: str
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
    updated_at: datetime


class Attempt(SQLModel, table=True):
    """One send: the intent, written before anything leaves, and everything learnt about its outcome."""

    __tablename__ = "attempt"
    __table_args__ = (
        _to("reminder", "reminder"),
        Index("ix_attempt_reminder", "clinic", "reminder"),
        _partial("ix_attempt_provider", "provider_id", where="provider_id IS NOT NULL"),
        _partial("ix_attempt_lease", "lease_until", where="state = 'sending'"),
        _partial("ix_attempt_unknown", "look_up_at", where="state = 'unknown'"),
        _partial("ix_attempt_open", "settled_at", where="state IN ('accepted', 'sent')"),
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
    __table_args__ = (_to("reminder", "reminder"), Index("ix_decision_reminder", "clinic", "reminder", "at"))

    clinic: str = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    reminder: UUID
    at: datetime
    code: str
    by: str
    detail: Json = Field(default_factory=dict, sa_type=JSON)


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


class ImportRun(SQLModel, table=True):
    """How far the import of one file got, committed with the events it took: a killed import goes on from here."""

    __tablename__ = "import_run"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    digest: str = Field(primary_key=True)
    line: int
    offset: int
    taken: int
    repeated: int
    rejected: int
    updated_at: datetime


class Worker(SQLModel, table=True):
    """A worker process and its last sign of life. Workers belong to the platform, not to a clinic."""

    __tablename__ = "worker"

    id: UUID = Field(primary_key=True)
    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None = None


class SchemaInfo(SQLModel, table=True):
    """Which schema this is, and the oldest code that may run on it."""

    __tablename__ = "schema_info"

    revision: int = Field(primary_key=True)
    minimum_code: str
    applied_at: datetime


def core(model: type[SQLModel]) -> sa.Table:
    """The Core table beneath a model."""
    table: Any = model.__table__  # type: ignore[attr-defined]
    assert isinstance(table, sa.Table)  # noqa: S101 - narrows the type for mypy
    return table
