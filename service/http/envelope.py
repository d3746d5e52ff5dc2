"""What goes around every request: its id, in the answer and in the log; headers that keep browsers careful; and an
answer in our form whatever fails.

`X-Request-Id` is the caller's where it is a UUID, or letters and digits with too few digits to be a number to call;
else one is made.
"""

import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs
from service.http.problems import unforeseen

_HEADER = b"x-request-id"
_LONGEST = 64

_CAREFUL = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""Where an answer says nothing else itself, as pages do."""
_ENCRYPTED = (b"strict-transport-security", b"max-age=31536000")


class Envelope:
    """`encrypted`: the world reaches us by https, and browsers should never try otherwise."""

    def __init__(self, app: ASGIApp, *, encrypted: bool = False) -> None:
        self._app = app
        self._headers = (*_CAREFUL, _ENCRYPTED) if encrypted else _CAREFUL

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = request_id(next((value for name, value in scope["headers"] if name == _HEADER), b""))
        begun = False

        async def sealed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = message["headers"]
                there = {name for name, _ in headers}
                missing = [pair for pair in self._headers if pair[0] not in there]
                message = {**message, "headers": [*headers, *missing, (_HEADER, request.encode())]}
            await send(message)

        with logs.context(request=request):
            try:
                await self._app(scope, receive, sealed)
            except Exception as error:  # the outermost place that can still answer
                answer = unforeseen(error)
                if begun:
                    raise
                await answer(scope, receive, sealed)


def request_id(given: bytes) -> str:
    """The id that was given, or one that is made."""
    text = given.decode("latin-1") if len(given) <= _LONGEST else ""
    return text if text and logs.shows("request", text) else secrets.token_hex(16)
