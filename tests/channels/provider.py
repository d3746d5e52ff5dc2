"""A real HTTP server whose every answer a test scripts, down to torn connections, and which keeps what it was sent."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(slots=True)
class Exchange:
    """One connection, from the provider's side."""

    provider: "Provider"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> Asked:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        asked = Asked(method, target, headers, body)
        self.provider.asked.append(asked)
        return asked

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Tears the connection down: RST instead of FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour: TypeAlias = Callable[[Exchange], Awaitable[None]]


@dataclass(slots=True)
class Provider:
    """`behaviour` serves each new connection; `asked` are the requests that arrived whole."""

    behaviour: Behaviour
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.behaviour(Exchange(self, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            writer.close()


@asynccontextmanager
async def provider(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    """Serves until left; connections still open then are dropped, whatever they wait for."""
    serving = Provider(behaviour)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serving.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    serving.url = f"{'https' if tls else 'http'}://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield serving
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # one turn of the loop, in which aborted transports let go of their sockets


@contextmanager
def closed_port() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


@contextmanager
def deaf_port() -> Iterator[str]:
    """An address whose backlog is full: connecting to it neither succeeds nor fails."""
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def reply(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers every request of a connection alike. Underscores in header names stand for hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Status\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1")

    async def behave(exchange: Exchange) -> None:
        while True:
            await exchange.read()
            await exchange.write(head + body)

    return behave


def raw(answer: bytes) -> Behaviour:
    """Answers one request with these very bytes and closes."""

    async def behave(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.write(answer)

    return behave


async def reset_before_reading(exchange: Exchange) -> None:
    exchange.reset()


async def reset_after_reading(exchange: Exchange) -> None:
    await exchange.read()
    exchange.reset()


async def close_after_reading(exchange: Exchange) -> None:
    await exchange.read()


async def hang(exchange: Exchange) -> None:
    await exchange.read()
    await asyncio.Event().wait()
