"""What holds texts to numbers that nobody asked for, pure: fraud that earns by texts sent, and floods on one phone.

A key that leaks, or a booking form that anybody fills in, can name any number. So a clinic's texts go only to its own
countries; one number gets so many a day whoever has it; and many new numbers that are alike but for their last digits
have a person look before anything more goes out.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import phonenumbers

ABROAD: Final = "country-not-allowed"
FLOODED: Final = "too-many-to-number"
SPIKE: Final = "many-new-numbers"
HOUR: Final = timedelta(hours=1)

_PURPOSE: Final = b"texts to number"
"""Keeps these digests apart from all else that the same secret signs. At most 16 bytes."""
_DIGEST_BYTES: Final = 18
_BLOCK_DIGITS: Final = 4
_TELLING: Final = 10
"""So many characters of a number tell its country, where several share a calling code (+1, +44, +7)."""
_MOST_KNOWN: Final = 100_000
_known: dict[str, str] = {}
"""Countries by the beginning of a number: working one out costs more than all else that is asked of a reminder."""


def may_text(number: str, countries: Collection[str]) -> bool:
    """Whether a number (E.164) is of one of these countries (ISO 3166)."""
    return country_of(number) in countries


def country_of(number: str) -> str:
    """The country of a number; `001` for those of no country, empty where there is none such."""
    beginning = number[:_TELLING]
    if beginning not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[beginning] = _worked_out(number)
    return _known[beginning]


def _worked_out(number: str) -> str:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


def block_of(number: str) -> str:
    """What numbers that are sold together share."""
    return number[:-_BLOCK_DIGITS]


@dataclass(frozen=True, slots=True)
class NumberCap:
    """At most `most` texts to one number within `within`, whoever has it.

    `secret` keys the digests by which numbers are known whose clients were erased or took another.
    """

    most: int = 10
    within: timedelta = timedelta(hours=24)
    secret: str = field(default="", repr=False)

    def veil(self, clinic: str, number: str) -> str:
        """What stands for a clinic's number once nobody may know it any more."""
        keyed = _keyed_with(self.secret).copy()
        keyed.update(f"{clinic} {number}".encode())
        return str(keyed.hexdigest())


@lru_cache(maxsize=8)
def _keyed_with(secret: str) -> Any:
    key = hashlib.sha256(secret.encode()).digest()
    return hashlib.blake2b(key=key, person=_PURPOSE, digest_size=_DIGEST_BYTES)


UNCOUNTED: Final = NumberCap()
"""Without a secret no digests are kept."""


class Texts:
    """What numbers were texted lately, this start's own texts included."""

    def __init__(self, cap: NumberCap, counted: Iterable[tuple[str, str]], sent: Iterable[Any]) -> None:
        """`counted`: the (clinic, number) that are; others are kept by what one client may get. `sent`: rows of clinic,
        number, at."""
        self._cap = cap
        self._moments: dict[tuple[str, str], list[datetime]] = {key: [] for key in counted}
        for row in sent:
            self._moments[row.clinic, row.number].append(row.at)

    @property
    def counting(self) -> bool:
        """Whether any number is counted at all; nearly never."""
        return bool(self._moments)

    def free_at(self, clinic: str, number: str, now: datetime) -> datetime:
        """The first instant from now at which a text to this number would not be one too many."""
        moments = self._moments.get((clinic, number), ())
        if len(moments) < self._cap.most:
            return now
        return max(now, sorted(moments)[-self._cap.most] + self._cap.within)

    def add(self, clinic: str, number: str, now: datetime) -> None:
        if (clinic, number) in self._moments:
            self._moments[clinic, number].append(now)


def newly_over(counted: Mapping[Any, int], added: Mapping[Any, int], most: int) -> list[Any]:
    """The blocks that came to hold too many new numbers just now: those that had before are told already."""
    return sorted(key for key, numbers in counted.items() if numbers >= most > numbers - added[key])
