"""How the console speaks: states, times, codes and names as people say them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import phonenumbers
from babel import Locale, UnknownLocaleError
from markupsafe import Markup, escape

from service.console.parts import Titled


@dataclass(frozen=True, slots=True)
class State:
    """A state for people: a word, a tone (its colour), an icon, and what it means."""

    word: str
    tone: str
    icon: str
    meaning: str


_STATES = {
    "scheduled": State("Waiting", "wait", "clock", "It goes out when its time comes."),
    "sending": State("Sending", "wait", "clock", "It is on its way to the provider."),
    "accepted": State("Handed over", "sent", "arrow", "The provider has it; no receipt yet."),
    "sent": State("Sent", "sent", "arrow", "It left for the client; no receipt yet."),
    "delivered": State("Delivered", "good", "check", "It reached the client."),
    "captured": State("In the outbox", "kept", "tray", "Kept here instead of being sent: nothing left the house."),
    "undelivered": State("Not delivered", "bad", "alert", "The network could not deliver it."),
    "failed": State("Failed", "bad", "alert", "It could not be sent."),
    "unknown": State("Being checked", "wait", "clock", "The provider's answer was lost; its records are being asked."),
    "absent": State("Did not leave", "off", "slash", "The provider's records show that it never left."),
    "skipped": State("Skipped", "off", "slash", "This step did not apply."),
    "cancelled": State("Cancelled", "off", "slash", "It was called off."),
    "expired": State("Expired", "off", "slash", "Its time passed before it could be sent."),
    "needs_review": State("Needs a person", "bad", "alert", "Someone has to decide what becomes of it."),
}
_MEDIA = {"sms": "SMS", "email": "Email"}
_PURPOSES = {"care": "Care", "rebook": "Next visit", "review": "Review"}
_LANGUAGES = {"en": "English", "es": "Spanish"}
_ORIGINS = {
    "clinic": "Your own words",
    "clinic-default": "Your own words, in your clinic's language",
    "shipped": "The shipped words",
    "shipped-default": "The shipped words, in another language",
    "draft": "Your draft",
    "": "Nothing: there are no words for this reader",
}

PROBLEMS = {
    403: ("That did not come from here", "Please go back to the console and try again."),
    404: ("Nothing here", "This page does not exist, or it is not your clinic's."),
    500: ("Something broke on our side", "It has been noted. Please try again; if it stays, tell whoever runs this."),
    503: ("Just a moment", "The database cannot answer right now. Please try again in a few seconds."),
}


def state(code: str) -> State:
    return _STATES[code]


def sentence(code: str, sentences: Mapping[str, str]) -> str:
    """A reason as a sentence; a code that no room has put into words still reads as words."""
    text = sentences.get(code) or code.replace("-", " ").replace("_", " ").replace(".", ": ")
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def treatment_title(code: str, protocols: Mapping[str, Titled]) -> str:
    return protocols[code].title if code in protocols else code


def step_title(step: str, occurrence: int = 0) -> str:
    """`day-1-sunscreen` -> `Day 1 sunscreen`; further sends of the same step (occurrence 1 on) are counted."""
    title = step.replace("-", " ").capitalize()
    return f"{title}, {_ORDINALS.get(occurrence, f'{occurrence + 1}th')} time" if occurrence else title


def language(locale: str) -> str:
    """`es` -> `Spanish`, `es-MX` -> `Spanish (MX)`; a language that is not shipped by its own name."""
    name = _LANGUAGES.get(locale.partition("-")[0])
    if name is None:
        return str(Locale.parse(locale, sep="-").get_display_name("en")) if _is_known(locale) else locale
    region = locale.partition("-")[2]
    return f"{name} ({region})" if region else name


def _is_known(locale: str) -> bool:
    try:
        Locale.parse(locale, sep="-")
    except (ValueError, UnknownLocaleError):
        return False
    return True


def client_name(row: Any) -> str:
    return str(row.first_name or row.client)


def session_of(row: Any) -> str:
    """`session 2 of 4`, as far as it is known."""
    if row.session is None:
        return ""
    words = f"session {row.session} of {row.of}" if row.of else f"session {row.session}"
    return words.replace(" ", "\u00a0")


def city(zone: str) -> str:
    """`America/New_York` -> `New York`: the part of a zone's name that people say."""
    return zone.rpartition("/")[2].replace("_", " ")


def clock_time(moment: datetime, zone: str) -> str:
    return f"{_local(moment, zone):%H:%M}"


def day(moment: datetime, zone: str, now: datetime) -> str:
    """`Sat 21 Nov`, with the year where it is another one than now's."""
    local = _local(moment, zone)
    text = f"{local:%a} {local.day} {local:%b}"
    return text if local.year == _local(now, zone).year else f"{text} {local.year}"


def wall_time(moment: datetime, zone: str) -> str:
    """As a form's field for a local time has it."""
    return f"{_local(moment, zone):%Y-%m-%dT%H:%M}"


def short_day(moment: datetime, zone: str) -> str:
    local = _local(moment, zone)
    return f"{local.day} {local:%b}"


def near_day(moment: datetime, zone: str, now: datetime) -> str:
    """`Today`, `Yesterday`, `Tomorrow`, or the day."""
    distance = (_local(moment, zone).date() - _local(now, zone).date()).days
    return {0: "Today", -1: "Yesterday", 1: "Tomorrow"}.get(distance) or day(moment, zone, now)


def local_time(moment: datetime, zone: str, now: datetime) -> str:
    return f"{day(moment, zone, now)}, {clock_time(moment, zone)} in {city(zone)}"


def relative(moment: datetime, now: datetime) -> str:
    """`in 4 minutes`, `2 hours ago`, `now`; beyond a fortnight in weeks or months, roughly."""
    distance = moment - now
    amount = _amount(abs(distance))
    if not amount:
        return "now"
    return f"in {amount}" if distance > timedelta() else f"{amount} ago"


def after(moment: datetime, start: datetime, zone: str) -> str:
    """How long after a treatment, in the words of a plan: `2 h`, `Day 1`, `6 months`."""
    days = (_local(moment, zone).date() - _local(start, zone).date()).days
    if days < 1:
        hours = round((moment - start) / timedelta(hours=1))
        return f"{hours} h" if hours >= 1 else "At once"
    return f"Day {days}" if days < 60 else f"{round(days / 30.44)} months"


def address(text: str) -> str:
    """A phone number in groups, as people read it; an email address as it is."""
    if not text.startswith("+"):
        return text
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def linked(text: str) -> Markup:
    """The text with its web addresses underlined, as a phone shows them. They lead nowhere: they are the client's."""
    return Markup(_LINK.sub(r'<span class="link">\1</span>', str(escape(text))))  # noqa: S704 - escaped just before


def path_part(text: str) -> str:
    """A clinic's own id inside an address."""
    return quote(text, safe="")


_ORDINALS = {1: "2nd", 2: "3rd"}
_LINK = re.compile(r"(https?://[^\s<]+)")
_UNITS = (
    (timedelta(days=60), timedelta(days=30.44), "month"),
    (timedelta(days=14), timedelta(weeks=1), "week"),
    (timedelta(hours=36), timedelta(days=1), "day"),
    (timedelta(minutes=90), timedelta(hours=1), "hour"),
    (timedelta(seconds=50), timedelta(minutes=1), "minute"),
)


def _amount(length: timedelta) -> str:
    for least, unit, name in _UNITS:
        if length >= least:
            count = round(length / unit)
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return ""


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


FILTERS: dict[str, Callable[..., Any]] = {
    "state": state,
    "step_title": step_title,
    "client_name": client_name,
    "session_of": session_of,
    "city": city,
    "clock_time": clock_time,
    "day": day,
    "short_day": short_day,
    "wall_time": wall_time,
    "near_day": near_day,
    "local_time": local_time,
    "relative": relative,
    "after": after,
    "address": address,
    "linked": linked,
    "path_part": path_part,
    "medium": lambda code: _MEDIA[code],
    "purpose": lambda code: _PURPOSES.get(code, code),
    "language": language,
    "origin": lambda code: _ORIGINS[code],
}
