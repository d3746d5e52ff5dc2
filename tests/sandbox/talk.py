"""How these tests talk: raw sockets towards the sandbox, and a receiver for what the sandbox posts."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.sandbox import Sandbox

ADA = "+447400123456"
GRACE = "+447400123457"
CLINIC = "+15005550006"
SERVICE = "MG" + "7e" * 16


@dataclass(frozen=True, slots=True)
class Heard:
    """A response or a request, as read from the socket."""

    start: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Line:
    """One connection to a sandbox."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, raw: bytes) -> Heard:
        self.writer.write(raw)
        return await self.hear()

    async def hear(self) -> Heard:
        return await hear(self.reader)


async def hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Heard(start, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def line_to(sandbox: Sandbox) -> AsyncIterator[Line]:
    address = urlsplit(sandbox.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def ask(sandbox: Sandbox, raw: bytes) -> Heard:
    async with line_to(sandbox) as line:
        return await line.ask(raw)


def text(sandbox: Sandbox, **fields: str) -> bytes:
    """A request that creates a message to Ada; fields override, an empty one is left out."""
    form = {"To": ADA, "From": CLINIC, "Body": "Sunscreen today, please."} | fields
    body = urlencode({name: value for name, value in form.items() if value}).encode()
    return request(sandbox, "POST", "Messages.json", body)


def look_up(sandbox: Sandbox, place: str) -> bytes:
    return request(sandbox, "GET", place, b"")


def request(sandbox: Sandbox, method: str, place: str, body: bytes, token: str | None = None) -> bytes:
    credentials = f"{sandbox.account_sid}:{token or sandbox.auth_token}".encode()
    head = (
        f"{method} /2010-04-01/Accounts/{sandbox.account_sid}/{place} HTTP/1.1\r\nHost: sandbox\r\n"
        f"Authorization: Basic {base64.b64encode(credentials).decode()}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def mail(sandbox: Sandbox, to: str = "ada@example.com", key: str | None = None, **fields: Any) -> bytes:
    payload = {
        "personalizations": [{"to": [{"email": to}], "custom_args": {"aftercare_token": "t0ken"}}],
        "from": {"email": "care@glow.example.com"},
        "subject": "Your skin today",
        "content": [{"type": "text/plain", "value": "Gentle care."}, {"type": "text/html", "value": "<p>Gentle</p>"}],
    }
    return raw_mail(sandbox, json.dumps(payload | fields).encode(), key)


def raw_mail(sandbox: Sandbox, body: bytes, key: str | None = None) -> bytes:
    head = (
        f"POST /v3/mail/send HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {key or sandbox.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Receiver:
    """A real HTTP server that keeps what it is sent; it answers with the next of `statuses`, then with 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.add(writer)
        try:
            while True:
                self.heard.append(await hear(reader))
                status = self.statuses.pop(0) if self.statuses else 204
                writer.write(f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.close(writer)

    async def close(self, writer: asyncio.StreamWriter) -> None:
        self.lines.discard(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    receiver.url = f"http://{host}:{port}"
    try:
        yield receiver
    finally:
        server.close()
        for writer in list(receiver.lines):
            await receiver.close(writer)
