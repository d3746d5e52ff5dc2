"""What the sandbox says as SendGrid, and the signed events that follow."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sendgrid import EventWebhook
from sendgrid.helpers.mail import CustomArg, Mail

from service.sandbox.events import Signer
from tests.sandbox.talk import Heard, Receiver, ask, mail, raw_mail
from tests.support.sandbox import Sandbox, running_sandbox

ADA = "ada@example.com"


async def events(sandbox: Sandbox, receiver: Receiver, to: str = ADA) -> list[dict[str, Any]]:
    """All events that one mail leads to, in the order in which they come."""
    known = len(receiver.heard)
    await sandbox.send_events_to(f"{receiver.url}/callbacks/sendgrid/events/s1")
    await ask(sandbox, mail(sandbox, to))
    await sandbox.settle()
    return [event for heard in receiver.heard[known:] for event in heard.json]


def names(happened: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in happened]


def verified(public_key: str, heard: Heard, body: bytes) -> bool:
    signature = heard.headers["x-twilio-email-event-webhook-signature"]
    timestamp = heard.headers["x-twilio-email-event-webhook-timestamp"]
    return bool(EventWebhook(public_key).verify_signature(body.decode(), signature, timestamp))


async def test_a_mail_is_accepted_with_an_id_and_no_body(sandbox: Sandbox) -> None:
    answer = await ask(sandbox, mail(sandbox))
    (line,) = await sandbox.ledger()
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["x-message-id"] == line["id"]
    assert (line["to"], line["from"], line["subject"]) == (ADA, "care@glow.example.com", "Your skin today")
    assert (line["body"], line["attempt"], line["outcome"]) == ("Gentle care.", "t0ken", "accepted")


async def test_a_mail_built_by_the_real_library_is_accepted_and_kept_as_it_came(sandbox: Sandbox) -> None:
    built = Mail("care@glow.example.com", ADA, "Your skin", "Gentle care.", "<p>Gentle care.</p>")
    built.add_custom_arg(CustomArg("aftercare_token", "abc"))
    answer = await ask(sandbox, raw_mail(sandbox, json.dumps(built.get()).encode()))
    (line,) = await sandbox.ledger()
    assert (answer.status, line["attempt"]) == (202, "abc")
    assert await sandbox.mail(line["id"]) == built.get()


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b'"\xff"', None),
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{}] * 1001}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": ["x"]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": ADA}, {"email": "ada"}]}]}, "personalizations.0.to.1.email"),
        (
            {"personalizations": [{"to": [{"email": ADA}], "custom_args": {"a": "x" * 10_000}}]},
            "personalizations.0.custom_args",
        ),
        ({"custom_args": ["x"]}, "custom_args"),
        ({"from": {"email": "glow"}}, "from.email"),
        ({"from": "care@glow.example.com"}, "from.email"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": ["x"]}, "content"),
        ({"content": [{"type": "text/html", "value": ""}]}, "content.0.value"),
        ({"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]}, "content"),
    ],
)
async def test_a_mail_that_cannot_be_used_is_refused_naming_the_field(
    sandbox: Sandbox, payload: bytes | dict[str, Any], field: str | None
) -> None:
    raw = raw_mail(sandbox, payload) if isinstance(payload, bytes) else mail(sandbox, **payload)
    answer = await ask(sandbox, raw)
    (line,) = await sandbox.ledger()
    assert (answer.status, line["outcome"], line["told"]) == (400, "refused", "400")
    assert answer.json["errors"][0]["field"] == field
    assert answer.json["errors"][0].keys() == {"message", "field", "help"}


async def test_a_wrong_key_is_refused(sandbox: Sandbox) -> None:
    answer = await ask(sandbox, mail(sandbox, key="SG.wrong"))
    (line,) = await sandbox.ledger()
    assert (answer.status, answer.json["errors"][0]["field"]) == (401, None)
    assert (line["outcome"], line["to"]) == ("refused", ADA)


async def test_every_recipient_has_a_line_of_its_own(sandbox: Sandbox) -> None:
    groups = [{"to": [{"email": ADA}, {"email": "grace@example.com"}]}, {"to": [{"email": "mary@example.com"}]}]
    await ask(sandbox, mail(sandbox, personalizations=groups))
    lines = await sandbox.ledger()
    assert [line["to"] for line in lines] == [ADA, "grace@example.com", "mary@example.com"]
    assert len({line["id"] for line in lines}) == 1


async def test_events_are_signed_and_carry_what_real_ones_carry(sandbox: Sandbox, receiver: Receiver) -> None:
    happened = await events(sandbox, receiver)
    (line,) = await sandbox.ledger()
    assert names(happened) == ["processed", "delivered"]
    for event in happened:
        assert (event["email"], event["aftercare_token"]) == (ADA, "t0ken")
        assert event["sg_message_id"].partition(".filter")[0] == line["id"]
        assert isinstance(event["timestamp"], int)
    assert len({event["sg_event_id"] for event in happened}) == 2
    for heard in receiver.heard:
        assert verified(sandbox.sendgrid_public_key, heard, heard.body)
        assert not verified(sandbox.sendgrid_public_key, heard, heard.body.replace(b"processed", b"delivered") + b" ")


async def test_a_given_key_signs(receiver: Receiver) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with running_sandbox(webhook_private_key=pem) as sandbox:
        await events(sandbox, receiver)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert sandbox.sendgrid_public_key == base64.b64encode(public).decode()
    assert verified(sandbox.sendgrid_public_key, receiver.heard[0], receiver.heard[0].body)


def test_a_key_of_another_kind_is_refused() -> None:
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(TypeError, match="P-256"):
        Signer(pem.decode())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("bounce", ["processed", "bounce"]),
        ("blocked", ["processed", "bounce"]),
        ("dropped", ["dropped"]),
        ("deferred", ["processed", "deferred", "delivered"]),
        ("open", ["processed", "delivered", "open"]),
        ("spamreport", ["processed", "delivered", "spamreport"]),
        ("unsubscribe", ["processed", "delivered", "unsubscribe"]),
        ("silent", []),
        ("reordered", ["delivered", "processed"]),
        ("repeated", ["processed", "delivered", "processed", "delivered"]),
    ],
)
async def test_a_mail_meets_the_fate_that_a_rule_gives_it(
    sandbox: Sandbox, receiver: Receiver, fault: str, expected: list[str]
) -> None:
    await sandbox.set_faults(f"{fault}=1")
    assert names(await events(sandbox, receiver)) == expected


async def test_repeated_events_keep_their_ids(sandbox: Sandbox, receiver: Receiver) -> None:
    await sandbox.set_faults("repeated=1")
    assert len({event["sg_event_id"] for event in await events(sandbox, receiver)}) == 2


async def test_a_bounce_and_a_block_are_told_apart_by_their_type(sandbox: Sandbox, receiver: Receiver) -> None:
    await sandbox.set_faults({"fault": "bounce", "to": ADA}, {"fault": "blocked", "to": "grace@example.com"})
    hard = await events(sandbox, receiver)
    soft = await events(sandbox, receiver, "grace@example.com")
    assert (hard[-1]["type"], soft[-1]["type"]) == ("bounce", "blocked")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("bounce", "Bounced Address"),
        ("spamreport", "Spam Reporting Address"),
        ("unsubscribe", "Unsubscribed Address"),
        ("blocked", None),
    ],
)
async def test_mail_to_a_suppressed_address_is_dropped(
    sandbox: Sandbox, receiver: Receiver, fault: str, reason: str | None
) -> None:
    await sandbox.set_faults({"fault": fault, "count": 1})
    await events(sandbox, receiver)
    later = await events(sandbox, receiver, "ADA@example.com")
    assert (names(later), later[-1].get("reason")) == ((["dropped"] if reason else ["processed", "delivered"]), reason)


async def test_events_within_the_window_come_as_one_batch_to_every_address(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    await sandbox.send_events_to(f"{receiver.url}/a", f"{receiver.url}/b")
    people = [{"to": [{"email": f"ada{number}@example.com"}]} for number in range(3)]
    await ask(sandbox, mail(sandbox, personalizations=people))
    await sandbox.settle()
    assert sorted(heard.start.split(" ")[1] for heard in receiver.heard) == ["/a", "/b"]
    assert [len(heard.json) for heard in receiver.heard] == [6, 6]


async def test_a_refused_batch_comes_again_until_it_is_taken(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses = [500, 503]
    assert names(await events(sandbox, receiver)) == ["processed", "delivered"] * 3
    ids = [[event["sg_event_id"] for event in heard.json] for heard in receiver.heard]
    assert ids[0] == ids[1] == ids[2]


async def test_a_batch_that_is_never_taken_is_given_up_after_five_tries(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses = [500] * 9
    await events(sandbox, receiver)
    assert len(receiver.heard) == 5
