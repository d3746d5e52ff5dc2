"""What passes over the wire: a request as it was read, an answer as it will be written.

Both are named tuples: one of each is made for every request, and benchmarks count the microseconds.
"""

import re
from binascii import a2b_qp
from enum import Enum
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

_MISREAD = re.compile(r"[^ -<>-~]")
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Ending(Enum):
    """How an exchange ends for the client."""

    ANSWERED = "answered"
    RESET = "reset"
    """The connection is torn down with a TCP reset; no byte of an answer."""
    SILENCE = "silence"
    """Nothing at all, until the client goes away or the sandbox's patience ends."""


class Request(NamedTuple):
    method: bytes
    path: str
    query: str
    authorization: bytes
    body: bytes
    keep_alive: bool
    oversized: bool = False
    """The body passed the limit and was thrown away; `body` is empty."""


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    """Seconds between reading the request and writing this."""
    ending: Ending = Ending.ANSWERED
    line: int = 0
    """The ledger's line that tells of an answer that waits; 0 where none does."""

    @property
    def told(self) -> str:
        """What the client learns, for the ledger: a status, `reset` or `silence`."""
        return str(self.status) if self.ending is Ending.ANSWERED else self.ending.value

    def on_line(self, line: int) -> "Answer":
        """Only an answer that waits can be deserted, so only that needs to know its line."""
        return self._replace(line=line) if self.delay else self

    def encoded(self, *, keep_alive: bool) -> bytes:
        head = (
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, '')}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
        )
        for name, value in self.headers:
            head += f"{name}: {value}\r\n"
        if not keep_alive:
            head += "Connection: close\r\n"
        return (head + "\r\n").encode() + self.body


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(value))


def parse_form(encoded: bytes) -> dict[str, str]:
    """A form body or query string; of a repeated name the last value counts. Bad UTF-8 becomes U+FFFD."""
    form = {}
    for pair in encoded.decode("utf-8", "replace").replace("+", " ").split("&"):
        name, _, value = pair.partition("=")
        form[name if "%" not in name else _unescaped(name)] = value if "%" not in value else _unescaped(value)
    return form


def _unescaped(text: str) -> str:
    """Percent escapes are quoted-printable with another sign, and that has a decoder ten times as fast.

    Where its own sign, a line break or a bad escape could make the two differ, the slow one decides.
    """
    if _MISREAD.search(text) is None:
        fast = a2b_qp(text.replace("%", "="))
        if b"=" not in fast and len(fast) == len(text) - 2 * text.count("%"):
            return fast.decode("utf-8", "replace")
    return unquote(text)
