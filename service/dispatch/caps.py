"""How often a client hears from a clinic, pure: at most so many messages of a purpose within so long.

A clinic's own caps come before those of the settings.

Counted by when messages fell due, across treatments and channels. Safety advice of the same day (`quiet = "ignore"`) is
neither counted nor held back by purpose: what holds it is how many texts its number gets.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from service.pumping import UNCOUNTED, Texts
from service.store.clinics import House
from service.types import Cap, Medium, Quiet

CAPPED = "too-many-messages"


class CapBook:
    """Which cap holds: the clinic's own for the purpose, else that of the settings, else none."""

    def __init__(self, caps: Mapping[str, Cap], clinics: Iterable[House] = ()) -> None:
        """`caps` by purpose."""
        self._caps = caps
        self._own = {house.id: house.caps for house in clinics if house.caps}

    def cap_of(self, row: Any) -> Cap | None:
        """For a row of clinic and purpose."""
        own = self._own.get(row.clinic)
        return (own.get(row.purpose) if own else None) or self._caps.get(row.purpose)


class Counts:
    """What clients were sent lately, this start's own messages included."""

    def __init__(self, caps: CapBook, sent: Iterable[Any], texts: Texts | None = None) -> None:
        """`sent`: rows of clinic, client, purpose, due_at. `texts`: what went to numbers that are counted for
        themselves."""
        self._caps = caps
        self._texts = texts or Texts(UNCOUNTED, (), ())
        self._moments: dict[tuple[str, str, str], list[datetime]] = {}
        for row in sent:
            self._moments.setdefault((row.clinic, row.client, row.purpose), []).append(row.due_at)

    def free_at(self, due: Any, now: datetime) -> datetime:
        """The first instant from now at which this reminder would not be one too many; now itself nearly always."""
        cap = self._caps.cap_of(due)
        # One that has begun goes on: it was counted then.
        if cap is None or due.quiet == Quiet.IGNORE or due.fence:
            return now
        moments = sorted(self._moments.get((due.clinic, due.client, due.purpose), ()))
        return max(now, moments[-cap.most] + cap.within) if len(moments) >= cap.most else now

    def number_free_at(self, due: Any, now: datetime) -> datetime:
        """The same for the number that a text goes to, whoever has it: no advice is worth a flood on one phone."""
        if due.medium != Medium.SMS or due.fence:
            return now
        return self._texts.free_at(due.clinic, due.phone, now)

    def add(self, due: Any, now: datetime) -> None:
        """One more is on its way."""
        if due.medium == Medium.SMS and not due.fence:
            self._texts.add(due.clinic, due.phone, now)
        if due.quiet != Quiet.IGNORE and not due.fence:
            self._moments.setdefault((due.clinic, due.client, due.purpose), []).append(now)
