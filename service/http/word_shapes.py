"""What the API answers about words, staff and protocols, as OpenAPI tells it."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.http.manners import ErrorEntry
from service.types import Medium


class _Standing(BaseModel):
    protocol: str
    step: str
    medium: Medium
    locale: str
    purpose: str
    origin: str = Field(description="Whose words a reader of this language gets now.")
    number: int = Field(description="The version that is sent; 0: not the clinic's own.")
    newest: int = Field(description="The newest version, draft or not: the ETag.")
    held: bool


class StandingBody(_Standing):
    """Where one message in one language stands."""

    draft: bool = Field(description="Whether the newest version waits to be published.")


class HeldBody(BaseModel):
    """Empty `medium` and `locale` stand for all."""

    protocol: str
    step: str
    medium: str
    locale: str


class HoldBody(HeldBody):
    author: str
    note: str
    held_at: datetime


class TemplateList(BaseModel):
    templates: list[StandingBody]
    holds: list[HoldBody]


class VersionBody(BaseModel):
    number: int
    kind: str = Field(description="`draft`, `published` or `restored`.")
    based_on: int = Field(description="The draft that was published, or the version that was restored.")
    version: str = Field(description="Follows from the words alone: what messages carry.")
    accepted: list[str]
    author: str
    note: str
    created_at: datetime
    source: str | None = Field(None, description="Left out in lists.")


class Warned(ErrorEntry):
    accepted: bool


class CheckedBody(BaseModel):
    problems: list[ErrorEntry]
    warnings: list[Warned]
    plain: str | None = Field(description="The words in cheap characters, where those would save segments.")


class SavedBody(CheckedBody):
    number: int


class TemplateBody(CheckedBody, _Standing):
    """One message in one language, with all that is known of it."""

    draft: VersionBody | None = Field(description="The newest version, where that waits to be published.")
    source: str = Field(description="What is sent now.")
    version: str
    touches: int = Field(description="Scheduled reminders that publishing would change.")
    history: list[VersionBody]


class DiffBody(BaseModel):
    old: int = Field(alias="from")
    new: int = Field(alias="to")
    diff: str


class RecipientLine(BaseModel):
    attempt: str
    reminder: str
    client: str = Field("", description="With the scope `plans:read` as well; else left out.")
    treatment: str = Field("", description="Likewise.")
    state: str
    at: datetime


class RecipientPage(BaseModel):
    recipients: list[RecipientLine]
    before: str | None = Field(description="The `before` of the next page.")


class ShownSms(BaseModel):
    text: str
    segments: int
    encoding: str


class ShownEmail(BaseModel):
    subject: str
    preheader: str
    text: str
    html: str


class ShownBody(BaseModel):
    """A message as one sample client would get it; with neither text nor letter it cannot be made."""

    sample: str
    locale: str
    origin: str
    problems: list[ErrorEntry]
    sms: ShownSms | None = None
    email: ShownEmail | None = None


class ShownList(BaseModel):
    previews: list[ShownBody]


class PublishedBody(BaseModel):
    number: int
    touches: int = Field(description="Scheduled reminders that now go out in these words.")
    at: datetime


class StaffAddressBody(BaseModel):
    address: str
    confirmed_at: datetime | None


class MemberBody(BaseModel):
    id: str
    name: str
    role: str
    addresses: dict[Medium, StaffAddressBody]


class StaffList(BaseModel):
    staff: list[MemberBody]


class ConfirmedBody(BaseModel):
    confirmed: list[Medium]


class TestBody(BaseModel):
    """`text` of a text, `subject` of a letter."""

    __test__ = False

    to: str
    address: str = Field(description="Veiled: `...411`, `g...@example.com`.")
    text: str | None = None
    subject: str | None = None


class ReviewBody(BaseModel):
    locale: str
    clinician: str
    reader: str
    confirmed_at: datetime


class ProtocolBody(BaseModel):
    protocol: str
    title: str
    reviewed: bool = Field(description="Confirmed for every clinic as shipped.")
    waiting: list[str] = Field(description="The languages in which its messages stay in the outbox.")
    confirmed: list[ReviewBody]


class ProtocolList(BaseModel):
    protocols: list[ProtocolBody]
