"""Twilio's webhooks: the status of a message as it moves on, and texts from people; signed as Twilio signs."""

import asyncio
import uuid
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from service.sandbox.config import SandboxConfig
from service.sandbox.courier import Courier, Reply
from service.sandbox.faults import Fate
from service.sandbox.messages import API, Text, segments


class StatusCallbacks:
    def __init__(self, config: SandboxConfig, courier: Courier) -> None:
        self._wanted = config.callbacks
        self._courier = courier
        self._validator = RequestValidator(config.auth_token)

    def follow(self, text: Text, fate: Fate) -> None:
        """Tell the message's callback address of every move after the first status, in the fate's manner."""
        if self._wanted:
            self._courier.begin(self._tell(text, fate.arranged(text.life.moves)))

    async def _tell(self, text: Text, moves: list[tuple[float, str]]) -> None:
        """One after the other: that the network shuffles them is left to the manners, where a test can ask for it."""
        waited = 0.0
        for after, status in moves:
            await asyncio.sleep(after - waited)
            waited = after
            await self.post(text.callback, status_fields(text, status), status)

    async def post(self, url: str, fields: dict[str, str], what: str) -> Reply:
        """Post a form as Twilio does, signed over the address and every field."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": self._validator.compute_signature(url, fields),
        }
        return await self._courier.post(url, urlencode(fields).encode(), headers, what)


def status_fields(text: Text, status: str) -> dict[str, str]:
    fields = {
        "AccountSid": text.account,
        "ApiVersion": API,
        "From": text.sender,
        "MessageSid": text.sid,
        "MessageStatus": status,
        "SmsSid": text.sid,
        "SmsStatus": status,
        "To": text.to,
    }
    if text.service:
        fields["MessagingServiceSid"] = text.service
    if text.life.error and status in ("undelivered", "failed"):
        fields["ErrorCode"] = text.life.error
    return fields


def inbound_fields(text: Text, heard: str) -> dict[str, str]:
    """`heard` is STOP, START or HELP where Twilio understood a keyword: a messaging service tells so."""
    fields = {
        "AccountSid": text.account,
        "ApiVersion": API,
        "Body": text.body,
        "From": text.sender,
        "MessageSid": text.sid,
        "NumMedia": "0",
        "NumSegments": str(segments(text.body)),
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsStatus": "received",
        "To": text.to,
    }
    if text.service:
        fields["MessagingServiceSid"] = text.service
        if heard:
            fields["OptOutType"] = heard
    return fields
