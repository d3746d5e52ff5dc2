"""What belongs to the platform and to no clinic."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Index, SQLModel

from service.store.tables.base import JSON
from service.types import Json


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


class ZoneRules(SQLModel, table=True):
    """The rules of a time zone by which plans were last made, as a digest. Of the platform: zones belong to nobody."""

    __tablename__ = "zone_rules"

    zone: str = Field(primary_key=True)
    digest: str


class PlatformKey(SQLModel, table=True):
    """A bearer key of the platform: it sets clinics up, and opens nothing of theirs. Only its SHA-256 is stored."""

    __tablename__ = "platform_key"

    prefix: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    scopes: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """Written at most once a minute."""
    successor: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The prefix of the key that took its place."""


class PlatformAnswer(SQLModel, table=True):
    """What was answered to a platform key's request with an Idempotency-Key: see KeptAnswer."""

    __tablename__ = "platform_answer"
    __table_args__ = (Index("ix_platform_answer_begun_at", "begun_at"),)

    key: str = Field(primary_key=True)
    idempotency_key: str = Field(primary_key=True)
    request: str
    status: int | None = None
    headers: Json = Field(default_factory=dict, sa_type=JSON)
    body: bytes = Field(default=b"", sa_type=sa.LargeBinary)
    begun_at: datetime
