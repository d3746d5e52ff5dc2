"""Heads of requests that came before, by their very bytes.

A client sends the same head over and over, but for the length of its body. To read it once is enough: a request whose
head is known to the letter costs a look-up, where the parser would call back for each of its headers.
"""

from service.sandbox.wire import Head, Request

_BLANK_LINE = b"\r\n\r\n"
_MOST = 1000


class Heads:
    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Head, int]] = {}
        """With the length of the body that the head announces."""

    def recognise(self, data: bytes) -> Request | None:
        """The request that `data` is, where it is a whole one and its head is known."""
        raw, _, body = data.partition(_BLANK_LINE)
        head, length = self._known.get(raw, _UNKNOWN)
        return Request(*head, body) if head is not None and len(body) == length else None

    def learn(self, data: bytes, request: Request) -> None:
        """Keep the head of `request`, which the parser read from `data`, if it announces the length of the body.

        It does where the body stands in `data` as it is: a chunked one does not, nor do several requests.
        """
        raw, _, body = data.partition(_BLANK_LINE)
        if not body or body != request.body:
            return
        if len(self._known) == _MOST:
            self._known.clear()
        self._known[raw] = (request.head, len(body))


_UNKNOWN: tuple[None, int] = (None, 0)
