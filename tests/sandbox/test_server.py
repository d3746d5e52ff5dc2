"""The HTTP that any client may rely on, by raw sockets."""

import asyncio

import pytest

from tests.sandbox.talk import ADA, GRACE, ask, line_to, mail, raw_mail, text
from tests.support.sandbox import Sandbox, running_sandbox


async def test_a_connection_carries_one_request_after_another(sandbox: Sandbox) -> None:
    async with line_to(sandbox) as line:
        first = await line.ask(text(sandbox))
        second = await line.ask(text(sandbox, To=GRACE))
    assert (first.status, second.status) == (201, 201)
    assert first.json["sid"] != second.json["sid"]


async def test_pipelined_requests_are_answered_in_order_though_the_first_one_waits(sandbox: Sandbox) -> None:
    await sandbox.set_faults({"fault": "latency", "detail": "20ms", "to": ADA})
    async with line_to(sandbox) as line:
        line.writer.write(text(sandbox) + text(sandbox, To=GRACE) + mail(sandbox))
        answers = [await line.hear() for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 202]
    assert [answer.json["to"] for answer in answers[:2]] == [ADA, GRACE]


async def test_a_request_may_arrive_byte_by_byte(sandbox: Sandbox) -> None:
    async with line_to(sandbox) as line:
        for byte in text(sandbox):
            line.writer.write(bytes([byte]))
            await line.writer.drain()
        assert (await line.hear()).json["body"] == "Sunscreen today, please."


async def test_a_chunked_body_is_put_together(sandbox: Sandbox) -> None:
    head, _, body = text(sandbox).partition(b"\r\n\r\n")
    head = head.rpartition(b"\r\nContent-Length")[0] + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:10], body[10:])) + b"0\r\n\r\n"
    answer = await ask(sandbox, head + chunks)
    assert (answer.status, answer.json["to"]) == (201, ADA)


async def test_a_client_that_expects_100_is_asked_for_its_body(sandbox: Sandbox) -> None:
    head, _, body = text(sandbox).partition(b"\r\n\r\n")
    async with line_to(sandbox) as line:
        interim = await line.ask(head + b"\r\nExpect: 100-continue\r\n\r\n")
        answer = await line.ask(body)
    assert (interim.status, answer.status) == (100, 201)


async def test_a_client_that_expects_100_waits_for_the_answers_before_it(sandbox: Sandbox) -> None:
    await sandbox.set_faults({"fault": "latency", "detail": "20ms", "count": 1})
    head, _, body = text(sandbox).partition(b"\r\n\r\n")
    async with line_to(sandbox) as line:
        line.writer.write(text(sandbox) + head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert [(await line.hear()).status for _ in range(2)] == [201, 100]
        assert (await line.ask(body)).status == 201


@pytest.mark.parametrize("asks", [b"\r\nConnection: close", b""], ids=["1.1 with close", "1.0"])
async def test_a_client_that_wants_the_connection_closed_gets_it_closed(sandbox: Sandbox, asks: bytes) -> None:
    raw = text(sandbox).replace(b"\r\nHost: sandbox", b"\r\nHost: sandbox" + asks)
    if not asks:
        raw = raw.replace(b"HTTP/1.1", b"HTTP/1.0")
    async with line_to(sandbox) as line:
        answer = await line.ask(raw + text(sandbox))
        assert (answer.headers["connection"], await line.reader.read()) == ("close", b"")
    assert len(await sandbox.ledger()) == 1


async def test_nonsense_is_answered_with_400_and_the_end(sandbox: Sandbox) -> None:
    async with line_to(sandbox) as line:
        line.writer.write(text(sandbox) + b"\x16\x03\x01 hello\r\n\r\n")
        assert [(await line.hear()).status for _ in range(2)] == [201, 400]
        assert await line.reader.read() == b""


async def test_a_body_beyond_the_limit_is_refused_in_the_providers_words() -> None:
    async with running_sandbox(max_body=1000) as sandbox, line_to(sandbox) as line:
        large = await line.ask(raw_mail(sandbox, b" " * 1001))
        small = await line.ask(mail(sandbox))
    assert (large.status, large.json["errors"][0]["field"], small.status) == (413, None, 202)


@pytest.mark.parametrize("path", ["/", "/sandbox/ledger", "/v3/mail/send", "/nowhere", "/2010-04-01/Accounts"])
async def test_an_address_without_a_use_is_not_found(sandbox: Sandbox, path: str) -> None:
    raw = f"PUT {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 0\r\n\r\n".encode()
    assert (await ask(sandbox, raw)).status == 404


async def test_the_page_for_people_escapes_all_that_it_shows(sandbox: Sandbox) -> None:
    await ask(sandbox, text(sandbox, Body="<script>alert(1)</script> & more"))
    await ask(sandbox, mail(sandbox, subject='"><img src=x>'))
    page = await ask(sandbox, b"GET / HTTP/1.1\r\nHost: sandbox\r\n\r\n")
    html = page.body.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html
    assert "<script" not in html
    assert "<img" not in html
    assert ADA in html
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_it_stops_though_clients_are_connected() -> None:
    async with running_sandbox(faults="hang=1") as sandbox, line_to(sandbox) as line:
        line.writer.write(text(sandbox))
        while not await sandbox.ledger():
            pass
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await line.hear()


async def test_two_sandboxes_cannot_share_a_port(sandbox: Sandbox) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        async with running_sandbox(port=port):
            pass
