"""What passes over the wire: a request as it was read, an answer as it will be written.

All are named tuples: some are made for every request, and benchmarks count the microseconds.
"""

from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Ending(Enum):
    """How an exchange ends for the client without an answer."""

    RESET = "reset"
    """The connection is torn down with a TCP reset; no byte of an answer."""
    SILENCE = "silence"
    """Nothing at all, until the client goes away or the sandbox's patience ends."""


class Head(NamedTuple):
    """What a request says before its body."""

    method: bytes
    path: str
    query: str
    authorization: bytes
    keep_alive: bool


class Request(NamedTuple):
    method: bytes
    path: str
    query: str
    authorization: bytes
    keep_alive: bool
    body: bytes
    oversized: bool = False
    """The body passed the limit and was thrown away; `body` is empty."""

    @property
    def head(self) -> Head:
        return Head(self.method, self.path, self.query, self.authorization, self.keep_alive)


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    """Seconds between reading the request and writing this."""
    ending: Ending | None = None
    line: int = 0
    """The ledger's line that tells of an answer that waits; 0 where none does."""

    @property
    def told(self) -> str:
        """What the client learns, for the ledger: a status, `reset` or `silence`."""
        return str(self.status) if self.ending is None else self.ending.value

    def on_line(self, line: int) -> "Answer":
        """Only an answer that waits can be deserted, so only that needs to know its line."""
        return self._replace(line=line) if self.delay else self

    def encoded(self, *, keep_alive: bool) -> bytes:
        more = b"" if keep_alive and not self.headers else self._more_headers(keep_alive)
        start = _start_of(self.status, self.content_type)
        return b"%bContent-Length: %d\r\n%b\r\n%b" % (start, len(self.body), more, self.body)

    def _more_headers(self, keep_alive: bool) -> bytes:
        lines = [f"{name}: {value}\r\n" for name, value in self.headers]
        return "".join(lines if keep_alive else [*lines, "Connection: close\r\n"]).encode()


@lru_cache
def _start_of(status: int, content_type: str) -> bytes:
    return f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\nContent-Type: {content_type}\r\n".encode()


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(value))


def parse_form(encoded: bytes) -> dict[str, str]:
    """A form body or query string; of a repeated name the last value counts. Bad UTF-8 becomes U+FFFD."""
    form = _read_as_json(encoded)
    if form is None:
        pairs = [pair.partition("=") for pair in encoded.decode("utf-8", "replace").replace("+", " ").split("&")]
        return {unquote(name): unquote(value) for name, _, value in pairs}
    if all(map(str.isascii, (*form, *form.values()))):
        return form
    return {_from_utf8(name): _from_utf8(value) for name, value in form.items()}


def _read_as_json(encoded: bytes) -> dict[str, str] | None:
    """The form with a letter for each escaped byte; None where it is not escaped as clients do it.

    Such a form is a JSON object in other signs, and for that there is a parser several times as fast. Whatever else
    stands in a form is no JSON, but for the signs that have a meaning there.
    """
    if not encoded.isascii() or b'"' in encoded or b"\\" in encoded:
        return None
    inner = encoded.replace(b"+", b" ").replace(b"%", b"\\u00").replace(b"&", b'","').replace(b"=", b'":"')
    try:
        form: dict[str, str] = orjson.loads(b'{"%b"}' % inner)
    except orjson.JSONDecodeError:
        return None
    return form


def _from_utf8(letters: str) -> str:
    return letters.encode("latin-1").decode("utf-8", "replace")
