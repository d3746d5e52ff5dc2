"""What is reported beside treatments: visits to come, and treatments that were taken back."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Index, SQLModel

from service.store.tables.base import to


class Appointment(SQLModel, table=True):
    """A visit to come: the newest booking and the newest cancellation of it, whichever came first.

    It stands where it was booked and no newer word cancels it. One that was only cancelled so far has no client yet.
    """

    __tablename__ = "appointment"
    __table_args__ = (to("client", "client", key=("ref",)), Index("ix_appointment_client", "client", "clinic"))

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: str = Field(primary_key=True)
    client: str | None = None
    course: str = ""
    """The course that it continues, where the clinic named one; else its protocol and area say which."""
    protocol: str = ""
    area: str = ""
    starts_at: datetime | None = None
    booked_version: int | None = Field(default=None, sa_type=sa.BigInteger)
    booked_at: datetime | None = None
    """The `time` of the newest event that booked or moved it."""
    booked_by: str = ""
    """That event's id."""
    cancelled_version: int | None = Field(default=None, sa_type=sa.BigInteger)
    cancelled_at: datetime | None = None
    cancelled_by: str = ""


class Void(SQLModel, table=True):
    """A treatment was taken back: the newest word that says so. It may come before the treatment itself."""

    __tablename__ = "void"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    treatment: str = Field(primary_key=True)
    version: int | None = Field(default=None, sa_type=sa.BigInteger)
    as_of: datetime
    event_id: str


class ServiceCode(SQLModel, table=True):
    """What a clinic's own code of a service means: which protocol."""

    __tablename__ = "service_code"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    code: str = Field(primary_key=True)
    protocol: str
