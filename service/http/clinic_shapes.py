"""What the API is told and answers about clinics, and what belongs to one, as OpenAPI tells it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.clinic_fields import LONGEST, LONGEST_MONTHS, MOST
from service.http.manners import Body
from service.http.shapes import Reason
from service.types import Medium, Purpose

_Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Local time: `20:00`.")]
_MOST_SENT = 100_000_000


class LocationBody(BaseModel):
    """One of the clinic's places; an empty text falls back to the clinic's own."""

    id: str
    name: str
    time_zone: str
    address: str
    phone: str
    urgent_phone: str
    booking_url: str


class LocationList(BaseModel):
    locations: list[LocationBody]


class LocationChange(Body):
    """What is left out stays as it is, and is empty in a new one, but for the name."""

    name: str | None = Field(None, max_length=120)
    time_zone: str | None = Field(None, max_length=60)
    address: str | None = Field(None, max_length=300)
    phone: str | None = Field(None, max_length=40)
    urgent_phone: str | None = Field(None, max_length=40)
    booking_url: str | None = Field(None, max_length=500)


class Cap(Body):
    """How often a client hears from the clinic at most."""

    most: int = Field(ge=1, le=MOST, description="Messages.")
    days: int = Field(ge=1, le=LONGEST)


class CapBody(BaseModel):
    most: int
    days: int


_Caps = dict[Literal["care", "rebook", "review"], Cap | None]


class ClinicChange(Body):
    """What is left out stays as it is."""

    name: str | None = Field(None, max_length=120)
    time_zone: str | None = Field(None, max_length=60)
    locale: str | None = Field(None, max_length=20)
    country: str | None = Field(None, max_length=2)
    address: str | None = Field(None, max_length=300)
    phone: str | None = Field(None, max_length=40)
    urgent_phone: str | None = Field(None, max_length=40)
    booking_url: str | None = Field(None, max_length=500)
    alert_email: str | None = Field(None, max_length=254, description="Who is told when a client worries.")
    care_consent: Literal["assumed", "explicit"] | None = None
    quiet_start: str | None = Field(None, max_length=5, description="Local time: `20:00`.")
    quiet_end: str | None = Field(None, max_length=5)
    quiet_email: bool | None = None
    sms_countries: list[str] | None = Field(None, max_length=50, description="Where its texts may go; none: its own.")
    forget_after_months: int | None = Field(
        None, ge=0, le=LONGEST_MONTHS, description="Clients who have not come for so long are erased; 0: nobody is."
    )
    brand: dict[Literal["colour", "logo"], str] | None = Field(None, description="`#rrggbb`, and an https address.")
    caps: _Caps | None = Field(None, description="By purpose; null: as the settings say. One that is left out stays.")


class NewLocation(LocationChange):
    id: str = Field(min_length=1, max_length=100, description="As events name it.")
    name: str = Field(max_length=120)


class ClinicToAdd(Body):
    """`id` is its short name. Without a number, messaging service or address of its own it sends from those that the
    installation is set up with; texts of two clinics cannot come from one number."""

    id: str = Field(max_length=40, description="2 to 40 lower-case letters, digits and hyphens, like `glow-soho`.")
    name: str = Field(max_length=120, description="As clients know it: it leads every message.")
    time_zone: str = Field(max_length=60)
    country: str = Field(max_length=2)
    phone: str = Field(max_length=40, description="The number that messages name.")
    locale: str = Field("en", max_length=20, description="Language of clients who gave none.")
    address: str = Field("", max_length=300)
    urgent_phone: str = Field("", max_length=40)
    booking_url: str = Field("", max_length=500)
    alert_email: str = Field("", max_length=254)
    care_consent: Literal["assumed", "explicit"] = "assumed"
    quiet_start: _Hour | None = None
    quiet_end: _Hour | None = None
    quiet_email: bool = Field(False, description="Whether quiet hours bind email too.")
    forget_after_months: int = Field(
        0, ge=0, le=LONGEST_MONTHS, description="Clients who have not come for so long are erased; 0: nobody is."
    )
    sms_countries: list[str] = Field(default_factory=list, max_length=50)
    brand: dict[Literal["colour", "logo"], str] = Field(default_factory=dict)
    caps: dict[Literal["care", "rebook", "review"], Cap] = Field(default_factory=dict)
    sms_from: str = Field("", max_length=40)
    sms_service: str = Field("", max_length=40, description="A messaging service, `MG...`.")
    email_from: str = Field("", max_length=254)
    locations: list[NewLocation] = Field(default_factory=list, max_length=100)


class ClinicLine(BaseModel):
    """A clinic, in short."""

    id: str
    name: str
    time_zone: str
    locale: str
    country: str
    mode: Literal["live", "outbox"] = Field(
        description="`live`: it has confirmed a protocol, whose messages leave the house; `outbox`: none yet."
    )
    paused_at: datetime | None
    created_at: datetime


class ClinicPage(BaseModel):
    clinics: list[ClinicLine]
    next: str | None


class ClinicBody(BaseModel):
    id: str
    name: str
    time_zone: str
    locale: str
    country: str
    address: str
    phone: str
    urgent_phone: str
    booking_url: str
    alert_email: str
    care_consent: str = Field(description="`assumed`: care messages need no recorded yes; `explicit`: they do.")
    quiet_start: str
    quiet_end: str
    quiet_email: bool
    sms_countries: list[str] = Field(description="Where its texts may go, as ISO codes; none: to its own country.")
    forget_after_months: int = Field(description="Clients who have not come for so long are erased; 0: nobody is.")
    brand: dict[str, str]
    caps: dict[Purpose, CapBody] = Field(description="Its own, by purpose; for others those of the settings hold.")
    paused_at: datetime | None
    locations: list[LocationBody]


class KeyToAdd(Body):
    scopes: list[str] = Field(min_length=1, max_length=10, description="What it may do: docs/api.md lists them.")
    lasts_days: int | None = Field(None, ge=1, le=3650, description="Null: until it is revoked.")


class KeyToRotate(Body):
    grace_hours: int = Field(168, ge=0, le=8760, description="How long the old key goes on working.")


class KeyBody(BaseModel):
    """A bearer key, without what is secret of it."""

    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyList(BaseModel):
    keys: list[KeyBody]


class NewKeyBody(KeyBody):
    key: str | None = Field(description="Shown this once. Null where the answer is a repeated one.")


class SenderChange(Body):
    """What is left out stays as it is."""

    address: str | None = Field(None, max_length=254, description="A number, +44..., or an email address.")
    messaging_service: str | None = Field(None, max_length=40, description="`MG...`, for texts.")
    rate: float | None = Field(None, gt=0, le=1_000_000, description="Messages a second.")
    daily_cap: int | None = Field(
        None, ge=1, le=_MOST_SENT, description="Segments (letters, by email) in 24 hours; null: as the settings say."
    )


class SenderPause(BaseModel):
    since: datetime
    reason: Reason


class SenderLine(BaseModel):
    id: str
    medium: Medium
    address: str
    messaging_service: str
    rate: float
    daily_cap: int | None
    full_until: datetime | None = Field(description="It has sent as much as it may in a day, and goes on then.")
    paused: SenderPause | None
    inbound_url: str | None = Field(description="Where Twilio is to post the texts that come to it: docs/answers.md.")


class SenderList(BaseModel):
    senders: list[SenderLine]


class CodeMeaning(Body):
    protocol: str = Field(max_length=120)


class PlannedNow(BaseModel):
    planned: int
    past: int = Field(description="Steps whose time was over: recorded as skipped.")
    due_within_24_hours: int = Field(description="How many of those planned fall due at once, or within a day.")


class CodeMapped(BaseModel):
    """What became of the treatments that waited for the code."""

    code: str
    protocol: str
    treatments: int
    reminders: PlannedNow


class CodeLine(BaseModel):
    code: str
    protocol: str | None
    waiting: int = Field(description="Treatments that wait for a meaning.")


class CodeList(BaseModel):
    codes: list[CodeLine]
