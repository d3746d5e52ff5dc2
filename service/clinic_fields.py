"""What may be set for a clinic: each field with its rule, and a sentence that says how to meet it."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import time
from typing import TypeAlias

import phonenumbers

from service.errors import BadInput, Problem
from service.intake.addresses import email_address
from service.timing import zone_named

Setting: TypeAlias = str | bool | Sequence[str] | Mapping[str, str]
"""What a clinic's column may be set to; `sms_countries` is a list, `brand` has `colour` and `logo`."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LOGO = re.compile(r"https://[^\s\"'<>]{1,500}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def field_problems(values: Mapping[str, Setting]) -> list[Problem]:
    """What is wrong with these fields of a clinic."""
    found: list[Problem] = []
    for name, value in values.items():
        if name == "time_zone":
            found += zone_problems(str(value), name)
        elif name == "sms_countries" and isinstance(value, Sequence):
            found += [_UNKNOWN_COUNTRY for country in value if country not in phonenumbers.SUPPORTED_REGIONS][:1]
        elif name == "brand" and isinstance(value, Mapping):
            found += _brand_problems(value)
        elif name in _CHECKS:
            fits, code, sentence = _CHECKS[name]
            found += [] if fits(str(value)) else [Problem(code, name, sentence)]
    return found


def zone_problems(zone: str, where: str) -> Sequence[Problem]:
    """What is wrong with a time zone that stands at this place: nothing, or that there is none of this name."""
    try:
        zone_named(zone, where)
    except BadInput as error:
        return error.problems
    return ()


def _brand_problems(brand: Mapping[str, str]) -> list[Problem]:
    found = []
    if not _COLOUR.fullmatch(brand.get("colour", "") or "#000000"):
        found.append(Problem("invalid-colour", "brand.colour", "write the colour as #rrggbb, like #0f766e"))
    if not _LOGO.fullmatch(brand.get("logo", "") or "https://a"):
        found.append(Problem("invalid-address", "brand.logo", "write the logo's address as https://..."))
    return found


def _is_time(text: str) -> bool:
    try:
        return time.fromisoformat(text).strftime("%H:%M") == text
    except ValueError:
        return False


_UNKNOWN_COUNTRY = Problem("unknown-country", "sms_countries", "write each country as two capital letters, like GB,IE")
_QUIET = (_is_time, "invalid-time", "write an hour of the day like 20:00")
_CHECKS: Mapping[str, tuple[Callable[[str], object], str, str]] = {
    "country": (
        lambda text: text in phonenumbers.SUPPORTED_REGIONS,
        "unknown-country",
        "write the country as two capital letters, like GB",
    ),
    "locale": (_LOCALE.fullmatch, "invalid-locale", "write the language as en, es or es-MX"),
    "name": (str.strip, "empty-field", "clients read the clinic's name first: it may not be empty"),
    "phone": (str.strip, "missing-phone", "messages name a number to call: give the clinic's"),
    "quiet_start": _QUIET,
    "quiet_end": _QUIET,
    "care_consent": (
        ("assumed", "explicit").__contains__,
        "unknown-policy",
        "care messages need no recorded yes (assumed) or do (explicit)",
    ),
    "alert_email": (
        lambda text: not text or email_address(text).value,
        "invalid-email",
        "write the address that alerts go to, like desk@clinic.example, or nothing",
    ),
}
