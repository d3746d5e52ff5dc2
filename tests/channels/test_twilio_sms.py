"""Twilio's side of things: the form it gets, its list of messages, its callbacks and replies."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from twilio.request_validator import RequestValidator

from service import clock
from service.channels.base import CallbackRequest, HearsReplies, InboundText, LookUp
from service.channels.http import HttpPool
from service.channels.twilio_sms import TwilioSms
from service.errors import BadInput, Forbidden, Unavailable
from service.types import (
    Accepted,
    AttemptState,
    FailureClass,
    Found,
    Outcome,
    Outgoing,
    Receipt,
    SenderAddress,
    Unknown,
)
from tests.channels.people import ADA, CLINIC, SERVICE, SMS_SENDER, TOKEN, outgoing
from tests.channels.provider import Behaviour, Exchange, Provider, provider, reply
from tests.support.sandbox import Sandbox, running_sandbox

ACCOUNT = "AC" + "0" * 32
SID = "SM" + "1a" * 16
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SERVED = replace(SMS_SENDER, address="", messaging_service=SERVICE)
NAMED = replace(SMS_SENDER, address="GLOW")
PUBLIC = "https://care.example.com/callbacks/twilio"


def channel(pool: HttpPool, url: str, **changes: Any) -> TwilioSms:
    fields: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "auth_token": "secret",
        "base_url": url,
        "retry_after_cap": 3600.0,
    }
    return TwilioSms(pool, **(fields | changes))


async def sent(pool: HttpPool, behaviour: Behaviour, message: Outgoing | None = None) -> tuple[Outcome, Provider]:
    async with provider(behaviour) as server:
        return await channel(pool, server.url).send(message or outgoing()), server


async def form_of(pool: HttpPool, message: Outgoing) -> dict[str, str]:
    _, server = await sent(pool, reply(201), message)
    [asked] = server.asked
    assert (asked.method, asked.target) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    return {name: value for name, [value] in parse_qs(asked.body.decode(), strict_parsing=True).items()}


# Sending


async def test_the_form_says_what_is_wanted_and_no_more(pool: HttpPool) -> None:
    assert await form_of(pool, outgoing()) == {
        "To": ADA,
        "From": CLINIC,
        "Body": "Glow Clinic: Ada, no retinol for ten days.",
        "ValidityPeriod": "7200",
        "StatusCallback": f"{PUBLIC}/status/{TOKEN}",
    }


async def test_twilios_library_signs_and_names_itself(pool: HttpPool) -> None:
    _, server = await sent(pool, reply(201))
    [asked] = server.asked
    assert asked.headers["authorization"] == f"Basic {b64encode(f'{ACCOUNT}:secret'.encode()).decode()}"
    assert asked.headers["user-agent"].startswith("twilio-python/")
    assert asked.headers["accept"] == "application/json"


async def test_a_messaging_service_chooses_the_number(pool: HttpPool) -> None:
    form = await form_of(pool, outgoing(sender=SERVED, status_callback=None))
    assert form.keys() == {"To", "MessagingServiceSid", "Body", "ValidityPeriod"}
    assert form["MessagingServiceSid"] == SERVICE


@pytest.mark.parametrize(
    ("useful_for", "validity"), [(7 * 86400.0, "36000"), (36_000.9, "36000"), (90.7, "90"), (0.4, "1"), (-5.0, "1")]
)
async def test_validity_follows_usefulness_within_what_twilio_takes(
    pool: HttpPool, useful_for: float, validity: str
) -> None:
    assert (await form_of(pool, outgoing(useful_for=useful_for)))["ValidityPeriod"] == validity


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (json.dumps({"sid": SID}), Accepted(SID)),
        (json.dumps({"sid": "MM" + "9F" * 16}), Accepted("MM" + "9F" * 16)),
        ("", Unknown("answer-without-id")),
        ("{}", Unknown("answer-without-id")),
        ("[]", Unknown("answer-without-id")),
        ('"SM"', Unknown("answer-without-id")),
        (json.dumps({"sid": None}), Unknown("answer-without-id")),
        (json.dumps({"sid": [SID]}), Unknown("answer-without-id")),
        (json.dumps({"sid": "Ada"}), Unknown("answer-without-id")),
        (json.dumps({"sid": SID + "\n"}), Unknown("answer-without-id")),
        ("null", Unknown("answer-without-id")),
        ('{"sid": "SM1', Unknown("answer-unreadable")),
        ("<html>Sign in</html>", Unknown("answer-unreadable")),
        ("[" * 100_000, Unknown("answer-unreadable")),
    ],
)
async def test_only_a_message_id_is_an_acceptance(pool: HttpPool, body: str, outcome: Outcome) -> None:
    assert (await sent(pool, reply(201, body.encode())))[0] == outcome


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": 21610, "message": f"{ADA} has opted out", "status": 400}, "21610"),
        ({"type": "about:blank", "title": "No", "status": 400, "code": 21610, "detail": ADA}, "21610"),
        ({"code": "21610"}, "21610"),
        ({"code": ADA, "message": ADA}, "400"),
        ({"code": None}, "400"),
        ({"code": {"a": 1}}, "400"),
        ([], "400"),
        ("nonsense", "400"),
    ],
)
async def test_a_refusal_is_read_in_each_of_twilios_shapes(pool: HttpPool, body: object, code: str) -> None:
    outcome, _ = await sent(pool, reply(400, json.dumps(body).encode()))
    assert outcome.code == code  # type: ignore[union-attr]


async def test_twilios_environment_moves_nothing(pool: HttpPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    assert await form_of(pool, outgoing())


# Looking up


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox(callbacks=False) as sandbox:
        yield sandbox


def at_sandbox(pool: HttpPool, sandbox: Sandbox) -> TwilioSms:
    return channel(pool, sandbox.url, account_sid=sandbox.account_sid, auth_token=sandbox.auth_token)


def lately(to: str = ADA, sender: SenderAddress = SMS_SENDER) -> LookUp:
    return LookUp(to, sender, since=clock.now() - timedelta(minutes=1), until=clock.now() + timedelta(minutes=1))


@pytest.mark.parametrize("sender", [SMS_SENDER, SERVED, NAMED], ids=["number", "service", "name"])
async def test_a_message_whose_answer_was_lost_is_found(
    pool: HttpPool, sandbox: Sandbox, sender: SenderAddress
) -> None:
    twilio = at_sandbox(pool, sandbox)
    await sandbox.set_faults("reset-after=1")
    assert isinstance(await twilio.send(outgoing(sender=sender)), Unknown)
    [line] = await sandbox.ledger()
    [found] = await twilio.look_up(lately(sender=sender)) or []
    assert (found.provider_id, found.to, found.state) == (line["id"], ADA, AttemptState.DELIVERED)
    assert found.created_at.tzinfo is UTC


async def test_others_messages_are_not_found(pool: HttpPool, sandbox: Sandbox) -> None:
    twilio = at_sandbox(pool, sandbox)
    await twilio.send(outgoing(to="+447400123457"))
    senders = (SMS_SENDER, SERVED, NAMED)
    sent = [await twilio.send(outgoing(sender=sender)) for sender in senders]
    for sender, outcome in zip(senders, sent, strict=True):
        found = await twilio.look_up(lately(sender=sender)) or []
        assert [Accepted(each.provider_id) for each in found] == [outcome]


def message(created: datetime | None, number: int = 0, **changes: object) -> dict[str, object]:
    stamp = created.strftime("%a, %d %b %Y %H:%M:%S +0000") if created else None
    record = {"sid": f"SM{number:032x}", "to": ADA, "from": CLINIC, "status": "sent", "error_code": None}
    return record | {"date_created": stamp, "messaging_service_sid": None} | changes


def pages(*contents: list[dict[str, object]]) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        while True:
            asked = await exchange.read()
            number = int(parse_qs(urlsplit(asked.target).query).get("Page", ["0"])[0])
            following = f"/2010-04-01/next.json?Page={number + 1}" if number + 1 < len(contents) else None
            body = json.dumps({"messages": contents[number], "next_page_uri": following, "page": number}).encode()
            await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return behave


async def looked_up(pool: HttpPool, behaviour: Behaviour) -> tuple[list[Found] | None, Provider]:
    query = LookUp(ADA, SMS_SENDER, since=NOW + timedelta(milliseconds=900), until=NOW + timedelta(minutes=1))
    async with provider(behaviour) as server:
        return await channel(pool, server.url).look_up(query), server


async def test_creation_counts_by_whole_seconds_within_the_time_asked_for(pool: HttpPool) -> None:
    seconds = [-1, 0, 60, 61]
    listed = [message(NOW + timedelta(seconds=second), number) for number, second in enumerate(seconds)]
    found, server = await looked_up(pool, pages(listed))
    assert [each.provider_id[-1] for each in found or []] == ["1", "2"]
    query = parse_qs(urlsplit(server.asked[0].target).query)
    assert query == {"To": [ADA], "From": [CLINIC], "PageSize": ["200"]}


async def test_every_page_is_read(pool: HttpPool) -> None:
    found, server = await looked_up(pool, pages([message(NOW, 1)], [], [message(NOW, 2)]))
    assert (len(found or []), len(server.asked)) == (2, 3)


async def test_pages_long_before_are_not_read(pool: HttpPool) -> None:
    old = message(NOW - timedelta(days=2), 2)
    found, server = await looked_up(pool, pages([message(NOW, 1), old], [old], [old]))
    assert (len(found or []), len(server.asked)) == (1, 1)


async def test_a_failed_message_is_found_with_its_code(pool: HttpPool) -> None:
    listed = [message(NOW, 1, status="undelivered", error_code=30003), message(NOW, 2, status="teleported")]
    found, _ = await looked_up(pool, pages(listed))
    assert [(each.state, each.code) for each in found or []] == [
        (AttemptState.UNDELIVERED, "30003"),
        (AttemptState.ACCEPTED, None),
    ]


@pytest.mark.parametrize(
    "behaviour",
    [
        pages(*([message(NOW)] for _ in range(11))),
        pages([message(None)]),
        reply(200, b"<html>"),
        reply(200, b"{}"),
        reply(200, b"[]"),
        reply(401, b'{"code": 20003}'),
        reply(503),
    ],
    ids=["too many pages", "no date", "html", "no list", "wrong list", "401", "503"],
)
async def test_a_list_that_cannot_be_read_to_its_end_proves_nothing(pool: HttpPool, behaviour: Behaviour) -> None:
    with pytest.raises(Unavailable) as caught:
        await looked_up(pool, behaviour)
    assert (caught.value.code, caught.value.__context__) == ("look-up-failed", None)
    assert "447400123456" not in str(caught.value)


# Asking how a message stands, and what was sent


async def test_a_message_tells_how_it_stands_and_one_that_is_not_there_nothing(
    pool: HttpPool, sandbox: Sandbox
) -> None:
    twilio = at_sandbox(pool, sandbox)
    await sandbox.set_faults({"fault": "undelivered", "detail": "30006"})
    outcome = await twilio.send(outgoing())
    assert isinstance(outcome, Accepted)
    found = await twilio.fetch(outcome.provider_id)
    assert found is not None
    assert (found.provider_id, found.state, found.code, found.failure) == (
        outcome.provider_id, AttemptState.UNDELIVERED, "30006", FailureClass.NOT_TEXTABLE,
    )  # fmt: skip
    assert await twilio.fetch(SID) is None


@pytest.mark.parametrize("behaviour", [reply(200, b"<html>"), reply(200, b"{}"), reply(401, b"{}"), reply(503)])
async def test_a_status_that_cannot_be_read_is_none(pool: HttpPool, behaviour: Behaviour) -> None:
    async with provider(behaviour) as server:
        with pytest.raises(Unavailable) as caught:
            await channel(pool, server.url).fetch(SID)
    assert (caught.value.code, caught.value.__context__) == ("look-up-failed", None)


async def sent_by(twilio: TwilioSms, sender: SenderAddress, since: datetime) -> list[str]:
    return [each.provider_id async for page in twilio.sent_since(sender, since) for each in page]


@pytest.mark.parametrize("sender", [SMS_SENDER, SERVED, NAMED], ids=["number", "service", "name"])
async def test_all_that_a_sender_has_sent_is_listed_and_nothing_of_others(
    pool: HttpPool, sandbox: Sandbox, sender: SenderAddress
) -> None:
    twilio = at_sandbox(pool, sandbox)
    people = [f"+44740012345{number}" for number in range(3)]
    for one in (SMS_SENDER, SERVED, NAMED):
        for to in people:
            await twilio.send(outgoing(to=to, sender=one))
    listed = await sent_by(twilio, sender, clock.now() - timedelta(minutes=1))
    name = sender.messaging_service or sender.address
    assert set(listed) == {line["id"] for line in await sandbox.ledger() if line["from"] == name}
    assert await sent_by(twilio, sender, clock.now() + timedelta(minutes=1)) == []


async def test_a_list_is_read_page_by_page_until_long_before_and_answers_to_callbacks_are_left_out(
    pool: HttpPool,
) -> None:
    def sent(at: datetime, number: int, direction: str = "outbound-api") -> dict[str, object]:
        return message(at, number, direction=direction)

    hour = timedelta(hours=1)
    listed = pages(
        [sent(NOW, 1), sent(NOW, 2, "outbound-reply")],
        [sent(NOW - hour, 3), sent(NOW - 30 * hour, 4)],
        [sent(NOW, 5)],
    )
    async with provider(listed) as server:
        found = await sent_by(channel(pool, server.url), SMS_SENDER, NOW - 2 * hour)
    assert [each[-1] for each in found] == ["1", "3"]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "broken", [reply(503), reply(200, b"<html>"), pages([message(None, direction="outbound-api")])]
)
async def test_a_list_that_breaks_off_is_no_list(pool: HttpPool, broken: Behaviour) -> None:
    async with provider(broken) as server:
        with pytest.raises(Unavailable) as caught:
            await sent_by(channel(pool, server.url), SMS_SENDER, NOW)
    assert (caught.value.code, caught.value.__context__) == ("look-up-failed", None)


# Callbacks


@pytest.fixture(scope="module")
def twilio() -> TwilioSms:
    return channel(HttpPool(deadline=30.0, size=1), "http://127.0.0.1:1")


def signed(url: str, *fields: tuple[str, str], by: str = "secret") -> CallbackRequest:
    class Repeated(dict[str, list[str]]):
        def getlist(self, name: str) -> list[str]:
            return self[name]

    values = Repeated()
    for name, value in fields:
        values.setdefault(name, []).append(value)
    signature = RequestValidator(by).compute_signature(url, values)
    return CallbackRequest(url, {"x-twilio-signature": signature}, urlencode(fields).encode())


def status(state: str, *more: tuple[str, str]) -> CallbackRequest:
    return signed(f"{PUBLIC}/status/{TOKEN}", ("MessageSid", SID), ("MessageStatus", state), ("To", ADA), *more)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("accepted", AttemptState.ACCEPTED),
        ("queued", AttemptState.ACCEPTED),
        ("sending", AttemptState.ACCEPTED),
        ("sent", AttemptState.SENT),
        ("delivered", AttemptState.DELIVERED),
        ("undelivered", AttemptState.UNDELIVERED),
        ("failed", AttemptState.FAILED),
        ("canceled", AttemptState.FAILED),
    ],
)
def test_a_status_callback_is_a_receipt_with_the_attempts_token(
    twilio: TwilioSms, word: str, state: AttemptState
) -> None:
    assert twilio.status_of(status(word), NOW) == [Receipt(SID, state, at=None, token=TOKEN)]


def test_a_failure_in_a_callback_has_its_class(twilio: TwilioSms) -> None:
    [receipt] = twilio.status_of(status("undelivered", ("ErrorCode", "30005")), NOW)
    assert (receipt.failure, receipt.code) == (FailureClass.HANDSET_GONE, "30005")
    [receipt] = twilio.status_of(status("failed", ("ErrorCode", "39999")), NOW)
    assert (receipt.failure, receipt.code) == (None, "39999")


def test_a_status_that_says_nothing_to_us_is_no_receipt(twilio: TwilioSms) -> None:
    assert twilio.status_of(status("received"), NOW) == []


def test_a_port_in_the_address_does_not_matter(twilio: TwilioSms) -> None:
    request = signed(
        "https://care.example.com:443/callbacks/twilio/status/t", ("MessageSid", SID), ("MessageStatus", "sent")
    )
    assert twilio.status_of(replace(request, url=request.url.replace(":443", "")), NOW)


@pytest.mark.parametrize(
    "request_",
    [
        replace(status("sent"), headers={}),
        replace(status("sent"), headers={"X-Twilio-Signature": ""}),
        replace(status("sent"), headers={"X-Twilio-Signature": "ü"}),
        replace(status("sent"), url=f"{PUBLIC}/status/other"),
        replace(status("sent"), url=f"https://elsewhere.example.com/callbacks/twilio/status/{TOKEN}"),
        replace(status("sent"), url="https://[bad"),
        replace(status("sent"), body=status("delivered").body),
        replace(status("sent"), body=status("sent").body + b"&MessageStatus=delivered"),
        replace(status("sent"), body=b"\xff"),
        replace(status("sent"), body=b"a=b&" * 1000),
        signed(f"{PUBLIC}/status/{TOKEN}", ("MessageSid", SID), by="another"),
    ],
    ids=["missing", "empty", "foreign", "path", "host", "no url", "body", "added", "bytes", "many", "secret"],
)
def test_whatever_twilio_did_not_sign_is_refused(twilio: TwilioSms, request_: CallbackRequest) -> None:
    for read in (lambda: twilio.status_of(request_, NOW), lambda: twilio.inbound(request_)):
        with pytest.raises(Forbidden) as caught:
            read()
        assert caught.value.code == "bad-signature"


def test_repeated_fields_are_verified(twilio: TwilioSms) -> None:
    assert twilio.status_of(status("sent", ("Tag", "a"), ("Tag", "b")), NOW)


def test_a_signed_callback_without_an_id_is_unreadable(twilio: TwilioSms) -> None:
    with pytest.raises(BadInput) as caught:
        twilio.status_of(signed(f"{PUBLIC}/status/{TOKEN}", ("MessageStatus", "sent")), NOW)
    assert (caught.value.code, caught.value.problems[0].where) == ("unreadable-callback", "MessageSid")


# Replies


def test_a_reply_is_heard(twilio: TwilioSms) -> None:
    assert isinstance(twilio, HearsReplies)
    request = signed(
        f"{PUBLIC}/inbound/glow-sms",
        ("MessageSid", SID),
        ("From", ADA),
        ("To", CLINIC),
        ("Body", "4, a little red – más o menos"),
        ("MessagingServiceSid", SERVICE),
    )
    heard = twilio.inbound(request)
    assert heard == InboundText(SID, ADA, CLINIC, "4, a little red – más o menos", SERVICE)
    assert "447400123456" not in repr(heard)
    assert "red" not in repr(heard)
    assert "447400123456" not in repr(request)


@pytest.mark.parametrize(
    ("body", "told", "handled"),
    [
        ("Stop", "STOP", "STOP"),
        ("adiós", "STOP", "STOP"),
        (" cancel ", "", "STOP"),
        ("yes", "", "START"),
        ("Info", "", "HELP"),
        ("stop please", "", ""),
        ("Stop!", "", ""),
    ],
)
def test_a_keyword_that_twilio_handled_is_named(twilio: TwilioSms, body: str, told: str, handled: str) -> None:
    more = [("OptOutType", told)] if told else []
    fields = (("MessageSid", SID), ("From", ADA), ("To", CLINIC), ("Body", body), *more)
    assert twilio.inbound(signed(f"{PUBLIC}/inbound/s", *fields)).handled_keyword == handled


@pytest.mark.parametrize(("given", "count"), [("2", 2), ("0", 0), ("", 0), ("two", 0)])
def test_pictures_are_counted(twilio: TwilioSms, given: str, count: int) -> None:
    fields = (("MessageSid", SID), ("From", ADA), ("To", CLINIC), ("NumMedia", given))
    heard = twilio.inbound(signed(f"{PUBLIC}/inbound/s", *fields))
    assert (heard.media, heard.text) == (count, "")


def test_an_answer_is_one_message_or_none(twilio: TwilioSms) -> None:
    said, silence = twilio.answer("Glow & <Co>: done"), twilio.answer("")
    assert b"<Response><Message>Glow &amp; &lt;Co&gt;: done</Message></Response>" in said.body
    assert silence.body.endswith(b"<Response />")
    assert said.media_type == "text/xml"


async def test_the_sandboxs_callbacks_are_signed_as_we_read_them(pool: HttpPool) -> None:
    received: list[CallbackRequest] = []

    async def keep(exchange: Exchange) -> None:
        while True:
            asked = await exchange.read()
            received.append(CallbackRequest(f"{exchange.provider.url}{asked.target}", asked.headers, asked.body))
            await exchange.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with running_sandbox() as sandbox, provider(keep) as ours:
        twilio = at_sandbox(pool, sandbox)
        outcome = await twilio.send(outgoing(status_callback=f"{ours.url}/callbacks/twilio/status/{TOKEN}"))
        await sandbox.settle()
        receipts = [receipt for request in received for receipt in twilio.status_of(request, NOW)]
    assert [receipt.state for receipt in receipts] == [AttemptState.SENT, AttemptState.DELIVERED]
    assert {receipt.token for receipt in receipts} == {TOKEN}
    assert {Accepted(receipt.provider_id) for receipt in receipts} == {outcome}
