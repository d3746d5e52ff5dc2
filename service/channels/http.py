"""One pooled HTTP client for all providers, which always knows whether a request surely never left.

It never repeats a request, never follows a redirect, and every request ends by its deadline. What the network can do
to a send comes out as `Interrupted`, carrying the outcome: `Retry` where no byte of the request was written, `Unknown`
everywhere else (and `Rejected` for a text that cannot be sent at all).
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote_plus

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    ClientClosedError,
    DecodeError,
    DetailedPyreqwestError,
    NetworkError,
    PoolTimeoutError,
    PyreqwestError,
    RequestTimeoutError,
)
from pyreqwest.http import HeaderMap
from pyreqwest.request import RequestBody, StreamRequest
from pyreqwest.response import Response

from service.channels.base import too_late
from service.types import FailureClass, Rejected, Retry, Unknown
from service.values import value_type

MAX_ANSWER: Final = 2_000_000
"""Bytes: an answer to a send has about 1 kB, a full page of a look-up about 1 MB."""

_LONGEST_QUEUE: Final = timedelta(seconds=1)
"""Dispatch has no more slots than the pool connections, so nobody should wait; then the start would be late."""

_LONGEST_IDLE: Final = timedelta(seconds=30)
"""Shorter than load balancers keep an idle connection: we let go first, so a send seldom meets one that is closing."""

_ESCAPED: Final = {byte: quote_plus(bytes([byte])) for byte in range(256)}
"""How each byte of a value stands in a form."""

_NOT_CONNECTED: Final = "client error (Connect)"
_NO_SUCH_HOST: Final = "dns error"
_TIMEOUTS: Final = frozenset({"operation timed out", "deadline has elapsed"})

_LOST: Final = (
    (RequestTimeoutError, "answer-timed-out"),
    (NetworkError, "connection-lost"),
    (DecodeError, "answer-unreadable"),
    (ClientClosedError, "client-closed"),
)


class Interrupted(Exception):
    """The provider's answer was not received. Carries no words of the request: addresses must not reach logs."""

    def __init__(self, outcome: Retry | Rejected | Unknown) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome


@value_type
class Reply:
    """A provider's whole answer."""

    status: int
    headers: HeaderMap
    body: bytes

    def header(self, name: str) -> str:
        """The header's value; empty where it is missing or no ASCII."""
        try:
            return self.headers.get(name, "")
        except ValueError:
            return ""


@value_type
class _Blank:
    """A request without its body."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    auth: tuple[str, str] | None = field(repr=False)
    query: Mapping[str, Any] | None = field(repr=False)


class HttpPool:
    """Connections kept open and shared by all channels; any number of requests at once up to `size`.

    `deadline`: seconds from a request's start to the last byte of its answer. At most a third of it goes into
    connecting, so that running out of time there is told apart from waiting for an answer.
    """

    def __init__(self, *, deadline: float, size: int) -> None:
        self._posted: dict[str, tuple[_Blank, StreamRequest]] = {}
        """By URL, what was last posted there, without its body; there are as many as there are channels."""
        connecting = timedelta(seconds=deadline / 3)
        self._client: Client = (
            ClientBuilder()
            .timeout(timedelta(seconds=deadline))
            .connect_timeout(connecting)
            .pool_timeout(min(connecting, _LONGEST_QUEUE))
            .max_connections(size)
            .pool_max_idle_per_host(size)
            .pool_idle_timeout(_LONGEST_IDLE)
            .http1_only()
            .follow_redirects(False)
            # A variable in the environment must not lead clients' messages through somebody else's proxy.
            .no_proxy()
            # Nothing is unpacked, so an answer cannot swell beyond what was received.
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .build()
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        start_before: float | None = None,
    ) -> Reply:
        """The provider's answer, whatever its status; raises `Interrupted`.

        `form`, `json`: the body; its Content-Type is among `headers`, which never change once they were given. A
        form's names are plain words.
        `start_before`: on `clock.monotonic()`, the instant after which no request is started; None for those that
        change nothing.
        """
        request: StreamRequest | None
        try:
            request = self._filled(_Blank(method, url, headers, auth, query), _body(form, json))
        except (ValueError, TypeError):
            request = None
        # A text that is no Unicode, such as a lone surrogate. Outside the handler: the library's words quote it.
        if request is None:
            raise Interrupted(Rejected(FailureClass.MALFORMED, "request-not-built"))
        if start_before is not None and (late := too_late(start_before)):
            raise Interrupted(late)
        try:
            async with request as response:
                return Reply(response.status, response.headers, await _read(response))
        except PyreqwestError as error:
            fate = _fate(error)
        # Outside the handler, again: the library's words name the URL, in a look-up with the client's number.
        raise Interrupted(fate)

    def _filled(self, blank: _Blank, body: bytes | None) -> StreamRequest:
        """What is posted to one address differs by its body alone: a copy takes a third of the CPU."""
        if body is None:
            return self._built(blank)
        made_of, model = self._posted.get(blank.url, (None, None))
        if model is None or made_of != blank:
            model = self._built(blank)
            self._posted[blank.url] = blank, model
        request = model.copy()
        request.body = RequestBody.from_bytes(body)
        return request

    def _built(self, blank: _Blank) -> StreamRequest:
        builder = self._client.request(blank.method, blank.url).headers(blank.headers)
        if blank.auth:
            builder = builder.basic_auth(*blank.auth)
        if blank.query:
            builder = builder.query(blank.query)
        return builder.build_streamed()

    async def close(self) -> None:
        """Ends what is in flight as `Unknown`: drain first."""
        await self._client.close()


def _body(form: Mapping[str, str] | None, json: object) -> bytes | None:
    if form is not None:
        return form_encoded(form)
    return orjson.dumps(json) if json is not None else None


def form_encoded(form: Mapping[str, str]) -> bytes:
    """As `urlencode` does it, which takes twice as long; so does pyreqwest, which tries four types on each value."""
    # Latin-1 has a character for every byte: one table escapes them all.
    escaped = [f"{name}={value.encode().decode('latin-1').translate(_ESCAPED)}" for name, value in form.items()]
    return "&".join(escaped).encode()


async def _read(response: Response) -> bytes:
    read = await response.body_reader.read(MAX_ANSWER + 1)
    if read is None:
        return b""
    if len(read) > MAX_ANSWER:
        raise Interrupted(Unknown("answer-too-long"))
    return bytes(read)


def _fate(error: PyreqwestError) -> Retry | Unknown:
    """Whether the request surely never left.

    The classes of pyreqwest do not tell: a connection reset after the whole request was read is a `ConnectError` too,
    and a stalled answer a `ConnectTimeoutError`. Its chain of causes does: hyper's `client error (Connect)` stands for
    resolving, connecting and the TLS handshake, all before the first byte of a request. Should a later version word it
    otherwise, every failure becomes `Unknown`, the safe side, and the conformance tests fail.
    """
    causes = _causes(error)
    if isinstance(error, PoolTimeoutError):
        return _not_sent("pool-exhausted")
    if _NOT_CONNECTED in causes:
        return _not_sent(_why_not_connected(causes))
    return Unknown(next((code for kind, code in _LOST if isinstance(error, kind)), "answer-lost"))


def _why_not_connected(causes: frozenset[str]) -> str:
    if _NO_SUCH_HOST in causes:
        return "dns-failed"
    return "connect-timed-out" if causes & _TIMEOUTS else "connect-failed"


def _not_sent(code: str) -> Retry:
    return Retry(FailureClass.NOT_PROCESSED, code)


def _causes(error: PyreqwestError) -> frozenset[str]:
    if not isinstance(error, DetailedPyreqwestError):
        return frozenset()
    return frozenset(cause["message"] for cause in error.details["causes"] or ())
