"""Days and times as the readers of a locale write them."""

from datetime import date, datetime, time
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from liquid.exceptions import FilterArgumentError

_STYLES = {"weekday": "EEEE", "long": "long", "full": "full"}


@lru_cache(maxsize=4096)
def day(value: date, locale: str, style: str = "day") -> str:
    """`20 November`, or by style `Friday` (weekday), `20 November 2026` (long), `Friday, 20 November 2026` (full)."""
    known = _known(locale)
    if style == "day":
        return format_skeleton("MMMMd", value, locale=known)
    return format_date(value, _STYLES[style], locale=known)


@lru_cache(maxsize=4096)
def time_of_day(value: time, locale: str) -> str:
    """`15:00` or `3:00 PM`."""
    return " ".join(format_time(value, "short", locale=_known(locale)).split())  # some have narrow blanks: UCS-2


def date_filter(value: object, style: object = "day", *, locale: str) -> str:
    """What `| date` gives of a moment; styles are those of `day`."""
    if style != "day" and style not in _STYLES:
        raise FilterArgumentError(f"date knows day, {', '.join(_STYLES)}, and not {style}", token=None)
    return day(_moment(value).date(), locale, str(style))


def time_filter(value: object, *, locale: str) -> str:
    """What `| time` gives of a moment."""
    return time_of_day(_moment(value).time(), locale)


def _moment(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise FilterArgumentError("only treatment.ended_at has a date and a time", token=None) from None


def _known(locale: str) -> Locale:
    for name in (locale, locale.partition("-")[0], "en"):
        try:
            return Locale.parse(name.replace("_", "-"), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("babel knows English")
