"""What the network can do to a request, on real sockets: whether it surely never left is always known."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import clock
from service.channels.http import MAX_ANSWER, HttpPool, Interrupted, Reply, form_body, json_body
from service.types import FailureClass, Outcome, Rejected, Retry, Unknown
from tests.channels.provider import (
    Behaviour,
    Exchange,
    close_after_reading,
    closed_port,
    deaf_port,
    hang,
    provider,
    raw,
    reply,
    reset_after_reading,
    reset_before_reading,
)

HEAD = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n"


async def answer_to(pool: HttpPool, url: str, body: bytes = b"a=b", start_before: float | None = None) -> Reply:
    soon = clock.monotonic() + 60
    return await pool.post(pool.endpoint(url, {}), body, soon if start_before is None else start_before)


async def post(pool: HttpPool, url: str, body: bytes = b"a=b", start_before: float | None = None) -> Outcome:
    """The outcome of a request that is not answered."""
    with pytest.raises(Interrupted) as caught:
        await answer_to(pool, url, body, start_before)
    return caught.value.outcome


def not_sent(code: str) -> Retry:
    return Retry(FailureClass.NOT_PROCESSED, code)


async def half_a_body(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.write(HEAD + b"{")


async def half_a_body_then_reset(exchange: Exchange) -> None:
    await half_a_body(exchange)
    exchange.reset()


async def half_a_body_then_nothing(exchange: Exchange) -> None:
    await half_a_body(exchange)
    await asyncio.Event().wait()


async def drip(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.write(HEAD)
    for _ in range(100):
        await exchange.write(b" ")
        await asyncio.sleep(0.1)


async def endless(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.write(b"HTTP/1.1 201 Created\r\n\r\n")
    while True:
        await exchange.write(b" " * 100_000)


async def never_read(exchange: Exchange) -> None:
    exchange.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


# Surely not sent


async def test_a_refused_connection_is_surely_not_sent(pool: HttpPool) -> None:
    with closed_port() as url:
        assert await post(pool, url) == not_sent("connect-failed")


async def test_an_unknown_host_is_surely_not_sent(pool: HttpPool) -> None:
    assert await post(pool, "http://nowhere.invalid") == not_sent("dns-failed")


async def test_a_connection_that_never_opens_is_surely_not_sent(hasty_pool: HttpPool) -> None:
    with deaf_port() as url:
        assert await post(hasty_pool, url) == not_sent("connect-timed-out")


async def test_a_certificate_that_nobody_trusts_is_surely_not_sent(pool: HttpPool, self_signed: ssl.SSLContext) -> None:
    async with provider(reply(201), tls=self_signed) as server:
        assert await post(pool, server.url) == not_sent("connect-failed")
    assert server.asked == []


async def test_a_reset_during_the_tls_handshake_is_surely_not_sent(pool: HttpPool) -> None:
    async with provider(reset_before_reading) as server:
        assert await post(pool, server.url.replace("http:", "https:")) == not_sent("connect-failed")


async def test_a_stalled_tls_handshake_is_surely_not_sent(hasty_pool: HttpPool) -> None:
    async with provider(never_read) as server:
        assert await post(hasty_pool, server.url.replace("http:", "https:")) == not_sent("connect-timed-out")


async def test_a_request_that_finds_no_free_connection_is_surely_not_sent() -> None:
    pool = HttpPool(deadline=0.6, size=1)
    async with provider(hang) as server:
        outcomes = await asyncio.gather(post(pool, server.url), post(pool, server.url))
        assert set(outcomes) == {Unknown("answer-timed-out"), not_sent("pool-exhausted")}
        assert len(server.asked) == 1
    await pool.close()


async def test_a_request_past_its_start_opens_no_connection(pool: HttpPool) -> None:
    async with provider(reply(201)) as server:
        outcome = await post(pool, server.url, start_before=clock.monotonic() - 0.001)
        assert outcome == not_sent("send-deadline-passed")
        assert server.connections == 0


@pytest.mark.parametrize("encode", [form_body, json_body])
def test_a_text_that_is_no_unicode_is_refused_without_quoting_it(encode: Callable[[dict[str, str]], bytes]) -> None:
    with pytest.raises(Interrupted) as caught:
        encode({"Body": "Ada \ud800"})
    assert caught.value.outcome == Rejected(FailureClass.MALFORMED, "request-not-built")
    assert caught.value.__context__ is None


async def test_a_question_that_is_no_unicode_is_refused_before_asking(pool: HttpPool) -> None:
    async with provider(reply(200)) as server:
        with pytest.raises(Interrupted, match="request-not-built") as caught:
            await pool.ask("GET", server.url, headers={}, query={"To": "Ada \ud800"})
        assert (caught.value.__context__, server.connections) == (None, 0)


# Maybe sent


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (reset_after_reading, "connection-lost"),
        (close_after_reading, "connection-lost"),
        (raw(b"HTTP/1.1 201 Cre"), "connection-lost"),
        (raw(b"\x00\x01 this is not HTTP\r\n\r\n"), "answer-unreadable"),
        (half_a_body, "answer-unreadable"),
        (half_a_body_then_reset, "connection-lost"),
        (endless, "answer-too-long"),
    ],
)
async def test_once_connected_a_lost_answer_leaves_it_unknown(pool: HttpPool, behaviour: Behaviour, code: str) -> None:
    async with provider(behaviour) as server:
        assert await post(pool, server.url) == Unknown(code)
        assert len(server.asked) == 1


async def test_a_reset_before_the_provider_read_anything_is_never_taken_for_an_answer(pool: HttpPool) -> None:
    """Where it comes before the first byte was written, that is known; else it looks like any other reset."""
    async with provider(reset_before_reading) as server:
        assert await post(pool, server.url) in (Unknown("connection-lost"), not_sent("connect-failed"))


@pytest.mark.parametrize("behaviour", [hang, half_a_body_then_nothing, drip])
async def test_an_answer_that_is_not_whole_by_the_deadline_leaves_it_unknown(
    hasty_pool: HttpPool, behaviour: Behaviour
) -> None:
    async with provider(behaviour) as server:
        assert await post(hasty_pool, server.url) == Unknown("answer-timed-out")
        assert len(server.asked) == 1


async def test_a_provider_that_stops_reading_leaves_it_unknown(hasty_pool: HttpPool) -> None:
    async with provider(never_read) as server:
        assert await post(hasty_pool, server.url, b"x" * 8_000_000) == Unknown("answer-timed-out")


async def test_closing_the_pool_leaves_what_is_in_flight_unknown(pool: HttpPool) -> None:
    arrived = asyncio.Event()

    async def arrive_and_hang(exchange: Exchange) -> None:
        await exchange.read()
        arrived.set()
        await asyncio.Event().wait()

    async with provider(arrive_and_hang) as server:
        sending = asyncio.create_task(post(pool, server.url))
        await arrived.wait()
        await pool.close()
        assert await sending == Unknown("client-closed")


# Never twice


async def test_a_kept_connection_that_the_provider_closed_is_replaced(pool: HttpPool) -> None:
    gone = asyncio.Event()

    async def answer_once(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        exchange.writer.write_eof()
        await exchange.reader.read()  # until the pool has let go of it too
        gone.set()

    async with provider(answer_once) as server:
        for number in range(3):
            answer = await answer_to(pool, server.url, b"n=%d" % number)
            assert answer.status == 201
            await gone.wait()
            gone.clear()
        assert [asked.body for asked in server.asked] == [b"n=0", b"n=1", b"n=2"]
        assert server.connections == 3


async def test_a_kept_connection_that_breaks_in_mid_request_is_not_tried_again(pool: HttpPool) -> None:
    async def answer_then_break(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        await exchange.read()
        exchange.reset()

    async with provider(answer_then_break) as server:
        await answer_to(pool, server.url, b"n=1")
        assert await post(pool, server.url, b"n=2") == Unknown("connection-lost")
        assert [asked.body for asked in server.asked] == [b"n=1", b"n=2"]
        assert server.connections == 1


async def test_a_provider_that_closes_at_will_gets_no_request_twice(pool: HttpPool) -> None:
    """The race of a request with the end of a kept connection: lost now and then, repeated never."""
    turn = 0

    async def close_now_and_then(exchange: Exchange) -> None:
        nonlocal turn
        while (turn := turn + 1) % 3:
            await exchange.read()
            await exchange.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async def one(number: int) -> bool:
        try:
            await answer_to(pool, server.url, b"n=%d" % number)
        except Interrupted:
            return False
        return True

    async with provider(close_now_and_then) as server:
        answered = await asyncio.gather(*(one(number) for number in range(300)))
        arrived = [asked.body for asked in server.asked]
    assert len(arrived) == len(set(arrived))
    assert {f"n={number}".encode() for number, well in enumerate(answered) if well} <= set(arrived)


@pytest.mark.parametrize("status", [301, 307, 500, 503])
async def test_redirects_and_errors_are_answers_and_nothing_is_repeated(pool: HttpPool, status: int) -> None:
    async with provider(reply(status, Location="/elsewhere", Retry_After="0")) as server:
        answer = await answer_to(pool, server.url)
        assert (answer.status, len(server.asked)) == (status, 1)


# Requests


@given(st.dictionaries(st.sampled_from(["To", "From", "Body"]), st.text()))
@settings(max_examples=50)
def test_a_form_is_encoded_as_everybody_does_it(form: dict[str, str]) -> None:
    assert form_body(form) == urlencode(form).encode()


async def test_each_endpoint_has_its_own_headers_and_credentials_and_each_request_its_body(pool: HttpPool) -> None:
    async with provider(reply(201)) as server:
        ours = pool.endpoint(server.url, {"X-Ours": "1"}, ("AC1", "a"))
        other = pool.endpoint(server.url, {"X-Ours": "2"})
        for endpoint, body in ((ours, b"n=1"), (ours, b"n=22"), (other, b"4"), (ours, b"n=3")):
            await pool.post(endpoint, body, clock.monotonic() + 60)
    assert [(each.headers["x-ours"], each.headers.get("authorization"), each.body) for each in server.asked] == [
        ("1", "Basic QUMxOmE=", b"n=1"),
        ("1", "Basic QUMxOmE=", b"n=22"),
        ("2", None, b"4"),
        ("1", "Basic QUMxOmE=", b"n=3"),
    ]


# Answers


async def test_an_answer_comes_whole_with_its_headers(pool: HttpPool) -> None:
    chunked = (
        b"HTTP/1.1 201 Created\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    async with provider(raw(chunked)) as server:
        answer = await answer_to(pool, server.url, form_body({"a": "é"}))
    assert (answer.status, answer.body, answer.header("retry-after")) == (201, b"abc", "7")
    assert server.asked[0].body == b"a=%C3%A9"
    assert "accept-encoding" not in server.asked[0].headers


async def test_the_longest_answer_is_still_read(pool: HttpPool) -> None:
    async with provider(reply(200, b"x" * MAX_ANSWER)) as server:
        answer = await pool.ask("GET", server.url, headers={}, query={"To": "+447400123456"})
    assert len(answer.body) == MAX_ANSWER
    assert server.asked[0].target == "/?To=%2B447400123456"


async def test_connections_are_kept(pool: HttpPool) -> None:
    async with provider(reply(201)) as server:
        for _ in range(3):
            await answer_to(pool, server.url)
        assert server.connections == 1


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        pool = HttpPool(deadline=0.6, size=1)
        async with provider(reply(201)) as server:
            assert (await answer_to(pool, server.url)).status == 201
        await pool.close()


async def test_failures_carry_no_words_of_the_request(pool: HttpPool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with closed_port() as url, pytest.raises(Interrupted) as caught:
        await pool.ask("GET", url, headers={"X-Name": "Ada"}, query={"To": "+447400123456"})
    assert (str(caught.value), caught.value.__context__) == ("connect-failed", None)
    assert "447400123456" not in caplog.text
