"""Whom the starts of one worker are deciding about: one client is in one start's hands at a time.

What a client was sent lately is read from the database, where what another start is about to write does not show yet.
Starts that send to the same address wait for each other there; one by text and one by letter would not.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Client = tuple[str, str]
"""(clinic, client)."""


class InHand:
    """All that one worker is deciding about, a set for each of its starts."""

    def __init__(self) -> None:
        self._starts: list[set[Client]] = []

    @contextmanager
    def more(self) -> Iterator["Clients"]:
        """One more start's hands; what they took is let go when the block ends."""
        own: set[Client] = set()
        self._starts.append(own)
        try:
            yield Clients(own, self._starts)
        finally:
            self._starts[:] = [start for start in self._starts if start is not own]


class Clients:
    """Those in one start's hands."""

    def __init__(self, own: set[Client], starts: Sequence[set[Client]]) -> None:
        self._own = own
        self._starts = starts

    def take(self, due: Sequence[Any]) -> Sequence[Any]:
        """Those of the due reminders whose clients are in no other start's hands; the rest waits for a later start.

        Taking again lets go of what was taken before.
        """
        self._own.clear()
        elsewhere = set[Client]().union(*self._starts)
        if elsewhere:
            due = [row for row in due if (row.clinic, row.client) not in elsewhere]
        self._own.update((row.clinic, row.client) for row in due)
        return due
