"""How often a client hears from a clinic, pure: at most so many messages of a purpose within so long.

A clinic's own caps come before those of the settings.

Counted by when messages fell due, across treatments and channels. Safety advice of the same day (`quiet = "ignore"`) is
neither counted nor held back by purpose: what holds it is how many texts its number gets.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from service.pumping import FLOODED, UNCOUNTED, Texts
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
        return self.cap_for(row.clinic, row.purpose)

    def cap_for(self, clinic: str, purpose: str) -> Cap | None:
        """The same by their names."""
        own = self._own.get(clinic)
        return (own.get(purpose) if own else None) or self._caps.get(purpose)


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

    def count(self, due: Any, now: datetime) -> tuple[datetime, str]:
        """Count a reminder, if it may go now. Answers from when it may, nearly always now, and what holds it till then.

        A client hears of one purpose so often at most. A number gets so many texts, whoever has it: no advice is worth
        a flood on one phone.
        """
        if due.fence:
            return now, ""  # One that has begun goes on: it was counted then.
        client = None if due.quiet == Quiet.IGNORE else (due.clinic, due.client, due.purpose)
        number = (due.clinic, due.phone) if self._texts.counting and due.medium == Medium.SMS else None
        held = max(
            (self._free_at(client, now) if client else now, CAPPED),
            (self._texts.free_at(*number, now) if number else now, FLOODED),
        )
        if held[0] <= now:
            self._add(client, number, now)
        return held

    def _free_at(self, client: tuple[str, str, str], now: datetime) -> datetime:
        clinic, _, purpose = client
        moments, cap = self._moments.get(client, ()), self._caps.cap_for(clinic, purpose)
        if cap is None or len(moments) < cap.most:
            return now
        return max(now, sorted(moments)[-cap.most] + cap.within)

    def _add(self, client: tuple[str, str, str] | None, number: tuple[str, str] | None, now: datetime) -> None:
        if client:
            self._moments.setdefault(client, []).append(now)
        if number:
            self._texts.add(*number, now)
