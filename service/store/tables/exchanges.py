"""What passed between us and a clinic's system, for as long as either needs it: refused events, answers kept."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Index, SQLModel

from service.store.tables.base import JSON
from service.types import Json


class Refusal(SQLModel, table=True):
    """An event that was not taken, and why: codes and places, nothing of what it said. The same again is counted."""

    __tablename__ = "refusal"
    __table_args__ = (Index("ix_refusal_last_at", "last_at"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    digest: str = Field(primary_key=True)
    """Of all that is kept of it but the times."""
    source: str
    event: str
    """As the event called itself; empty where it did not."""
    type: str
    problems: list[Json] = Field(sa_type=JSON)
    """Each a code and a place."""
    first_at: datetime
    last_at: datetime
    times: int


class KeptAnswer(SQLModel, table=True):
    """What was answered to a request with an Idempotency-Key, for a day: the same request is answered the same."""

    __tablename__ = "kept_answer"
    __table_args__ = (Index("ix_kept_answer_begun_at", "begun_at"),)

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    key: str = Field(primary_key=True)
    """Which bearer key asked: one that may do less is never shown the answer."""
    idempotency_key: str = Field(primary_key=True)
    request: str
    """SHA-256 of method, path, query and body."""
    status: int | None = None
    """None: it is being worked on."""
    headers: Json = Field(default_factory=dict, sa_type=JSON)
    body: bytes = Field(default=b"", sa_type=sa.LargeBinary)
    begun_at: datetime
