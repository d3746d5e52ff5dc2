"""What Twilio posts by itself: signed, in order, or in the manner a rule asks for."""

from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from tests.sandbox.talk import ADA, CLINIC, GRACE, SERVICE, Heard, Receiver, ask, look_up, text
from tests.support.sandbox import Sandbox, running_sandbox

PATH = "/callbacks/twilio/status/t0ken?x=1"


async def told(sandbox: Sandbox, receiver: Receiver, **fields: str) -> list[str]:
    """The statuses that the receiver is told of one message."""
    await ask(sandbox, text(sandbox, StatusCallback=receiver.url + PATH, **fields))
    await sandbox.settle()
    return [heard.form["MessageStatus"] for heard in receiver.heard]


def signed(sandbox: Sandbox, receiver: Receiver, heard: Heard) -> bool:
    path = heard.start.split(" ")[1]
    signature = heard.headers["x-twilio-signature"]
    return bool(RequestValidator(sandbox.auth_token).validate(receiver.url + path, heard.form, signature))


async def test_every_status_after_the_first_is_told_in_order_and_signed(sandbox: Sandbox, receiver: Receiver) -> None:
    assert await told(sandbox, receiver) == ["sent", "delivered"]
    assert all(signed(sandbox, receiver, heard) for heard in receiver.heard)
    (line,) = await sandbox.ledger()
    form = receiver.heard[-1].form
    assert (form["MessageSid"], form["To"], form["From"]) == (line["id"], ADA, CLINIC)
    assert (form["AccountSid"], "ErrorCode" in form) == (sandbox.account_sid, False)
    assert line["attempt"] == "t0ken"


async def test_a_changed_callback_fails_the_signature(sandbox: Sandbox, receiver: Receiver) -> None:
    await told(sandbox, receiver)
    heard = receiver.heard[0]
    assert not signed(sandbox, receiver, Heard(heard.start, heard.headers, heard.body.replace(b"sent", b"read")))


@pytest.mark.parametrize(
    ("rule", "statuses", "code"),
    [
        ("undelivered=1", ["sent", "undelivered"], "30003"),
        ("undelivered=1:30005", ["sent", "undelivered"], "30005"),
        ("failed=1", ["failed"], "30008"),
        ("failed=1:30034", ["failed"], "30034"),
    ],
)
async def test_a_message_that_does_not_arrive_tells_its_error_code(
    sandbox: Sandbox, receiver: Receiver, rule: str, statuses: list[str], code: str
) -> None:
    await sandbox.set_faults(rule)
    assert await told(sandbox, receiver) == statuses
    assert receiver.heard[-1].form["ErrorCode"] == code
    sid = receiver.heard[-1].form["MessageSid"]
    fetched = (await ask(sandbox, look_up(sandbox, f"Messages/{sid}.json"))).json
    assert (fetched["status"], fetched["error_code"]) == (statuses[-1], int(code))


@pytest.mark.parametrize(
    ("rules", "statuses"),
    [
        ("silent=1", []),
        ("reordered=1", ["delivered", "sent"]),
        ("repeated=1", ["sent", "delivered", "sent", "delivered"]),
        ("repeated=1,reordered=1", ["delivered", "sent", "delivered", "sent"]),
        ("reordered=1,undelivered=1", ["undelivered", "sent"]),
    ],
)
async def test_callbacks_come_in_the_manner_of_the_rules(
    sandbox: Sandbox, receiver: Receiver, rules: str, statuses: list[str]
) -> None:
    await sandbox.set_faults(rules)
    assert await told(sandbox, receiver) == statuses


async def test_callbacks_can_be_off_while_messages_still_arrive(receiver: Receiver) -> None:
    async with running_sandbox(callbacks=False) as sandbox:
        assert await told(sandbox, receiver) == []
        listed = await ask(sandbox, look_up(sandbox, "Messages.json"))
    assert listed.json["messages"][0]["status"] == "delivered"


async def test_a_lost_answer_is_still_followed_by_callbacks(sandbox: Sandbox, receiver: Receiver) -> None:
    await sandbox.set_faults("reset-after=1")
    with pytest.raises(ConnectionError):
        await told(sandbox, receiver)
    await sandbox.settle()
    (line,) = await sandbox.ledger()
    assert [heard.form["MessageSid"] for heard in receiver.heard] == [line["id"]] * 2


async def test_what_was_posted_and_how_it_was_answered_can_be_read(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses = [503]
    await told(sandbox, receiver)
    posted = await sandbox.callbacks()
    assert [(one["n"], one["what"], one["status"]) for one in posted] == [(1, "sent", 503), (2, "delivered", 204)]
    assert await sandbox.callbacks(after=1) == posted[1:]
    assert (await sandbox.stats())["callbacks"] == {"posted": 2, "failed": 1, "waiting": 0}


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/nobody", "http://[", "https://127.0.0.1:9"])
async def test_a_receiver_that_cannot_be_reached_harms_nothing(sandbox: Sandbox, address: str) -> None:
    await ask(sandbox, text(sandbox, StatusCallback=address))
    await sandbox.settle()
    assert [one["status"] for one in await sandbox.callbacks()] == [0, 0]


@pytest.mark.parametrize(
    ("body", "sender", "heard"),
    [
        ("STOP", {"service": SERVICE}, "STOP"),
        ("yes", {"service": SERVICE}, "START"),
        ("help", {"service": SERVICE}, "HELP"),
        ("It itches, is that normal?", {"service": SERVICE}, None),
        ("STOP", {"to": CLINIC}, None),
    ],
)
async def test_a_text_from_a_phone_is_posted_signed(
    sandbox: Sandbox, receiver: Receiver, body: str, sender: dict[str, str], heard: str | None
) -> None:
    answer = await sandbox.send_inbound(f"{receiver.url}/inbound/s1", number=GRACE, body=body, **sender)
    (request,) = receiver.heard
    assert signed(sandbox, receiver, request)
    assert (answer["status"], answer["sid"]) == (204, request.form["MessageSid"])
    assert (request.form["From"], request.form["Body"]) == (GRACE, body)
    assert request.form.get("OptOutType") == heard


async def test_the_same_text_can_come_again(sandbox: Sandbox, receiver: Receiver) -> None:
    first = await sandbox.send_inbound(receiver.url, number=ADA, body="START", to=CLINIC)
    again = await sandbox.send_inbound(receiver.url, number=ADA, body="START", to=CLINIC, sid=first["sid"])
    assert first["sid"] == again["sid"]
    assert receiver.heard[0].body == receiver.heard[1].body


async def test_texts_go_to_the_webhook_that_is_set_with_their_pictures_counted(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    await sandbox.post_texts_to(f"{receiver.url}/inbound/glow.sms")
    answer = await sandbox.text(number=ADA, body="4", to=CLINIC, media="2")
    (request,) = receiver.heard
    assert signed(sandbox, receiver, request)
    assert (answer["status"], request.form["NumMedia"], request.form["To"]) == (204, "2", CLINIC)


async def test_a_person_texts_by_a_form_and_reads_what_came_of_it(sandbox: Sandbox, receiver: Receiver) -> None:
    await ask(sandbox, text(sandbox))
    shown = await sandbox.client.get(f"{sandbox.url}/phone").build().send()
    assert f'name="to" required value="{CLINIC}"' in await shown.text()
    form = {"from": ADA, "to": CLINIC, "body": "<b>4</b>"}

    async def send() -> str:
        request = sandbox.client.post(f"{sandbox.url}/sandbox/phone").form(form).build()
        return await (await request.send()).text()

    assert "no inbound webhook is set" in await send()
    await sandbox.post_texts_to(receiver.url)
    said = await send()
    assert "Answered with 204: no words" in said
    assert "&lt;b&gt;4&lt;/b&gt;" in said
    assert [request.form["Body"] for request in receiver.heard] == ["<b>4</b>"]


async def test_texts_from_phones_are_listed_too(sandbox: Sandbox, receiver: Receiver) -> None:
    await sandbox.send_inbound(receiver.url, number=ADA, body="Thank you!", to=CLINIC)
    listed: list[dict[str, Any]] = (await ask(sandbox, look_up(sandbox, "Messages.json"))).json["messages"]
    assert [(one["direction"], one["status"], one["from"]) for one in listed] == [("inbound", "received", ADA)]
