"""What guards people's data and clinics' bills: who did what, how far forgetting got, which numbers came."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Index, SQLModel

from service.store.tables.base import JSON


class Audit(SQLModel, table=True):
    """Somebody read or changed personal data, words or rules. Rows are added, never changed, and go by age alone.

    Ids and codes only: what was read or written stands in the tables that they name.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_client", "client", "clinic", "id"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    id: UUID = Field(primary_key=True)
    """In order of time."""
    at: datetime
    who: str
    """`staff:owner`, `key:ac_1f2e3d4c`, `command:deploy`, or `event:` with its source and id."""
    act: str
    """A code of `service.audit.Deed`."""
    about: str = ""
    """The id of what it was done to, where that is not the client."""
    client: str = ""
    """Whose data it was; empty where it was nobody's."""


class RetentionMark(SQLModel, table=True):
    """How far forgetting by age got with one kind of a clinic's data."""

    __tablename__ = "retention_mark"
    __table_args__ = (Index("ix_retention_mark_due", "look_at"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    kind: str = Field(primary_key=True)
    reached: list[str] = Field(default_factory=list, sa_type=JSON)
    """The key of the last row that was looked at, after the clinic; empty: it begins anew."""
    look_at: datetime


class NumberText(SQLModel, table=True):
    """A text that its number's present clients do not show: to one who had the number then, or to staff.

    Kept for as long as texts to a number are counted, without the number.
    """

    __tablename__ = "number_text"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    digest: str = Field(primary_key=True)
    """Of the number, keyed by the house's secret."""
    id: UUID = Field(primary_key=True)
    """The reminder's; of texts to staff their own."""
    at: datetime


class NumberBlock(SQLModel, table=True):
    """How many numbers of one block (all but the last four digits) became known to a clinic within an hour."""

    __tablename__ = "number_block"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    block: str = Field(primary_key=True)
    since: datetime
    """When the hour began."""
    numbers: int
