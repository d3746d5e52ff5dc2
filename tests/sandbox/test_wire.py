"""Forms and heads are read by short cuts: what those say is what the long way says."""

from urllib.parse import parse_qsl, urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import clock
from service.sandbox.heads import Heads
from service.sandbox.messages import Life, Text
from service.sandbox.receipts import receipt
from service.sandbox.wire import Request, parse_form
from tests.sandbox.talk import ADA, CLINIC, GRACE, SERVICE, ask, line_to, text
from tests.support.sandbox import Sandbox

ESCAPES = [b"%22", b"%5C", b"%00", b"%C3%A9", b"%FF", b"%zz", b"%2", b"%", b"+"]
RAW = [b'"', b"\\", b"\n", b"\xc3\xa9", b"\xc3", b"=", b"a"]


@settings(max_examples=50)
@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_a_form_is_read_as_it_was_written(form: dict[str, str]) -> None:
    assert parse_form(urlencode(form, errors="replace").encode()) == dict(
        parse_qsl(urlencode(form, errors="replace"), keep_blank_values=True)
    )


@settings(max_examples=50)
@given(st.lists(st.sampled_from(ESCAPES + RAW), max_size=8).map(b"".join))
def test_a_form_that_no_client_writes_is_read_all_the_same(value: bytes) -> None:
    expected = dict(parse_qsl((b"name=" + value).decode("utf-8", "replace"), keep_blank_values=True))
    assert parse_form(b"name=" + value + b"&last=1") == expected | {"last": "1"}


def test_of_a_repeated_name_the_last_value_counts() -> None:
    assert parse_form(b"a=1&a=2") == {"a": "2"}
    assert parse_form(b"a&b=1") == {"a": "", "b": "1"}


@pytest.mark.parametrize("service", ["", SERVICE])
@pytest.mark.parametrize("sender", [CLINIC, '100% "Glow" %b', "Ｇ"])
@pytest.mark.parametrize("body", ["Sunscreen.", 'a "b" \\ %b %d\n☀', "x" * 400])
def test_a_receipt_is_the_message_as_json(service: str, sender: str, body: str) -> None:
    life = Life("outbound-api", "accepted" if service else "queued", ((0.0, "delivered"),))
    taken = Text("SM" + "1" * 32, "AC" + "5a" * 16, ADA, sender, service, body, clock.now(), life)
    assert receipt(taken) == orjson.dumps(taken.as_json(life.first, taken.created))


def request(body: bytes) -> Request:
    return Request(b"POST", "/", "", b"", True, body)


def test_a_head_is_known_only_with_a_whole_body_of_the_same_length() -> None:
    heads, raw = Heads(), b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
    assert heads.recognise(raw + b"one") is None
    heads.learn(raw + b"one", request(b"one"))
    assert heads.recognise(raw + b"two") == request(b"two")
    assert heads.recognise(raw + b"tw") is heads.recognise(raw + b"three") is heads.recognise(b"") is None


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n", b"one"),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\none", b"one"),
    ],
    ids=["chunked", "no body", "two requests"],
)
def test_a_head_that_announces_no_length_is_not_kept(data: bytes, body: bytes) -> None:
    heads = Heads()
    heads.learn(data, request(body))
    assert heads.recognise(data) is None


async def test_a_known_head_is_served_whole_in_parts_and_in_a_row(sandbox: Sandbox) -> None:
    first, second = text(sandbox), text(sandbox, To=GRACE)
    async with line_to(sandbox) as line:
        answers = [await line.ask(first), await line.ask(second)]
        line.writer.write(first[:-9])
        await line.writer.drain()
        line.writer.write(first[-9:] + second)
        answers += [await line.hear(), await line.hear()]
    assert [answer.json["to"] for answer in answers] == [ADA, GRACE] * 2


async def test_a_known_head_waits_its_turn(sandbox: Sandbox) -> None:
    await ask(sandbox, text(sandbox))
    await sandbox.set_faults({"fault": "latency", "detail": "20ms", "to": ADA})
    async with line_to(sandbox) as line:
        line.writer.write(text(sandbox))
        while len(await sandbox.ledger()) == 1:
            pass
        line.writer.write(text(sandbox, To=GRACE))
        assert [(await line.hear()).json["to"] for _ in range(2)] == [ADA, GRACE]


async def test_a_refused_text_without_a_sender_is_told_without_one(sandbox: Sandbox) -> None:
    await ask(sandbox, text(sandbox, From=""))
    (line,) = await sandbox.ledger()
    assert (line["from"], line["code"], line["id"]) == ("", "21603", "")
