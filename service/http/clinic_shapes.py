"""What the API answers about a clinic, as OpenAPI tells it."""

from datetime import datetime

from pydantic import BaseModel, Field


class LocationBody(BaseModel):
    """One of the clinic's places; an empty text falls back to the clinic's own."""

    id: str
    name: str
    time_zone: str
    address: str
    phone: str
    urgent_phone: str
    booking_url: str


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
    brand: dict[str, str]
    paused_at: datetime | None
    locations: list[LocationBody]
