"""What a provider's errors mean: a table in a TOML file beside each channel, and the outcome that follows.

The table names classes, each with its codes; `ambiguous` holds those after which the message may still have gone:

    [codes]
    opted_out = [21610]
    [statuses]
    not_processed = [429]
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from service.errors import ConfigError, Problem
from service.types import FailureClass, OptedOut, Rejected, Retry, Unknown

Meaning: TypeAlias = FailureClass | None
"""None: ambiguous."""

_AMBIGUOUS: Final = "ambiguous"

_WORTH_ANOTHER_TRY: Final = frozenset(
    {
        FailureClass.NOT_PROCESSED,
        FailureClass.SENDER_SATURATED,
        FailureClass.ACCOUNT_CAP,
        FailureClass.HANDSET_FOR_NOW,
        FailureClass.CREDENTIAL,  # the reminder stays due until somebody mends the sender
        FailureClass.EMAIL_LATER,
        FailureClass.EMAIL_BLOCKED,
    }
)


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """A provider's own codes first, the HTTP status where a code is missing or not listed."""

    codes: Mapping[str, Meaning]
    statuses: Mapping[str, Meaning]

    def failure(self, code: str | None) -> FailureClass | None:
        """The class of a code in a receipt, where no HTTP status tells more; None: not listed."""
        return self.codes.get(code) if code else None

    def outcome(self, status: int, code: str = "", after: float | None = None) -> Retry | Rejected | OptedOut | Unknown:
        """What an answer that is no acceptance means. `after`: seconds the provider asked us to wait."""
        code = code or str(status)
        match self._meaning(status, code):
            case None:
                return Unknown(code)
            case FailureClass.OPTED_OUT:
                return OptedOut(code)
            case failure if failure in _WORTH_ANOTHER_TRY:
                return Retry(failure, code, after)
            case failure:
                return Rejected(failure, code)

    def _meaning(self, status: int, code: str) -> Meaning:
        # Only a 4xx says that the request was refused. After anything else the message may have gone, whatever code
        # the body carries.
        if not 400 <= status < 500:
            return None
        if code in self.codes:
            return self.codes[code]
        return self.statuses.get(str(status), FailureClass.MALFORMED)


def load_table(path: Path) -> ErrorTable:
    """Raises `ConfigError` (`bad-error-table`) where a class does not exist or a code is listed twice."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return ErrorTable(
        codes=_inverted(tables.get("codes", {}), f"{path.name}: codes"),
        statuses=_inverted(tables.get("statuses", {}), f"{path.name}: statuses"),
    )


def _inverted(classes: Mapping[str, Any], where: str) -> Mapping[str, Meaning]:
    meanings: dict[str, Meaning] = {}
    for code, meaning in _entries(classes, where):
        if code in meanings:
            raise _bad_table(where, f"{code} is listed twice")
        meanings[code] = meaning
    return MappingProxyType(meanings)


def _entries(classes: Mapping[str, Any], where: str) -> Iterator[tuple[str, Meaning]]:
    for name, codes in classes.items():
        if name != _AMBIGUOUS and name not in set(FailureClass):
            raise _bad_table(where, f"'{name}' is no class; there are {_AMBIGUOUS}, {', '.join(FailureClass)}")
        meaning = None if name == _AMBIGUOUS else FailureClass(name)
        for code in codes:
            yield str(code), meaning


def _bad_table(where: str, what: str) -> ConfigError:
    return ConfigError(Problem("bad-error-table", where, f"This table cannot be used: {what}."))


def seconds_to_wait(retry_after: str, now: datetime, cap: float) -> float | None:
    """How long a `Retry-After` header asks us to wait, at most `cap` seconds; None where it says nothing usable.

    Seconds or an HTTP-date, as RFC 9110 has it. A date that has passed means 0.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        # Ten digits are three centuries: int() need not read a megabyte of them.
        return min(float(text[:10]), cap)
    try:
        asked_for = parsedate_to_datetime(text)
    except ValueError:
        return None
    if asked_for.tzinfo is None:  # "-0000": UTC by RFC 5322, of a zone that nobody names
        asked_for = asked_for.replace(tzinfo=UTC)
    return min(max((asked_for - now).total_seconds(), 0.0), cap)
