"""What the API answers about reminders, visits, clients and senders, as OpenAPI tells it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from service.acts.acts import Verdict
from service.types import AttemptState, Json, Kind, Medium, Purpose, ReminderState

_REMINDER: Json = {
    "id": "01939f2e-7b1c-7d3a-9a55-2f0c8a1b6e01",
    "treatment": "visit-8812",
    "client": "c-17",
    "protocol": "microneedling",
    "step": "day-1-sunscreen",
    "occurrence": 0,
    "purpose": "care",
    "media": ["sms", "email"],
    "medium": "sms",
    "sender": "sms",
    "state": "scheduled",
    "reason": None,
    "by": "plan",
    "intended_at": "2026-11-21T10:00:00Z",
    "due_at": "2026-11-21T10:00:00Z",
    "local_due": "2026-11-21T10:00",
    "zone": "Europe/London",
    "expires_at": "2026-11-22T06:00:00Z",
    "updated_at": "2026-11-20T15:05:02Z",
    "version": "0-643a8c0b1d2e0",
}


class Reason(BaseModel):
    """Why, as a stable code and as a sentence for people."""

    code: str
    sentence: str


class ReminderLine(BaseModel):
    """One message to come, or what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REMINDER]})

    id: UUID
    treatment: str
    client: str
    protocol: str
    step: str
    occurrence: int = Field(description="0, and from 1 on for further sends of the same step.")
    purpose: Purpose
    media: list[Medium] = Field(description="The step's channels in order of preference.")
    medium: Medium = Field(description="The one whose turn it is, or was last.")
    sender: str | None
    state: ReminderState
    reason: Reason | None
    by: str = Field(description="What settled its state: `plan`, `worker` or `person`.")
    intended_at: datetime = Field(description="The instant that the protocol names, before any deferral.")
    due_at: datetime
    local_due: str = Field(description="`due_at` as the client's wall time.")
    zone: str
    expires_at: datetime = Field(description="Nothing is sent from then on.")
    updated_at: datetime
    version: str = Field(description="Changes with the reminder; give it back as `If-Match`.")


class StoryLine(BaseModel):
    at: datetime
    local: str
    text: str


class StoryBody(BaseModel):
    """What happened, in order of time, and where it stands; local times are the client's."""

    zone: str
    told: list[StoryLine]
    now: str


class AttemptBody(BaseModel):
    """One send: the intent, and all that was learnt about its outcome."""

    id: UUID
    medium: Medium
    sender: str
    recipient: str
    wording: str = Field(description="The version of the words that were used.")
    locale: str
    segments: int
    state: AttemptState
    failure: Reason | None
    code: str | None = Field(description="The provider's own code.")
    provider_id: str | None
    created_at: datetime
    settled_at: datetime | None
    receipt_at: datetime | None
    look_up_at: datetime | None = Field(description="When the provider's records are asked about it.")
    evidence: dict[str, Any] | None = Field(description="How an unknown outcome was resolved.")


class DecisionBody(Reason):
    at: datetime
    by: str
    detail: dict[str, Any]


class ReminderWhole(ReminderLine):
    """A reminder with its story, its attempts and its decisions."""

    acts: list[str] = Field(description="What may be done now: cancel, move, resolve, retry, send-now.")
    story: StoryBody
    attempts: list[AttemptBody]
    decisions: list[DecisionBody]


class ReminderPage(BaseModel):
    reminders: list[ReminderLine]
    next: str | None = Field(description="The `cursor` of the next page; null: this is the last.")


class MoveBody(BaseModel):
    """`to`: an instant with its offset, or a time without one, which is the client's local time."""

    model_config = ConfigDict(extra="forbid")

    to: datetime


class ResolveBody(BaseModel):
    """`as`: what a person knows: it was `sent`; it was not, so `send-again`; or it was not, and `give-up`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    verdict: Verdict = Field(alias="as")


class TreatmentLine(BaseModel):
    """A visit, as the newest event about it says."""

    id: str
    client: str
    course: str
    protocol: str
    kind: Kind
    session: int | None
    of: int | None
    area: str
    location: str
    provider: str
    ended_at: datetime
    version: int | None
    state: str = Field(description="`planned`, or `unmapped`: no protocol has this code yet.")


class ReportLine(BaseModel):
    """An event that was about this visit."""

    source: str
    id: str
    type: str
    time: datetime
    received_at: datetime
    state: str


class TreatmentWhole(TreatmentLine):
    """A visit with its plan and the events that told of it."""

    plan: list[ReminderLine]
    events: list[ReportLine]


class TreatmentPage(BaseModel):
    treatments: list[TreatmentLine]
    next: str | None


class AddressBody(BaseModel):
    """A number or address, and what stands against it; `address` is null where none can be used."""

    address: str | None
    given: str = Field(description="As it came.")
    problem: str
    stopped_at: datetime | None = Field(description="Since when the client wants nothing by this medium.")
    suppressed_at: datetime | None = Field(description="Since when nothing may go to this address.")
    unusable_at: datetime | None = Field(description="Since when the provider says that it takes no messages.")


class ConsentBody(BaseModel):
    purpose: Purpose
    medium: Medium
    granted: bool
    source: str
    at: datetime


class ClientBody(BaseModel):
    """A client: how to reach them, and what they agreed to."""

    ref: str
    first_name: str
    time_zone: str
    locale: str
    sms: AddressBody
    email: AddressBody
    consents: list[ConsentBody] = Field(
        description="What was said; where nothing was, care follows the clinic's policy."
    )
    as_of: datetime


class PausedBody(BaseModel):
    since: datetime
    reason: Reason


class SenderBody(BaseModel):
    """A number or address that the clinic's messages of one medium come from."""

    id: str
    medium: Medium
    address: str
    name: str
    rate: float = Field(description="Messages a second.")
    daily_cap: int | None = Field(description="Segments (letters, by email) in 24 hours; null: as the settings say.")
    full_until: datetime | None = Field(description="It has sent as much as it may in a day, and goes on then.")
    paused: PausedBody | None
    next_due_at: datetime | None = Field(description="Nothing of it is due before.")


class SendersBody(BaseModel):
    clinic: str
    clinic_paused_at: datetime | None
    senders: list[SenderBody]
