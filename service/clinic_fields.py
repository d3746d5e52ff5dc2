"""What may be set for a clinic: each field with its rule, and a sentence that says how to meet it."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import time
from typing import Any, TypeAlias

import phonenumbers

from service.errors import BadInput, Problem
from service.intake.addresses import email_address
from service.timing import zone_named
from service.types import PURPOSES

Setting: TypeAlias = str | bool | int | Sequence[str] | Mapping[str, Any]
"""What a clinic's column may be set to; `sms_countries` is a list, `brand` has `colour` and `logo`, `caps` by
purpose `most` and `days`, or None: as the settings say."""

MOST, LONGEST = 10, 366
"""Bounds of a clinic's own caps: messages, and days. Ten a day is what one number may get at most, too."""

_LONGEST_ID = 100
_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LOGO = re.compile(r"https://[^\s\"'<>]{1,500}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PHONE = re.compile(r"\(?\+?[0-9 ()./\u00a0\u2010-\u2013\u202f-]+")
_SHORTEST: Mapping[str, int] = {"phone": 4, "urgent_phone": 3}
"""Digits of the short lines that no numbering plan of a country tells: those of three are for emergencies."""
_LONGEST_LINE = 6


def clinic_problems(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a new clinic, or with as much as is known of it: its `id`, its columns, and its `locations`,
    a mapping each. Places are those names: `locations.0.phone`."""
    found: list[Problem] = []
    if "id" in values and not _NAME.fullmatch(values["id"]):
        sentence = "a clinic's short name is 2 to 40 lower-case letters, digits and hyphens, like glow-soho"
        found.append(Problem("invalid-clinic", "id", sentence))
    found += field_problems(dict(sorted(values.items())))
    country = str(values.get("country", ""))
    found += phone_problems(values, country)
    locations: Sequence[Mapping[str, Any]] = values.get("locations", ())
    for place, location in enumerate(locations):
        found += location_problems(location, country, f"locations.{place}.")
    ids = [location.get("id") for location in locations]
    twice = [place for place, id_ in enumerate(ids) if id_ is not None and id_ in ids[:place]]
    return [*found, *(Problem("given-twice", f"locations.{place}.id", "this is given twice") for place in twice)]


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
        elif name == "caps" and isinstance(value, Mapping):
            found += _cap_problems(value)
        elif name in _CHECKS:
            fits, code, sentence = _CHECKS[name]
            found += [] if fits(str(value)) else [Problem(code, name, sentence)]
    return found


def phone_problems(values: Mapping[str, object], country: str, at: str = "") -> list[Problem]:
    """What is wrong with the numbers among these fields that clients are told to call; none is no fault here.

    One without an international prefix is of `country`. `at` leads the places: `locations.0.`.
    """
    sentence = "clients are told to call it: write a number that there can be, like +44 20 7946 0018"
    return [
        Problem("invalid-number", f"{at}{name}", sentence)
        for name, shortest in _SHORTEST.items()
        if (written := str(values.get(name) or "").strip()) and not _can_be_called(written, country, shortest)
    ]


def _can_be_called(written: str, country: str, shortest: int) -> bool:
    if not _PHONE.fullmatch(written):
        return False
    if "+" not in written:
        if shortest <= sum(one.isdigit() for one in written) <= _LONGEST_LINE:
            return True
        if country not in phonenumbers.SUPPORTED_REGIONS:  # that is told of the country
            return True
    try:
        known = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(written, country))
    except phonenumbers.NumberParseException:
        return False
    within_its_town = known == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY and "+" not in written
    return known == phonenumbers.ValidationResult.IS_POSSIBLE or within_its_town


def sender_number(written: str, country: str) -> str:
    """A number that texts come from as providers know it: `+44 7400 123456` is `+447400123456`.

    One without an international prefix is of `country`; short codes and names stay as they are written.
    """
    if not _PHONE.fullmatch(written) or sum(one.isdigit() for one in written) <= _LONGEST_LINE:
        return written
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return written
    known = phonenumbers.is_possible_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if known else written


def location_problems(location: Mapping[str, str], country: str, at: str = "") -> list[Problem]:
    """What is wrong with what is known of a location: its `id` and columns. `country` is its clinic's, and `at` leads
    the places."""
    found: list[Problem] = []
    if "id" in location and not _is_id(location["id"]):
        sentence = f"events name a location by at most {_LONGEST_ID} printable characters, without space around them"
        found.append(Problem("invalid-location", f"{at}id", sentence))
    if not location.get("name", "as it is").strip():
        found.append(Problem("empty-field", f"{at}name", "clients read the location's name: it may not be empty"))
    if location.get("time_zone"):
        found += zone_problems(location["time_zone"], f"{at}time_zone")
    return [*found, *phone_problems(location, country, at)]


def _is_id(text: str) -> bool:
    return bool(text) and text == text.strip() and len(text) <= _LONGEST_ID and text.isprintable()


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


def _cap_problems(caps: Mapping[str, Mapping[str, int] | None]) -> list[Problem]:
    sentence = f"a cap is 1 to {MOST} messages within 1 to {LONGEST} days"
    found = [
        Problem("invalid-cap", f"caps.{purpose}", sentence)
        for purpose, cap in caps.items()
        if cap is not None and not (1 <= cap["most"] <= MOST and 1 <= cap["days"] <= LONGEST)
    ]
    unknown = [purpose for purpose in caps if purpose not in PURPOSES]
    named = f"messages are for one of {', '.join(PURPOSES)}"
    return [*found, *(Problem("unknown-purpose", f"caps.{purpose}", named) for purpose in unknown)]


def _is_time(text: str) -> bool:
    try:
        return time.fromisoformat(text).strftime("%H:%M") == text
    except ValueError:
        return False


_UNKNOWN_COUNTRY = Problem("unknown-country", "sms_countries", "write each country as two capital letters, like GB,IE")
LONGEST_MONTHS = 600
"""Nobody is kept for longer than this by a rule that says when they go; and by none for less than a year."""


def _is_age(text: str) -> bool:
    return text == "0" or (text.isdecimal() and 12 <= int(text) <= LONGEST_MONTHS)


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
    "forget_after_months": (
        _is_age,
        "invalid-forget-after",
        f"forget clients who have not come for 12 to {LONGEST_MONTHS} months, or never (0)",
    ),
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
