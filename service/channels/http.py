"""One pooled HTTP client for all providers, which always knows whether a request surely never left.

It never repeats a request, never follows a redirect, and every request ends by its deadline. What the network can do
to a send comes out as `Interrupted`, carrying the outcome: `Retry` where no byte of the request was written, `Unknown`
everywhere else (and `Rejected` for a text that cannot be sent at all).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NoReturn
from urllib.parse import quote_plus

import orjson
from pyreqwest.bytes import Bytes
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
from pyreqwest.request import RequestBody, RequestBuilder, StreamRequest

from service.channels.base import too_late
from service.types import FailureClass, Rejected, Retry, Unknown
from service.values import value_type

MAX_ANSWER: Final = 2_000_000
"""Bytes: an answer to a send has about 1 kB, a full page of a look-up about 1 MB."""

_LONGEST_QUEUE: Final = timedelta(seconds=1)
"""Dispatch has no more slots than the pool connections, so nobody should wait; then the start would be late."""

_LONGEST_IDLE: Final = timedelta(seconds=30)
"""Shorter than load balancers keep an idle connection: we let go first, so a send seldom meets one that is closing."""

_ESCAPES: Final = {byte: (bytes([byte]), quote_plus(bytes([byte])).encode()) for byte in range(256)}
"""Each byte of a text, and how it stands in a form."""
_EQUALS, _AND = b"\xfe", b"\xff"
"""What stands in a form for `=` and `&` until its texts are escaped: no text has these bytes in UTF-8."""
_LEFT: Final = bytes(byte for byte, (plain, escaped) in _ESCAPES.items() if plain == escaped) + b"% " + _EQUALS + _AND
"""Bytes that are not escaped, or in a turn of their own."""

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


class Endpoint:
    """An address that we post to, again and again: what its requests have in common."""

    def __init__(self, blank: StreamRequest) -> None:
        self._blank = blank

    def request(self, body: bytes) -> StreamRequest:
        """The next request, as a copy: that takes a third of the CPU of building it."""
        request = self._blank.copy()
        request.body = RequestBody.from_bytes(body)
        return request


class HttpPool:
    """Connections kept open and shared by all channels; any number of requests at once up to `size`.

    `deadline`: seconds from a request's start to the last byte of its answer. At most a third of it goes into
    connecting, so that running out of time there is told apart from waiting for an answer.
    """

    def __init__(self, *, deadline: float, size: int) -> None:
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

    def endpoint(self, url: str, headers: Mapping[str, str], auth: tuple[str, str] | None = None) -> Endpoint:
        """What is posted there carries these `headers`, with the Content-Type of its bodies."""
        return Endpoint(self._builder("POST", url, headers, auth).build_streamed())

    async def post(self, endpoint: Endpoint, body: bytes, start_before: float) -> Reply:
        """The provider's answer, whatever its status; raises `Interrupted`.

        `start_before`: on `clock.monotonic()`, the instant after which the request is not started.
        """
        request = endpoint.request(body)
        if late := too_late(start_before):
            raise Interrupted(late)
        return await _answer(request)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Reply:
        """The provider's answer to a question, which changes nothing; raises `Interrupted`."""
        request: StreamRequest | None
        try:
            request = self._builder(method, url, headers, auth).query(query or {}).build_streamed()
        except (ValueError, TypeError):
            request = None
        return await _answer(request) if request else _refuse()

    def _builder(
        self, method: str, url: str, headers: Mapping[str, str], auth: tuple[str, str] | None
    ) -> RequestBuilder:
        builder = self._client.request(method, url).headers(headers)
        return builder.basic_auth(*auth) if auth else builder

    async def close(self) -> None:
        """Ends what is in flight as `Unknown`: drain first."""
        await self._client.close()


async def _answer(request: StreamRequest) -> Reply:
    try:
        async with request as response:
            read = await response.body_reader.read(MAX_ANSWER + 1)
            return Reply(response.status, response.headers, _whole(read))
    except PyreqwestError as error:
        fate = _fate(error)
    # Outside the handler: the library's words name the URL, in a look-up with the client's number.
    raise Interrupted(fate)


def _whole(read: Bytes | None) -> bytes:
    if read is None:
        return b""
    if len(read) > MAX_ANSWER:
        raise Interrupted(Unknown("answer-too-long"))
    return bytes(read)


def form_body(form: Mapping[str, str]) -> bytes:
    """A form as a body; raises `Interrupted`. Its names are plain words."""
    try:
        return form_encoded(form)
    except ValueError:
        pass
    return _refuse()


def json_body(json: object) -> bytes:
    """Anything as a body of JSON; raises `Interrupted`."""
    try:
        return orjson.dumps(json)
    except TypeError:
        pass
    return _refuse()


def _refuse() -> NoReturn:
    """A text that is no Unicode, such as a lone surrogate. Outside of handlers: the library's words quote it."""
    raise Interrupted(Rejected(FailureClass.MALFORMED, "request-not-built"))


def form_encoded(form: Mapping[str, str]) -> bytes:
    """As `urlencode` does it, in a sixth of the time: the whole form at once, and only for the bytes that it has."""
    text = _AND.join([name.encode() + _EQUALS + value.encode() for name, value in form.items()])
    # The sign that escapes begin with comes first, and that of a blank, which is escaped itself, last.
    text = text.replace(b"%", b"%25")
    for byte in set(text.translate(None, _LEFT)):
        text = text.replace(*_ESCAPES[byte])
    return text.replace(b" ", b"+").replace(_EQUALS, b"=").replace(_AND, b"&")


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
