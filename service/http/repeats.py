"""Requests that may be sent again: a POST with an `Idempotency-Key` is carried out once, and then answered the same.

Kept for a day, by bearer key. An error changed nothing and is not kept: the request may be sent again under the same
key. The same key with another request is refused, and so is one whose first is still being worked on. A secret that is
shown once is not kept: the answer is repeated without it.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from service.errors import BadInput, Conflict, Problem
from service.http.auth import Keys
from service.http.manners import read_body
from service.store import kept_answers as store

HEADER = "Idempotency-Key"
_LARGEST = 1024**2
_FORM = re.compile(r"[!-~]{1,200}")
_KEPT_HEADERS = ("content-type", "etag", "location")

_Handler = Callable[[Request], Awaitable[Response]]


def repeatable(keys: Keys, scope: str, *, hidden: str = "") -> type[APIRoute]:
    """A class of routes whose POSTs heed the header; all of them need this scope. `hidden`: a field that is shown once
    and never kept."""

    class Repeatable(APIRoute):
        def get_route_handler(self) -> Any:
            plainly = super().get_route_handler()
            if "POST" not in (self.methods or ()):
                return plainly

            async def handle(request: Request) -> Response:
                if HEADER not in request.headers:
                    return await plainly(request)
                return await _once(keys, scope, request, plainly, hidden)

            return handle

    return Repeatable


async def _once(keys: Keys, scope: str, request: Request, handler: _Handler, hidden: str) -> Response:
    caller, database = await keys.caller(request, scope), keys.database  # whoever may not ask costs no write
    given = request.headers[HEADER]
    if not _FORM.fullmatch(given):
        raise BadInput(Problem("invalid-idempotency-key", HEADER, "send 1 to 200 ASCII characters, such as a UUID"))
    body = await read_body(request, _LARGEST)
    name, digest = (caller.clinic, caller.key, given), _digest(request, body)
    async with database.write() as connection:
        begun_at = await database.now(connection)
        first = await store.claim(connection, name, digest, begun_at)
    if first is not None:
        return _answer_of(first, digest)
    try:
        response = await handler(Request(request.scope, _replay(body)))
    except BaseException:
        async with database.write() as connection:
            await store.let_go(connection, name, begun_at)
        raise
    async with database.write() as connection:
        if response.status_code >= 400:
            await store.let_go(connection, name, begun_at)
        else:
            headers = {key: response.headers[key] for key in _KEPT_HEADERS if key in response.headers}
            await store.keep(connection, name, begun_at, response.status_code, headers, _kept(response, hidden))
    return response


def _kept(response: Response, hidden: str) -> bytes:
    """What may be kept of an answer: all but its secret."""
    body = bytes(response.body)
    if not hidden or hidden not in (told := orjson.loads(body)):
        return body
    return orjson.dumps(told | {hidden: None})


def _answer_of(first: Any, digest: str) -> Response:
    """What the request that came first was answered."""
    if first.request != digest:
        sentence = "another request was sent under this key: give each request one of its own"
        raise Conflict(Problem("idempotency-key-reused", HEADER, sentence))
    if first.status is None:
        raise Conflict(Problem("idempotency-key-in-use", HEADER, "the same request is being worked on: ask again soon"))
    return Response(first.body, first.status, {**first.headers, "Idempotency-Replayed": "true"})


def _digest(request: Request, body: bytes) -> str:
    parts = (request.method.encode(), request.scope["path"].encode(), request.scope["query_string"], body)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _replay(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    """The body that was read already, for the handler to read."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
