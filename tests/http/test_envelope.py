"""What goes around every answer: the request's id, careful headers, no CORS, and one form whatever fails."""

import asyncio
import io
from typing import Any
from uuid import UUID

import orjson
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.datastructures import Headers
from starlette.types import Message, Scope

from service import logs
from service.http.envelope import Envelope, request_id
from tests.http.serving import Web

GIVEN = "9b2c1c52-7a06-4ad5-8c2c-1b1f1e0c9d11"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (GIVEN, True),
        (GIVEN.replace("-", ""), True),
        ("order-17_a", True),
        ("", False),
        ("ada@example.com", False),
        ("447400123456", False),
        ("a b", False),
        ("a\r\nset-cookie: x", False),
        ("é", False),
        ("x" * 65, False),
    ],
)
def test_a_request_keeps_its_id_unless_that_could_be_personal_or_break_a_line(given: str, kept: bool) -> None:
    found = request_id(given.encode())
    assert (found == given) is kept
    if not kept:
        assert UUID(found)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", ["/v1/reminders", "/healthz", "/nowhere", "/openapi.json", "/v1/clinic"])
async def test_every_answer_carries_the_requests_id_and_careful_headers_and_no_cors(refusing: Web, path: str) -> None:
    given: dict[str, Any] = {"X-Request-Id": GIVEN, "Origin": "https://elsewhere.example"}
    answer = await refusing.send("GET", path, **given)
    assert answer.headers["x-request-id"] == GIVEN
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["cache-control"] == "no-store"
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asking: dict[str, Any] = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    preflight = await refusing.send("OPTIONS", path, **asking)
    assert (preflight.status, "access-control-allow-origin" in preflight.headers) in {(405, False), (404, False)}


def failing(*, encrypted: bool = False) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Envelope, encrypted=encrypted)

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("Ada's number is +447400123456")

    @app.get("/breaks")
    async def breaks() -> StreamingResponse:
        async def body() -> object:
            yield b"begun"
            raise RuntimeError

        return StreamingResponse(body())  # type: ignore[arg-type]

    return app


async def asked(app: FastAPI, path: str) -> list[Message]:
    """All that the application says to a GET."""
    headers = [(b"x-request-id", GIVEN.encode())]
    scope: Scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()  # a GET says nothing more
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def test_what_nobody_foresaw_is_a_problem_and_is_logged_with_the_requests_id() -> None:
    stream = io.StringIO()
    logs.configure_ours(stream=stream)
    try:
        start, body = await asked(failing(encrypted=True), "/fails")
    finally:
        logs.configure_ours()
    headers = Headers(raw=start["headers"])
    assert (start["status"], orjson.loads(body["body"])["code"]) == (500, "internal-error")
    assert headers["x-request-id"] == GIVEN
    assert headers["strict-transport-security"] == "max-age=31536000"
    line = orjson.loads(stream.getvalue())
    assert (line["request"], line["event"], line["error"]) == (GIVEN, "request failed", "RuntimeError")
    assert "447400" not in stream.getvalue() + str(body)


async def test_an_answer_that_has_begun_is_broken_off() -> None:
    with pytest.raises(RuntimeError):
        await asked(failing(), "/breaks")
