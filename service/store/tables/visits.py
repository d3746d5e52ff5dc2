"""What was reported: events, courses, treatments; and how far an import got."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Index, SQLModel

from service.store.tables.base import JSON, partial, to
from service.types import Json


class Event(SQLModel, table=True):
    """What a clinic's system reported, once: the same key again must carry the same content (`digest`)."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_treatment", "treatment", "clinic"),
        Index("ix_event_client", "client", "clinic"),
        partial("ix_event_unmapped", "clinic", "received_at", where="state = 'unmapped'"),
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
    """Empty where it is about none."""
    client: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Who it is about; empty where that was not known."""
    state: str
    """What became of it: see `intake.answer.Standing`."""


class Course(SQLModel, table=True):
    """A series of treatments of one client: what spans sessions. Its state follows from its treatments."""

    __tablename__ = "course"
    __table_args__ = (to("client", "client", key=("ref",)), Index("ix_course_client", "client", "clinic"))

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
        to("client", "client", key=("ref",)),
        to("course", "course"),
        Index("ix_treatment_course", "course", "clinic"),
        Index("ix_treatment_client", "client", "clinic", "ended_at"),
        partial("ix_treatment_recent", "clinic", "ended_at", where="state = 'planned'"),
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
    """`planned`, `unmapped`, `voided`, or `other-client`: what was planned for a client whose treatment it was not."""


class ImportRun(SQLModel, table=True):
    """How far the import of one file got, written right after the events it took: a killed import goes on from here.

    What was taken but not noted yet is taken again, and recognised.
    """

    __tablename__ = "import_run"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    digest: str = Field(primary_key=True)
    line: int
    offset: int = Field(sa_type=sa.BigInteger)
    taken: int
    repeated: int
    rejected: int
    updated_at: datetime


class Replan(SQLModel, table=True):
    """A client whose courses are to be planned anew: what their plans stood on has changed, and no event said so."""

    __tablename__ = "replan"
    __table_args__ = (to("client", "client", key=("ref",)),)

    clinic: str = Field(primary_key=True)
    client: str = Field(primary_key=True)
    since: datetime
