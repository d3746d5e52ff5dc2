"""SendGrid's side of things: the letter it gets, what its answers mean, its signed events."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service import clock
from service.channels.base import CallbackRequest, HearsReplies, LookUp
from service.channels.http import HttpPool
from service.channels.sendgrid_email import SendGridEmail
from service.errors import BadInput, ConfigError, Forbidden
from service.types import (
    Accepted,
    AttemptState,
    FailureClass,
    Medium,
    Outcome,
    Outgoing,
    Receipt,
    Rejected,
    Retry,
    Unknown,
)
from tests.channels.people import ADA_AT, EMAIL_SENDER, LETTER, TOKEN, outgoing
from tests.channels.provider import Behaviour, Exchange, Provider, provider, reply
from tests.support.sandbox import running_sandbox

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URL = "https://care.example.com/callbacks/sendgrid/events/glow-email"
SIGNATURE, TIMESTAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
KEY = ec.generate_private_key(ec.SECP256R1())


def base64_of(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def channel(pool: HttpPool, url: str = "http://127.0.0.1:1", **changes: Any) -> SendGridEmail:
    fields: dict[str, Any] = {
        "api_key": "SG.key",
        "base_url": url,
        "webhook_key": base64_of(KEY.public_key()),
        "retry_after_cap": 3600,
    }
    return SendGridEmail(pool, **(fields | changes))


async def sent(pool: HttpPool, behaviour: Behaviour, message: Outgoing | None = None) -> tuple[Outcome, Provider]:
    async with provider(behaviour) as server:
        return await channel(pool, server.url).send(message or outgoing(Medium.EMAIL)), server


async def letter_of(pool: HttpPool, **changes: Any) -> dict[str, Any]:
    outcome, server = await sent(pool, reply(202, X_Message_Id="m-1"), outgoing(Medium.EMAIL, **changes))
    assert outcome == Accepted("m-1")
    [asked] = server.asked
    assert (asked.method, asked.target) == ("POST", "/v3/mail/send")
    assert asked.headers["authorization"] == "Bearer SG.key"
    assert asked.headers["content-type"] == "application/json"
    return json.loads(asked.body)  # type: ignore[no-any-return]


# Sending


async def test_the_letter_says_what_is_wanted_and_no_more(pool: HttpPool) -> None:
    assert await letter_of(pool) == {
        "from": {"email": "care@glow.example.com", "name": "Glow Clinic"},
        "personalizations": [{"to": [{"email": ADA_AT}]}],
        "subject": LETTER.subject,
        "content": [{"type": "text/plain", "value": LETTER.text}, {"type": "text/html", "value": LETTER.html}],
        "custom_args": {"aftercare_token": TOKEN},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
        "headers": {
            "List-Unsubscribe": "<https://care.example.com/u/7>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }


async def test_without_an_unsubscribe_address_there_are_no_such_headers(pool: HttpPool) -> None:
    assert "headers" not in await letter_of(pool, unsubscribe_url=None)


async def test_a_sender_without_a_name_has_none(pool: HttpPool) -> None:
    letter = await letter_of(pool, sender=replace(EMAIL_SENDER, name=""))
    assert letter["from"] == {"email": "care@glow.example.com"}


async def test_a_letter_in_which_the_library_sees_an_api_key_is_refused_before_sending(pool: HttpPool) -> None:
    message = outgoing(Medium.EMAIL, message=replace(LETTER, text="SG.abc.def is how a key begins"))
    outcome, server = await sent(pool, reply(202), message)
    assert outcome == Rejected(FailureClass.CONTENT, "looks-like-an-api-key")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (reply(202, X_Message_Id="Ua9z9lST"), Accepted("Ua9z9lST")),
        (reply(202, X_Message_Id="é"), Unknown("answer-without-id")),
        (reply(202, b"{}", x_message_id="Ua9z9lST"), Accepted("Ua9z9lST")),
        (reply(202), Unknown("answer-without-id")),
        (reply(202, b"<html>"), Unknown("answer-without-id")),
        (reply(200, b"<html>"), Unknown("answer-without-id")),
        (reply(200, X_Message_Id="Ua9z9lST"), Unknown("answer-without-id")),
        (reply(302, Location="/login"), Unknown("302")),
        (reply(500), Unknown("500")),
        (reply(400, b'{"errors": [{"message": "ada@example.com"}]}'), Rejected(FailureClass.MALFORMED, "400")),
        (reply(413), Rejected(FailureClass.MALFORMED, "413")),
        (reply(403), Retry(FailureClass.CREDENTIAL, "403")),
    ],
)
async def test_only_a_202_that_names_the_message_is_an_acceptance(
    pool: HttpPool, behaviour: Behaviour, outcome: Outcome
) -> None:
    assert (await sent(pool, behaviour))[0] == outcome


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry_After": "5", "X_RateLimit_Reset": "9"}, 5, 5),
        ({"X_RateLimit_Reset": "1700000000"}, 0, 0),
        ({"X_RateLimit_Reset": "{in_a_minute}"}, 30, 60),
        ({"X_RateLimit_Reset": "99999999999999999999"}, 3600, 3600),
    ],
)
async def test_a_rate_limit_tells_when_it_resets(
    pool: HttpPool, headers: dict[str, str], low: float, high: float
) -> None:
    in_a_minute = int((clock.now() + timedelta(minutes=1)).timestamp())
    told = {name: value.format(in_a_minute=in_a_minute) for name, value in headers.items()}
    outcome, _ = await sent(pool, reply(429, b"", **told))
    assert isinstance(outcome, Retry)
    assert outcome.after is not None
    assert low <= outcome.after <= high


@pytest.mark.parametrize("reset", ["", "soon", "-1", "²"])
async def test_a_rate_limit_that_tells_nothing_leaves_the_wait_to_us(pool: HttpPool, reset: str) -> None:
    outcome, _ = await sent(pool, reply(429, X_RateLimit_Reset=reset))
    assert outcome == Retry(FailureClass.NOT_PROCESSED, "429", None)


async def test_sendgrid_cannot_be_asked_nor_answered(pool: HttpPool) -> None:
    email = channel(pool)
    assert await email.look_up(LookUp(ADA_AT, EMAIL_SENDER, since=NOW, until=NOW)) is None
    assert not isinstance(email, HearsReplies)


# Events


@pytest.fixture(scope="module")
def sendgrid() -> SendGridEmail:
    return channel(HttpPool(deadline=30.0, size=1))


def signed(events: object, at: datetime = NOW, key: ec.EllipticCurvePrivateKey = KEY) -> CallbackRequest:
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    timestamp = str(int(at.timestamp()))
    signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return CallbackRequest(URL, {SIGNATURE.lower(): signature, TIMESTAMP: timestamp}, body)


def event(kind: str, **more: object) -> dict[str, object]:
    return {
        "event": kind,
        "email": ADA_AT,
        "timestamp": int(NOW.timestamp()) - 60,
        "sg_event_id": "event-1",
        "sg_message_id": "Ua9z9lST.filterdrecv-5f-1.0",
        "aftercare_token": TOKEN,
    } | more


@pytest.mark.parametrize(
    ("happened", "state", "failure", "code"),
    [
        (event("processed"), AttemptState.ACCEPTED, None, None),
        (event("deferred", attempt="2", response="451"), AttemptState.ACCEPTED, FailureClass.EMAIL_LATER, None),
        (event("delivered", response="250 OK"), AttemptState.DELIVERED, None, None),
        (
            event("bounce", type="bounce", status="5.1.1", reason="550 no ada@example.com"),
            AttemptState.UNDELIVERED,
            FailureClass.EMAIL_DEAD,
            "5.1.1",
        ),
        (event("bounce"), AttemptState.UNDELIVERED, FailureClass.EMAIL_DEAD, None),
        (event("bounce", type="blocked", status="ada"), AttemptState.UNDELIVERED, FailureClass.EMAIL_BLOCKED, None),
        (event("dropped", reason="Bounced Address"), AttemptState.FAILED, FailureClass.EMAIL_DEAD, None),
        (event("dropped", reason="Invalid"), AttemptState.FAILED, FailureClass.EMAIL_DEAD, None),
        (event("dropped", reason="Unsubscribed Address"), AttemptState.FAILED, FailureClass.EMAIL_REFUSED, None),
        (event("dropped", reason="Spam Reporting Address"), AttemptState.FAILED, FailureClass.EMAIL_REFUSED, None),
        (event("dropped", reason="Something new"), AttemptState.FAILED, None, None),
        (event("spamreport"), AttemptState.DELIVERED, FailureClass.EMAIL_REFUSED, None),
        (event("unsubscribe"), AttemptState.DELIVERED, FailureClass.EMAIL_REFUSED, None),
        (event("group_unsubscribe"), AttemptState.DELIVERED, FailureClass.EMAIL_REFUSED, None),
    ],
)
def test_an_event_is_a_receipt(
    sendgrid: SendGridEmail,
    happened: dict[str, object],
    state: AttemptState,
    failure: FailureClass | None,
    code: str | None,
) -> None:
    [receipt] = sendgrid.status_of(signed([happened]), NOW)
    assert receipt == Receipt(
        "Ua9z9lST", state, NOW - timedelta(minutes=1), token=TOKEN, failure=failure, code=code, event_id="event-1"
    )
    assert ADA_AT not in repr(receipt)


def test_a_bounce_without_a_message_id_still_names_the_attempt(sendgrid: SendGridEmail) -> None:
    happened = event("bounce")
    del happened["sg_message_id"]
    [receipt] = sendgrid.status_of(signed([happened]), NOW)
    assert (receipt.provider_id, receipt.token) == ("", TOKEN)


def test_what_we_do_not_follow_is_left_out(sendgrid: SendGridEmail) -> None:
    events = [event("open"), event("click"), event("account_status_change"), {}, None, "x", {"event": ["sent"]}]
    assert sendgrid.status_of(signed([*events, event("delivered")]), NOW) == sendgrid.status_of(
        signed([event("delivered")]), NOW
    )


@pytest.mark.parametrize("timestamp", [None, "1763640000", 10**30, -(10**30), 1.5])
def test_an_impossible_instant_is_left_out(sendgrid: SendGridEmail, timestamp: object) -> None:
    [receipt] = sendgrid.status_of(signed([event("delivered", timestamp=timestamp)]), NOW)
    assert receipt.at is None


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=5), timedelta(minutes=-5)])
def test_a_callback_of_now_is_taken(sendgrid: SendGridEmail, age: timedelta) -> None:
    assert sendgrid.status_of(signed([event("delivered")], at=NOW - age), NOW)


@pytest.mark.parametrize("age", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1), timedelta(days=9)])
def test_a_callback_of_long_ago_or_ahead_is_a_replay(sendgrid: SendGridEmail, age: timedelta) -> None:
    with pytest.raises(Forbidden, match="five minutes") as caught:
        sendgrid.status_of(signed([event("delivered")], at=NOW - age), NOW)
    assert caught.value.code == "bad-signature"


GENUINE = signed([event("delivered")])


def with_headers(**changes: str) -> CallbackRequest:
    names = {"signature": SIGNATURE.lower(), "timestamp": TIMESTAMP}
    return replace(GENUINE, headers={**GENUINE.headers, **{names[name]: value for name, value in changes.items()}})


@pytest.mark.parametrize(
    "forged",
    [
        replace(GENUINE, headers={}),
        replace(GENUINE, body=GENUINE.body + b" "),
        replace(GENUINE, body=b"\xff"),
        with_headers(signature=""),
        with_headers(signature="not base64!"),
        with_headers(signature="ü"),
        with_headers(signature=base64.b64encode(b"nonsense").decode()),
        with_headers(timestamp=""),
        with_headers(timestamp="yesterday"),
        with_headers(timestamp="9" * 400),
        with_headers(timestamp=str(int(NOW.timestamp()) + 1)),
        signed([event("delivered")], key=ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_whatever_sendgrid_did_not_sign_is_refused(sendgrid: SendGridEmail, forged: CallbackRequest) -> None:
    with pytest.raises(Forbidden) as caught:
        sendgrid.status_of(forged, NOW)
    assert caught.value.code == "bad-signature"


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[", b"[" * 100_000])
def test_a_signed_callback_that_is_no_list_is_unreadable(sendgrid: SendGridEmail, body: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        sendgrid.status_of(signed(body), NOW)
    assert caught.value.code == "unreadable-callback"


async def test_without_a_key_no_event_is_taken(pool: HttpPool) -> None:
    with pytest.raises(Forbidden, match="SENDGRID_WEBHOOK_KEY"):
        channel(pool, webhook_key="").status_of(GENUINE, NOW)


@pytest.mark.parametrize(
    "key",
    [
        lambda: "nonsense",
        lambda: "MFkwEwYH",
        lambda: base64_of(rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()),
    ],
    ids=["text", "half", "rsa"],
)
async def test_a_webhook_key_that_is_none_is_refused_at_the_start(pool: HttpPool, key: Callable[[], str]) -> None:
    with pytest.raises(ConfigError) as caught:
        channel(pool, webhook_key=key())
    assert (caught.value.code, caught.value.problems[0].where) == ("bad-webhook-key", "SENDGRID_WEBHOOK_KEY")


async def test_the_sandboxs_events_are_signed_as_we_read_them(pool: HttpPool) -> None:
    received: list[CallbackRequest] = []

    async def keep(exchange: Exchange) -> None:
        while True:
            asked = await exchange.read()
            received.append(CallbackRequest(URL, asked.headers, asked.body))
            await exchange.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with running_sandbox() as sandbox, provider(keep) as ours:
        await sandbox.send_events_to(ours.url)
        email = channel(pool, sandbox.url, api_key=sandbox.api_key, webhook_key=sandbox.sendgrid_public_key)
        outcome = await email.send(outgoing(Medium.EMAIL))
        await sandbox.settle()
        receipts = [receipt for request in received for receipt in email.status_of(request, clock.now())]
    assert [receipt.state for receipt in receipts] == [AttemptState.ACCEPTED, AttemptState.DELIVERED]
    assert {receipt.token for receipt in receipts} == {TOKEN}
    assert {Accepted(receipt.provider_id) for receipt in receipts} == {outcome}
