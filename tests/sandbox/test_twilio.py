"""What the sandbox says as Twilio: to the real client, and by raw requests where that would hide the shape."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from service import clock
from service.sandbox.messages import number_of, segments
from tests.sandbox.talk import ADA, CLINIC, GRACE, SERVICE, Receiver, ask, look_up, request, text
from tests.support.sandbox import Sandbox, running_sandbox


async def with_client(sandbox: Sandbox, work: Callable[[Client], Any]) -> Any:
    """The real client blocks, so it works in a thread of its own."""
    client = Client(sandbox.account_sid, sandbox.auth_token)
    client.api.base_url = sandbox.url
    try:
        return await asyncio.to_thread(work, client)
    finally:
        client.http_client.session.close()


async def test_the_real_client_creates_and_fetches(sandbox: Sandbox) -> None:
    def work(client: Client) -> Any:
        created = client.messages.create(to=ADA, from_=CLINIC, body="Sunscreen, Ada! ☀")
        return created, client.messages(created.sid).fetch()

    created, fetched = await with_client(sandbox, work)
    assert (created.status, created.error_code, created.num_segments, created.date_sent) == ("queued", None, "1", None)
    assert created.sid.startswith("SM")
    assert len(created.sid) == 34
    assert abs(created.date_created - clock.now()) < timedelta(minutes=1)
    assert (fetched.sid, fetched.to, fetched.from_, fetched.body) == (created.sid, ADA, CLINIC, "Sunscreen, Ada! ☀")
    assert (fetched.status, fetched.date_sent) == ("delivered", created.date_created)


async def test_the_real_client_lists_newest_first_over_several_pages(sandbox: Sandbox) -> None:
    def work(client: Client) -> Any:
        for number in range(5):
            client.messages.create(to=ADA, from_=CLINIC, body=f"number {number}")
        client.messages.create(to=GRACE, from_="+15005550010", body="for Grace")
        return client.messages.list(to=ADA, page_size=2), client.messages.list(from_="+15005550010")

    to_ada, from_other = await with_client(sandbox, work)
    assert [message.body for message in to_ada] == [f"number {number}" for number in (4, 3, 2, 1, 0)]
    assert [message.to for message in from_other] == [GRACE]


async def test_a_page_stays_the_same_while_newer_messages_come_in(sandbox: Sandbox) -> None:
    for number in range(3):
        await ask(sandbox, text(sandbox, Body=f"number {number}"))
    first = (await ask(sandbox, look_up(sandbox, "Messages.json?PageSize=2"))).json
    await ask(sandbox, text(sandbox, Body="newer"))
    place = first["next_page_uri"].partition(f"{sandbox.account_sid}/")[2]
    second = (await ask(sandbox, look_up(sandbox, place))).json
    assert [message["body"] for message in first["messages"]] == ["number 2", "number 1"]
    assert [message["body"] for message in second["messages"]] == ["number 0"]
    assert (second["next_page_uri"], second["page"], second["start"], second["end"]) == (None, 1, 2, 2)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("DateSent=2026-11-22", True),
        ("DateSent=2026-11-21", False),
        ("DateSent%3E=2026-11-22T09:59:00Z", True),
        ("DateSent%3E=2026-11-22T10:01:00Z", False),
        ("DateSent%3C=2026-11-22", True),
        ("DateSent%3C=2026-11-22T00:00:00Z", False),
    ],
)
async def test_the_date_filters_look_at_when_a_message_was_sent(filters: str, found: bool) -> None:
    async with running_sandbox(now=lambda: datetime(2026, 11, 22, 10, 0, tzinfo=UTC)) as sandbox:
        await ask(sandbox, text(sandbox))
        listed = await ask(sandbox, look_up(sandbox, f"Messages.json?{filters}"))
    assert len(listed.json["messages"]) == found


async def test_the_real_client_filters_by_date(sandbox: Sandbox) -> None:
    def work(client: Client) -> Any:
        created = client.messages.create(to=ADA, from_=CLINIC, body="now")
        hour = timedelta(hours=1)
        return [
            client.messages.list(date_sent=created.date_created.date()),
            client.messages.list(date_sent_after=created.date_created - hour),
            client.messages.list(date_sent_after=created.date_created + hour),
            client.messages.list(date_sent_before=created.date_created - hour),
        ]

    assert [len(listed) for listed in await with_client(sandbox, work)] == [1, 1, 0, 0]


async def test_a_message_moves_on_as_time_passes() -> None:
    moment = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    async with running_sandbox(now=lambda: moment, sent_after=10.0, delivered_after=30.0) as sandbox:
        sid = (await ask(sandbox, text(sandbox))).json["sid"]
        seen = []
        for seconds in (0, 9, 1, 19, 1):
            moment += timedelta(seconds=seconds)
            message = (await ask(sandbox, look_up(sandbox, f"Messages/{sid}.json"))).json
            seen.append((message["status"], message["date_sent"], message["date_updated"][17:25]))
    sent = "Sun, 22 Nov 2026 10:00:10 +0000"
    assert seen == [
        ("queued", None, "10:00:00"),
        ("queued", None, "10:00:00"),
        ("sent", sent, "10:00:10"),
        ("sent", sent, "10:00:10"),
        ("delivered", sent, "10:00:30"),
    ]


async def test_a_messaging_service_accepts_first_and_picks_its_number_later(sandbox: Sandbox) -> None:
    created = (await ask(sandbox, text(sandbox, From="", MessagingServiceSid=SERVICE))).json
    fetched = (await ask(sandbox, look_up(sandbox, f"Messages/{created['sid']}.json"))).json
    assert (created["status"], created["from"], created["num_segments"]) == ("accepted", None, "0")
    assert (fetched["from"], fetched["num_segments"]) == (number_of(SERVICE), "1")
    assert created["messaging_service_sid"] == fetched["messaging_service_sid"] == SERVICE


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "07400123456"}, 21211),
        ({"To": "+0400123456"}, 21211),
        ({"To": "ada"}, 21211),
        ({"To": "+4٤٤٤٤٤٤٤"}, 21211),
        ({"StatusCallback": "javascript:alert(1)"}, 21609),
        ({"StatusCallback": "/callbacks"}, 21609),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused_with_twilios_code(
    sandbox: Sandbox, fields: dict[str, str], code: int
) -> None:
    answer = await ask(sandbox, text(sandbox, **fields))
    (line,) = await sandbox.ledger()
    assert (answer.status, answer.json["code"], answer.json["status"]) == (400, code, 400)
    assert answer.json["more_info"].endswith(str(code))
    assert (line["outcome"], line["code"], line["id"]) == ("refused", str(code), "")


async def test_the_real_client_gets_the_code_of_a_refusal(sandbox: Sandbox) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        await with_client(sandbox, lambda client: client.messages.create(to="12", from_=CLINIC, body="x"))
    assert (refusal.value.status, refusal.value.code) == (400, 21211)


@pytest.mark.parametrize(
    ("method", "place"), [("POST", "Messages.json"), ("GET", "Messages.json"), ("GET", "Messages/SM1.json")]
)
async def test_wrong_credentials_are_refused_everywhere(sandbox: Sandbox, method: str, place: str) -> None:
    answer = await ask(sandbox, request(sandbox, method, place, b"", token="wrong"))
    (line,) = await sandbox.ledger()
    assert (answer.status, answer.json["code"]) == (401, 20003)
    assert (line["outcome"], line["told"]) == ("refused", "401")


async def test_another_account_and_an_unknown_message_are_not_found(sandbox: Sandbox) -> None:
    foreign = text(sandbox).replace(b"/Accounts/AC5a", b"/Accounts/AC5b")
    answers = [await ask(sandbox, raw) for raw in (foreign, look_up(sandbox, "Messages/SM1.json"))]
    assert [(answer.status, answer.json["code"]) for answer in answers] == [(404, 20404), (404, 20404)]


@pytest.mark.parametrize("place", ["Messages.json?PageSize=x", "Messages.json?DateSent=yesterday"])
async def test_a_filter_that_cannot_be_read_is_refused(sandbox: Sandbox, place: str) -> None:
    assert (await ask(sandbox, look_up(sandbox, place))).status == 400


async def test_ids_differ_between_runs() -> None:
    sids = set()
    for _ in range(2):
        async with running_sandbox() as sandbox:
            sids.add((await ask(sandbox, text(sandbox))).json["sid"])
    assert len(sids) == 2


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted(body: str, count: int) -> None:
    assert segments(body) == count


@pytest.mark.parametrize("word", ["STOP", " stop ", "Unsubscribe", "CANCEL"])
@pytest.mark.parametrize("sender", [{"From": CLINIC}, {"From": "", "MessagingServiceSid": SERVICE}])
async def test_stop_makes_later_messages_fail_until_start(
    sandbox: Sandbox, receiver: Receiver, sender: dict[str, str], word: str
) -> None:
    await ask(sandbox, text(sandbox, **sender))
    own = number_of(SERVICE) if "MessagingServiceSid" in sender else CLINIC
    await sandbox.send_inbound(f"{receiver.url}/inbound", number=ADA, body=word, to=own)
    stopped = await ask(sandbox, text(sandbox, **sender))
    others = [await ask(sandbox, raw) for raw in (text(sandbox, To=GRACE), text(sandbox, From="+15005550010"))]
    await sandbox.send_inbound(f"{receiver.url}/inbound", number=ADA, body="START", to=own)
    assert (stopped.status, stopped.json["code"]) == (400, 21610)
    assert [answer.status for answer in others] == [201, 201]
    assert (await ask(sandbox, text(sandbox, **sender))).status == 201


async def test_a_sentence_with_stop_in_it_is_only_a_sentence(sandbox: Sandbox, receiver: Receiver) -> None:
    await sandbox.send_inbound(receiver.url, number=ADA, body="stop please", to=CLINIC)
    assert (await ask(sandbox, text(sandbox))).status == 201


async def test_a_message_holds_what_was_sent_to_the_last_character(sandbox: Sandbox) -> None:
    body = "50% off? No: 1+1=2 & ñ 😀\r\n\ttab ~ end="
    answer = await ask(sandbox, text(sandbox, Body=body))
    (line,) = await sandbox.ledger()
    assert answer.json["body"] == line["body"] == body
