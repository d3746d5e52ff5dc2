"""What belongs to the platform and to no clinic."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel


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
