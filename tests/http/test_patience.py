"""Callers that are slow, endless or no callers at all, over real sockets: each is refused or dropped, and in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from service.http.patience import Patience
from service.web import WebServer
from tests.http.serving import Answer

GENEROUS = Patience(headers=60, headers_size=2_000, body=60, answer=60)
SHORT = 0.05
LARGEST = b"x" * 300_000
POST = b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"


class App(FastAPI):
    """Reads bodies, answers without reading them, or has much to say; remembers how reading ended."""

    def __init__(self) -> None:
        super().__init__()
        self.read: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.said: asyncio.Queue[int] = asyncio.Queue()
        self.held = asyncio.Event()
        self.add_api_route("/read", self._read, methods=["POST"])
        self.add_api_route("/unread", self._unread, methods=["GET", "POST"])
        self.add_api_route("/much", self._much)
        self.add_api_route("/held", self._held)

    async def _read(self, request: Request) -> Response:
        try:
            await self.read.put(await request.body())
        except ClientDisconnect:
            await self.read.put(None)
        return Response("read")

    async def _unread(self) -> Response:
        return Response("unread")

    async def _held(self) -> Response:
        await self.held.wait()
        return Response("held")

    async def _much(self) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            number = 0
            try:
                while True:
                    number += 1
                    yield LARGEST
                    await asyncio.sleep(0)  # for whoever hangs up: nothing waits once nobody is there
            finally:
                await self.said.put(number)

        return StreamingResponse(parts())


class Wire:
    """A connection, as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def answer(self) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(status.split()[1]), headers, body.decode())

    async def is_over(self) -> bool:
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


@asynccontextmanager
async def called(patience: Patience = GENEROUS) -> AsyncIterator[tuple[App, Wire]]:
    app = App()
    server = WebServer(app, "127.0.0.1", 0, patience)
    running = asyncio.create_task(server.run())
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield app, Wire(reader, writer)
    finally:
        writer.close()
        server.stop()
        await running


@pytest.mark.parametrize(
    "begun", [b"GET /unread HTTP/1.1\r\nx-slow: ", b"GET ", b"GET /unread HTTP/1.1\r\nhost: x\r\n"]
)
async def test_headers_that_do_not_end_are_not_waited_for(begun: bytes) -> None:
    async with called(Patience(headers=SHORT)) as (_, wire):
        await wire.say(begun)
        answer = await wire.answer()
        assert answer.is_problem(408, "request-too-slow")
        assert (answer.headers["connection"], await wire.is_over()) == ("close", True)


@pytest.mark.parametrize("said", [b"", b"\r\n", b"\r\n\r\n\r\n"])
async def test_who_says_nothing_is_hung_up_on(said: bytes) -> None:
    async with called(Patience(headers=SHORT)) as (_, wire):
        await wire.say(said)
        assert await wire.is_over()


@pytest.mark.parametrize("next_", [b"\r\n", b"GET /unr"])
async def test_so_is_who_says_nothing_more_after_an_answer(next_: bytes) -> None:
    async with called(Patience(headers=SHORT)) as (_, wire):
        await wire.say(b"GET /unread HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await wire.answer()).text == "unread"
        await wire.say(next_)
        assert await wire.is_over()


async def test_a_body_that_does_not_end_is_not_waited_for_and_the_application_hears_that_nobody_is_there() -> None:
    async with called(Patience(body=SHORT)) as (app, wire):
        await wire.say(POST, b"half")
        answer = await wire.answer()
        assert answer.is_problem(408, "request-too-slow")
        assert await wire.is_over()
        assert await app.read.get() is None


async def test_what_is_left_of_a_body_that_was_answered_before_is_not_waited_for() -> None:
    async with called(Patience(headers=SHORT, body=SHORT)) as (_, wire):
        await wire.say(POST.replace(b"/read", b"/unread"))
        assert (await wire.answer()).text == "unread"
        await wire.say(b"half")
        assert await wire.is_over()


@pytest.mark.parametrize(
    "headers",
    [
        [b"x-large: " + b"y" * 3_000 + b"\r\n\r\n"],
        [b"x-%d: y\r\n" % number for number in range(300)],
        [b"x-endless: ", b"y" * 1_500, b"y" * 1_500],
    ],
    ids=["one", "many", "endless"],
)
async def test_headers_that_are_too_large_are_refused(headers: list[bytes]) -> None:
    async with called() as (_, wire):
        await wire.say(b"GET /unread HTTP/1.1\r\n", *headers)
        assert (await wire.answer()).is_problem(431, "headers-too-large")
        assert await wire.is_over()


@pytest.mark.parametrize(
    "rest",
    [
        [b"x-%d: y\r\n" % number for number in range(300)],
        [b"x-endless: ", b"y" * 300_000],
    ],
    ids=["many", "endless"],
)
async def test_so_are_headers_that_come_behind_a_body(rest: list[bytes]) -> None:
    async with called() as (app, wire):
        await wire.say(b"POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n")
        with suppress(ConnectionError):
            await wire.say(*rest)
        assert await app.read.get() is None


async def test_an_answer_that_nobody_takes_is_dropped() -> None:
    async with called(Patience(answer=SHORT)) as (app, wire):
        await wire.say(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await app.said.get() > 1


async def test_what_is_no_request_is_told_so() -> None:
    async with called() as (_, wire):
        await wire.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert (await wire.answer()).is_problem(400, "not-http")


async def test_a_request_that_is_too_slow_is_not_answered_in_place_of_the_one_before_it() -> None:
    async with called(Patience(body=SHORT)) as (app, wire):
        await wire.say(b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n" + POST)  # the second one's body never comes
        assert await wire.is_over()
        app.held.set()


async def test_a_body_behind_an_upgrade_is_no_further_request() -> None:
    hidden = b"GET /unread HTTP/1.1\r\nhost: x\r\n\r\n"
    head = b"POST /read HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: %d\r\n\r\n"
    async with called(GENEROUS) as (app, wire):
        await wire.say(head % len(hidden) + hidden)
        answer = await wire.answer()
        assert answer.is_problem(400, "not-http")
        assert await wire.is_over()
        assert app.read.empty()


async def test_requests_that_come_in_pieces_or_one_after_another_are_answered() -> None:
    async with called() as (app, wire):
        await wire.say(POST[:20], POST[20:], b"by", b" halves")
        assert (await wire.answer()).text == "read"
        large = b"l" * 200_000
        await wire.say(POST.replace(b" 9", b" 200000") + large)
        assert ((await wire.answer()).text, await app.read.get(), await app.read.get()) == ("read", b"by halves", large)
        await wire.say(POST + b"and again" + POST + b"and again")
        assert [(await wire.answer()).text for _ in range(2)] == ["read", "read"]
        assert [await app.read.get() for _ in range(2)] == [b"and again", b"and again"]
