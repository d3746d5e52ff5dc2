"""What web and worker read out of the settings alike."""

from service.authoring import WritingRules
from service.channels.registry import ChannelConfig, Mode
from service.clinics import ClinicDefaults
from service.links import Links
from service.receipts import EvidenceRules, ReceiptRules
from service.receipts.consequences import Waits
from service.replies import inbound_name
from service.settings import Settings
from service.types import Medium


def links_of(settings: Settings) -> Links:
    """The clients' links."""
    return Links(settings.client_address, [key.get_secret_value() for key in settings.secret_keys])


def receipt_rules(settings: Settings) -> ReceiptRules:
    receipts = settings.receipts
    waits = Waits(handset=receipts.try_again_after, sender=receipts.slow_for)
    return ReceiptRules(EvidenceRules(waits, receipts.refusals), receipts.parked_for, receipts.parked_most)


def channel_config(settings: Settings) -> ChannelConfig:
    def secret(value: object) -> str:
        return value.get_secret_value() if value is not None else ""  # type: ignore[attr-defined]

    return ChannelConfig(
        mode=Mode(settings.channels.value),
        twilio_account_sid=settings.twilio_account_sid or "",
        twilio_auth_token=secret(settings.twilio_auth_token),
        twilio_base_url=settings.twilio_base_url,
        sendgrid_api_key=secret(settings.sendgrid_api_key),
        sendgrid_base_url=settings.sendgrid_base_url,
        sendgrid_webhook_key=settings.sendgrid_webhook_key or "",
        deadline=settings.sending.deadline.total_seconds(),
        pool_size=settings.worker.slots,
    )


def writing_rules(settings: Settings) -> WritingRules:
    return WritingRules(settings.writing.segments, settings.client_address.rstrip("/"))


def clinic_defaults(settings: Settings) -> ClinicDefaults:
    return ClinicDefaults(
        quiet_start=settings.quiet_hours.sms_start,
        quiet_end=settings.quiet_hours.sms_end,
        sms_from=settings.twilio_from or "",
        sms_service=settings.twilio_messaging_service_sid or "",
        email_from=settings.sendgrid_from or "",
    )


def inbound_address(settings: Settings, clinic: str) -> str | None:
    """Where Twilio is to post what clients text to this clinic; None where it cannot reach us."""
    if not (settings.public_url and settings.has_twilio):
        return None
    return f"{settings.public_url}/callbacks/twilio/inbound/{inbound_name(clinic, Medium.SMS.value)}"
