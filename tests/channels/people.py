"""Messages to send in tests, with canaries: what is personal in them must never be seen outside the request."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from service import clock
from service.types import Email, Medium, Outgoing, SenderAddress, Sms

ADA = "+447400123456"
ADA_AT = "ada@example.com"
CLINIC = "+15005550006"
SERVICE = "MG" + "7e" * 16
TOKEN = "attempt-token-0123456789abcdef"

TEXT = Sms("Glow Clinic: Ada, no retinol for ten days.", 1, "GSM-7")
LETTER = Email(
    subject="Ada, your first day after",
    preheader="What to do today",
    html="<p>Dear Ada, no retinol for ten days.</p>",
    text="Dear Ada, no retinol for ten days.",
)
CANARIES = ("447400123456", "ada@example.com", "Ada", "retinol")

SMS_SENDER = SenderAddress("glow", "glow-sms", Medium.SMS, CLINIC)
EMAIL_SENDER = SenderAddress("glow", "glow-email", Medium.EMAIL, "care@glow.example.com", "Glow Clinic")


def outgoing(medium: Medium = Medium.SMS, **changes: Any) -> Outgoing:
    sms = medium is Medium.SMS
    message = Outgoing(
        attempt=UUID(int=7),
        token=TOKEN,
        to=ADA if sms else ADA_AT,
        sender=SMS_SENDER if sms else EMAIL_SENDER,
        message=TEXT if sms else LETTER,
        start_before=clock.monotonic() + 3600,
        useful_for=7200.0,
        status_callback=f"https://care.example.com/callbacks/twilio/status/{TOKEN}" if sms else None,
        unsubscribe_url=None if sms else "https://care.example.com/u/7",
    )
    return replace(message, **changes)
