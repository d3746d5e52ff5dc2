"""How long, and for how much, the web process waits: for a request's headers, its body, and for its answer to be taken.

uvicorn reads whatever comes for as long as it comes. Here a connection that does not get on is ended, so that strangers
who send a byte now and then hold nothing for long. All of it happens below the application: a request whose headers are
too slow or too large never reaches it, for one whose body is too slow the caller has hung up, and one that comes whole
at once, as nearly all do, costs no timer.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.errors import Problem
from service.http.problems import MEDIA_TYPE, problem_json

_TOO_SLOW = Problem("request-too-slow", "", "the request did not come whole in time: send it again at once")
_NOT_HTTP = Problem("not-http", "", "this cannot be read as an HTTP request")

_OF_BODIES = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds, and in bytes. `answer`: how long an answer may be stuck on its way."""

    headers: float = 10
    headers_size: int = 32 * 1024
    body: float = 30
    answer: float = 60


class PatientConfig(uvicorn.Config):
    """uvicorn's, with connections of ours. There are no web sockets here."""

    def __init__(self, app: ASGIApp, patience: Patience, **more: Any) -> None:
        super().__init__(app, http=PatientProtocol, ws="none", **more)
        self.patience = patience


class PatientProtocol(HttpToolsProtocol):
    """One connection. Whatever it has to send next must come in time."""

    def __init__(self, config: PatientConfig, *args: Any, **more: Any) -> None:
        super().__init__(config, *args, **more)
        self._patience = config.patience
        self._waiting: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._asked = False
        """Whether a request has begun."""
        self._came = self._new = 0
        """Bytes since headers began or a part of a body came; and those of what came last that belong to none yet."""
        self._headers_size = 0
        """Of those that could be read, behind the body too."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        self._new = len(data) if self.cycle is None or not self.cycle.more_body else 0
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._came > self._patience.headers_size:
            self._refuse_headers()
        elif self._waiting is None:
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._asked = True
        self._came, self._new, self._headers_size = self._new, 0, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._headers_size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._headers_size += len(name) + len(value)
        if self._headers_size > self._patience.headers_size:
            raise ValueError  # which the parser takes for a request that cannot be read

    def on_headers_complete(self) -> None:
        """A body behind an upgrade would be read as a further request: there are no upgrades here."""
        has_body = any(name in _OF_BODIES and value.strip(b"0") for name, value in self.headers)
        if has_body and self.parser.should_upgrade():
            raise ValueError  # as above
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._came = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._came = 0
        self._wait_no_more()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What cannot be read is refused in the form of all errors."""
        if self._headers_size > self._patience.headers_size:
            self._refuse_headers()
        else:
            self._refuse(400, _NOT_HTTP)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(self._patience.answer, self.transport.abort)

    def resume_writing(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        super().resume_writing()

    def _wait(self) -> None:
        """For the rest of a body, or for headers; for nothing while the application is at work."""
        if self.cycle is None or self.cycle.response_complete:
            self._waiting = self.loop.call_later(self._patience.headers, self._give_up)
        elif self.cycle.more_body:
            self._waiting = self.loop.call_later(self._patience.body, self._give_up)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        """Who has sent nothing is not answered."""
        if self._asked:
            self._refuse(408, _TOO_SLOW)
        else:
            self.transport.close()

    def _refuse_headers(self) -> None:
        sentence = f"the headers of a request hold at most {self._patience.headers_size} bytes"
        self._refuse(431, Problem("headers-too-large", "", sentence))

    def _refuse(self, status: int, problem: Problem) -> None:
        """Who has an answer already, or a part of one, gets no other."""
        if self.pipeline or (self.cycle is not None and self.cycle.response_started):
            self.transport.close()
            return
        body = orjson.dumps(problem_json(status, (problem,)))
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.close()
