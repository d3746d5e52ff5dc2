"""Email by SendGrid, both ways: sending and event webhooks.

The library's `Mail` builds the payload and its `EventWebhook` verifies signatures; the bytes pass through our pool,
because the library's client blocks and opens a connection for each letter. SendGrid keeps no list that can be asked:
a letter whose answer was lost is found by its events, which carry the attempt's token.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.eventwebhook.eventwebhook_header import EventWebhookHeader
from sendgrid.helpers.mail import (
    ClickTracking,
    CustomArg,
    From,
    Header,
    Mail,
    OpenTracking,
    SubscriptionTracking,
    To,
    TrackingSettings,
)
from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException

from service import clock
from service.channels.answers import load_table, seconds_to_wait
from service.channels.base import CallbackRequest, LookUp, bad_signature
from service.channels.http import HttpPool, Interrupted, Reply, json_body
from service.errors import BadInput, ConfigError, Problem
from service.types import (
    Accepted,
    AttemptState,
    Email,
    FailureClass,
    Found,
    Json,
    Medium,
    Outcome,
    Outgoing,
    Receipt,
    Rejected,
    Unknown,
)

_TABLE: Final = load_table(Path(__file__).with_suffix(".toml"))
_TOKEN: Final = "aftercare_token"  # noqa: S105 - the name of the argument; not `attempt`, which events use themselves
_OLDEST: Final = timedelta(minutes=5)
_STATUS_CODE: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")

_NO_TRACKING: Final = TrackingSettings(
    click_tracking=ClickTracking(enable=False, enable_text=False),
    open_tracking=OpenTracking(enable=False),
    subscription_tracking=SubscriptionTracking(enable=False),
)

_STATES: Final = {
    "processed": AttemptState.ACCEPTED,
    "deferred": AttemptState.ACCEPTED,
    "delivered": AttemptState.DELIVERED,
    "bounce": AttemptState.UNDELIVERED,
    "dropped": AttemptState.FAILED,
    # Only who got the letter can complain about it or unsubscribe.
    "spamreport": AttemptState.DELIVERED,
    "unsubscribe": AttemptState.DELIVERED,
    "group_unsubscribe": AttemptState.DELIVERED,
}


class SendGridEmail:
    """The email channel of one SendGrid account. `retry_after_cap`: seconds; the longest wait it may ask of us.

    `webhook_key` is the public key of its signed event webhook (base64); empty: no event is taken. Raises
    `ConfigError` (`bad-webhook-key`).
    """

    name = "sendgrid"
    medium = Medium.EMAIL

    def __init__(
        self, pool: HttpPool, *, api_key: str, base_url: str, webhook_key: str, retry_after_cap: float
    ) -> None:
        self._pool = pool
        self._mail_send = pool.endpoint(
            f"{base_url.rstrip('/')}/v3/mail/send",
            {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
        )
        self._webhook = _webhook(webhook_key) if webhook_key else None
        self._retry_after_cap = retry_after_cap

    async def send(self, outgoing: Outgoing) -> Outcome:
        try:
            body = json_body(_mail(outgoing).get())
            reply = await self._pool.post(self._mail_send, body, outgoing.start_before)
        except Interrupted as stop:
            return stop.outcome
        except ApiKeyIncludedException:
            return Rejected(FailureClass.CONTENT, "looks-like-an-api-key")
        return self._outcome(reply)

    def _outcome(self, reply: Reply) -> Outcome:
        if not 200 <= reply.status < 300:
            return _TABLE.outcome(reply.status, after=self._wait(reply))
        message_id = reply.header("X-Message-Id")
        if reply.status == 202 and message_id:
            return Accepted(message_id)
        # SendGrid's 202 always names the message. One that does not may come from something between us; if the letter
        # did go, its events carry our token and tell.
        return Unknown("answer-without-id")

    def _wait(self, reply: Reply) -> float | None:
        """Retry-After, else when SendGrid's rate limit resets, which it gives as an epoch second."""
        now = clock.now()
        if asked_for := reply.header("Retry-After"):
            return seconds_to_wait(asked_for, now, self._retry_after_cap)
        reset = reply.header("X-RateLimit-Reset")
        if not reset.isdecimal():
            return None
        return min(max(float(reset[:12]) - now.timestamp(), 0.0), self._retry_after_cap)

    async def look_up(self, query: LookUp) -> list[Found] | None:
        return None

    def status_of(self, request: CallbackRequest, now: datetime) -> list[Receipt]:
        self._verify(request, now)
        try:
            events = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            events = None
        if not isinstance(events, list):
            raise BadInput(Problem("unreadable-callback", "", "SendGrid's callback is no list of events."))
        receipts = (_receipt(event) for event in events if isinstance(event, dict))
        return [receipt for receipt in receipts if receipt]

    def _verify(self, request: CallbackRequest, now: datetime) -> None:
        if self._webhook is None:
            raise bad_signature("there is no SENDGRID_WEBHOOK_KEY to check it with")
        timestamp = request.header(EventWebhookHeader.TIMESTAMP)
        try:
            valid = self._webhook.verify_signature(
                request.body.decode(), request.header(EventWebhookHeader.SIGNATURE), timestamp
            )
            written = datetime.fromtimestamp(int(timestamp), UTC)
        except (ValueError, OverflowError, OSError):
            valid, written = False, now
        if not valid:
            raise bad_signature("SendGrid's signature does not fit this content")
        # The signature stays right for ever; only its age tells a replay.
        if abs(now - written) > _OLDEST:
            raise bad_signature("it was signed more than five minutes ago, or a clock is wrong")


def _webhook(key: str) -> EventWebhook:
    try:
        webhook = EventWebhook(key.strip())
        usable = isinstance(webhook.public_key, EllipticCurvePublicKey)
    except (ValueError, UnsupportedAlgorithm):
        usable = False
    if not usable:
        raise ConfigError(
            Problem("bad-webhook-key", "SENDGRID_WEBHOOK_KEY", "This is no key: copy the verification key of SendGrid.")
        )
    return webhook


def _mail(outgoing: Outgoing) -> Mail:
    """The letter. SendGrid stores custom arguments and categories as non-personal: nothing but the token is in them."""
    letter = outgoing.message
    if not isinstance(letter, Email):
        raise TypeError("an email channel carries letters only")
    mail = Mail(
        from_email=From(outgoing.sender.address, outgoing.sender.name or None),
        to_emails=_to(outgoing.to),
        subject=letter.subject,
        plain_text_content=letter.text,
        html_content=letter.html,
    )
    mail.add_custom_arg(CustomArg(_TOKEN, outgoing.token))
    mail.tracking_settings = _NO_TRACKING
    if outgoing.unsubscribe_url:
        mail.add_header(Header("List-Unsubscribe", f"<{outgoing.unsubscribe_url}>"))
        mail.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return mail


def _to(address: str) -> To:
    """`To(address)` would look for a name in it, at a third of the letter's CPU."""
    to = To()
    to.email = address
    return to


def _receipt(event: Json) -> Receipt | None:
    kind = event.get("event")
    state = _STATES.get(kind) if isinstance(kind, str) else None
    if state is None:
        return None
    status = str(event.get("status"))
    return Receipt(
        # An asynchronous bounce has no message id; the token still names the attempt.
        provider_id=_text(event, "sg_message_id").split(".", 1)[0],
        state=state,
        at=_instant(event.get("timestamp")),
        token=_text(event, _TOKEN) or None,
        failure=_failure(event),
        code=status if _STATUS_CODE.fullmatch(status) else None,
        event_id=_text(event, "sg_event_id") or None,
    )


def _failure(event: Json) -> FailureClass | None:
    kind = event["event"]
    exact = (f"{kind}: {_text(event, detail).lower()}" for detail in ("type", "reason"))
    return next((failure for name in (*exact, kind) if (failure := _TABLE.failure(name))), None)


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _instant(timestamp: object) -> datetime | None:
    if not isinstance(timestamp, int):
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError):
        return None
