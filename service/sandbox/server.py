"""HTTP/1.1 on a raw asyncio protocol: keep-alive, pipelining, chunked bodies, Expect, and endings that break rules.

The requests of one connection are answered one at a time, in the order they came: while an answer waits for its
latency, the next request waits too. Acceptance happens when a request's turn comes, before its latency.
"""

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import httptools

from service.sandbox.heads import Heads
from service.sandbox.wire import Answer, Ending, Request

Handler: TypeAlias = Callable[[Request], Answer | Coroutine[Any, Any, Answer]]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINGER_ZERO = struct.pack("ii", 1, 0)
_FAILED = Answer(500, b"The sandbox itself failed; see its log.\n", "text/plain")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """What all connections share."""

    handle: Handler
    deserted: Callable[[Answer], None]
    """Told of an answer whose client went away before it was written."""
    max_body: int
    hang_for: float
    open: set["Connection"]
    heads: Heads


class Connection(asyncio.Protocol):
    """One client's connection; also the callbacks of its parser, whose names httptools gives."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._owed: Answer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._mid_request = False
        self._wants_continue = False
        self._last_served = False

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._house.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.open.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        if self._owed is not None:
            self._house.deserted(self._owed)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        request = None if self._mid_request else self._house.heads.recognise(data)
        if request is None:
            self._read(data)
        elif self._busy or self._last_served:
            self._waiting.append(request)
        else:
            self._serve(request)

    def _read(self, data: bytes) -> None:
        is_start = not self._mid_request
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse_nonsense()
            return
        if is_start and self._waiting and not self._mid_request:
            self._house.heads.learn(data, self._waiting[-1])
        self._serve_waiting()

    def _refuse_nonsense(self) -> None:
        """What came before the nonsense still gets its answer, where that can be given at once."""
        self._serve_waiting()
        if self._busy:
            self.abort()
        else:
            self._write(Answer(400, b"This is not HTTP.\n", "text/plain"), keep_alive=False)

    def abort(self) -> None:
        self._transport.abort()

    # The parser's side

    def on_message_begin(self) -> None:
        self._mid_request = True
        self._url = b""
        self._authorization = b""
        self._chunks: list[bytes] = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"authorization":
            self._authorization = value
        elif name == b"expect":
            self._wants_continue = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        if self._wants_continue:
            self._continue()

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= self._house.max_body:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        self._mid_request = self._wants_continue = False
        oversized = self._size > self._house.max_body
        path, _, query = self._url.decode("latin-1").partition("?")
        self._waiting.append(
            Request(
                self._parser.get_method(),
                path,
                query,
                self._authorization,
                self._parser.should_keep_alive(),
                b"" if oversized else b"".join(self._chunks),
                oversized,
            )
        )

    # Answering

    @property
    def _busy(self) -> bool:
        return self._timer is not None or self._task is not None

    def _continue(self) -> None:
        """Ask for the body, unless an earlier answer has to go out first."""
        if not self._busy and not self._waiting:
            self._transport.write(_CONTINUE)
            self._wants_continue = False

    def _serve_waiting(self) -> None:
        while self._waiting and not self._busy and not self._last_served:
            self._serve(self._waiting.popleft())
        if self._wants_continue:
            self._continue()

    def _serve(self, request: Request) -> None:
        self._last_served = not request.keep_alive
        try:
            answer = self._house.handle(request)
        except Exception:
            _log.exception("the sandbox failed to handle a request")
            answer = _FAILED
        if isinstance(answer, Answer):
            self._give(answer, keep_alive=request.keep_alive)
        else:
            self._task = self._loop.create_task(self._give_later(answer, request))

    async def _give_later(self, answer: Coroutine[Any, Any, Answer], request: Request) -> None:
        try:
            given = await answer
        except Exception:
            _log.exception("the sandbox failed to handle a request")
            given = _FAILED
        self._task = None
        self._give(given, keep_alive=request.keep_alive)
        self._serve_waiting()

    def _give(self, answer: Answer, *, keep_alive: bool) -> None:
        if answer.delay or answer.ending:
            self._owed = None if answer.ending else answer
            wait = answer.delay + (self._house.hang_for if answer.ending is Ending.SILENCE else 0.0)
            self._timer = self._loop.call_later(wait, self._end, answer, keep_alive)
        else:
            self._write(answer, keep_alive=keep_alive)

    def _end(self, answer: Answer, keep_alive: bool) -> None:
        self._timer = self._owed = None
        if answer.ending:
            self._reset()
        else:
            self._write(answer, keep_alive=keep_alive)
            self._serve_waiting()

    def _write(self, answer: Answer, *, keep_alive: bool) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(answer.encoded(keep_alive=keep_alive))
        if not keep_alive:
            self._transport.close()

    def _reset(self) -> None:
        """Close with a TCP reset: lingering for zero seconds makes the kernel send RST instead of FIN."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._last_served = True
        self._transport.abort()
