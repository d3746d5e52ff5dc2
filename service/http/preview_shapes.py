"""What a preview answers, as OpenAPI tells it."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.http.manners import ErrorEntry
from service.http.shapes import Reason
from service.intake.answer import Standing
from service.types import Medium, Purpose


class EventName(BaseModel):
    source: str
    id: str


class NoteBody(Reason):
    """What changes a message's way, and by which channel."""

    medium: Medium


class SmsWords(BaseModel):
    text: str
    segments: int
    encoding: str


class EmailWords(BaseModel):
    subject: str
    preheader: str
    text: str


class PreviewMessage(BaseModel):
    """One message that would go out, or why it would not; its words by SMS or by email, where they can be made."""

    step: str
    occurrence: int
    purpose: Purpose
    medium: Medium
    send_at: datetime
    local_time: str
    zone: str
    intended_at: datetime = Field(description="What the protocol names, before any deferral.")
    expires_at: datetime
    held_back: Reason | None
    unwritable: list[ErrorEntry]
    notes: list[NoteBody]
    locale: str | None = None
    wording: str | None = Field(None, description="The version of the words.")
    origin: str | None = None
    sms: SmsWords | None = None
    email: EmailWords | None = None


class PreviewBody(BaseModel):
    event: EventName
    result: Standing
    treatment: str
    at: datetime
    messages: list[PreviewMessage]
    warnings: list[ErrorEntry]
