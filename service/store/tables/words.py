"""The words that clinics make their own: every version that was ever saved, which one is sent, what is held back."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from service.store.tables.base import JSON


class TemplateVersion(SQLModel, table=True):
    """One saved version of a message's words in one language. Rows are added, never changed: this is the history."""

    __tablename__ = "template_version"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    protocol: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    medium: str = Field(primary_key=True)
    locale: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    """1, 2, 3 and so on for each message and language: also its ETag."""
    kind: str
    """`draft`, `published` or `restored`."""
    based_on: int = 0
    """The draft that was published, or the version that was restored (0: the shipped words)."""
    version: str
    """Follows from the source alone: what attempts carry as their wording. Empty where the shipped words came back."""
    source: str
    accepted: list[str] = Field(default_factory=list, sa_type=JSON)
    """Codes of the warnings that the author has taken on."""
    author: str
    note: str = ""
    created_at: datetime


class TemplateCurrent(SQLModel, table=True):
    """Which version of a clinic's own words is sent. No row: the shipped words are."""

    __tablename__ = "template_current"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    protocol: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    medium: str = Field(primary_key=True)
    locale: str = Field(primary_key=True)
    number: int
    """0: the shipped words again."""
    before: int = 0
    """The version that was sent before this one: it is sent still where this one cannot be. 0: there is none."""
    changed_at: datetime


class TemplateSeen(SQLModel, table=True):
    """Somebody has looked at this version, in a preview or as a test message: only then may it be published."""

    __tablename__ = "template_seen"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    protocol: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    medium: str = Field(primary_key=True)
    locale: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    seen_at: datetime


class TemplateHold(SQLModel, table=True):
    """Stop sending this message. An empty medium or locale stands for all."""

    __tablename__ = "template_hold"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    protocol: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    medium: str = Field(primary_key=True)
    locale: str = Field(primary_key=True)
    author: str
    note: str = ""
    held_at: datetime


class ProtocolReview(SQLModel, table=True):
    """A clinic's word that a protocol may be sent to its clients in a language, and who read it for that."""

    __tablename__ = "protocol_review"

    clinic: str = Field(primary_key=True, foreign_key="clinic.id")
    protocol: str = Field(primary_key=True)
    locale: str = Field(primary_key=True)
    clinician: str
    reader: str
    """Who reads this language as their own."""
    confirmed_at: datetime
