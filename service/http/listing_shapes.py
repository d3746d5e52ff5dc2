"""What lists of clients, replies, receipts and refusals answer, and statistics, as OpenAPI tells it."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from service.http.shapes import AttemptBody
from service.replies.reading import ReplyKind
from service.types import Medium


class ClientLine(BaseModel):
    """A client, in short; `/v1/clients/{ref}` has the rest."""

    ref: str
    first_name: str
    time_zone: str
    locale: str
    sms_stopped_at: datetime | None = Field(description="Since when the client wants no texts.")
    email_stopped_at: datetime | None
    last_visit_at: datetime | None = Field(description="When the latest visit ended that is known; null: none is.")
    as_of: datetime


class ClientPage(BaseModel):
    clients: list[ClientLine]
    next: str | None


class ReplyLine(BaseModel):
    """A text that came in. Its words are gone once the client was erased."""

    id: UUID
    sender: str = Field(description="Which of the clinic's senders it was written to.")
    address: str
    text: str
    media: int = Field(description="How many pictures or other files came with it.")
    kind: ReplyKind
    for_staff: bool = Field(description="It says something that staff must read.")
    client: str | None = Field(description="Null where nothing tells which of several clients wrote.")
    reminder: UUID | None = Field(description="The question that it answers.")
    received_at: datetime


class ReplyPage(BaseModel):
    replies: list[ReplyLine]
    next: str | None


class ReceiptLine(AttemptBody):
    """A send with its provider's latest word."""

    reminder: UUID
    treatment: str
    client: str
    step: str
    occurrence: int


class ReceiptPage(BaseModel):
    receipts: list[ReceiptLine]
    next: str | None


class RefusedFor(BaseModel):
    code: str
    where: str


class RefusalLine(BaseModel):
    """An event that was not taken. Nothing of what it said is kept."""

    source: str
    event: str = Field(description="The event's `id`; empty where it had none.")
    type: str
    problems: list[RefusedFor]
    first_at: datetime
    last_at: datetime
    times: int


class RefusalPage(BaseModel):
    refusals: list[RefusalLine]
    next: str | None


class StatisticsLine(BaseModel):
    """Messages of one step by one channel that one day was to bring. `planned` is all of them."""

    day: date
    protocol: str
    step: str
    medium: Medium
    planned: int
    waiting: int = Field(description="Scheduled, being sent, or waiting for a person.")
    sent: int = Field(description="They left the house, whatever became of them then.")
    delivered: int
    undelivered: int
    failed: int
    captured: int = Field(description="Kept in the outbox.")
    skipped: dict[str, int] = Field(description="Not sent, by reason: skipped, cancelled or expired.")


class AnswersLine(BaseModel):
    """What came back on one day: texts, and clients who want nothing more by one channel."""

    day: date
    replies: int
    opt_outs: dict[Medium, int]


class StatisticsBody(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    zone: str = Field(description="The clinic's, in which `answers` are counted; `messages` go by each client's.")
    messages: list[StatisticsLine]
    answers: list[AnswersLine]
