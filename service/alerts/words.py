"""An alert as the letter that staff get, pure. Values are data: they are made one line and escaped, never obeyed."""

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.dates import format_datetime, format_skeleton

from service.locales import regional
from service.render.clean import for_html, lines, one_line
from service.store.clinics import House
from service.timing import local
from service.types import Email

REPLY: Final = "reply"


@dataclass(frozen=True, slots=True)
class ToldReply:
    """A client's text, as far as it is known what it is about. `people`: who has the number, as (ref, first name)."""

    row: Any
    people: Sequence[tuple[str, str]]


def letter_about(alert: Any, house: House, reply: ToldReply | None) -> Email:
    """`alert` is its row; `reply` the text that an alert of kind `reply` is about."""
    words = _words_of(house.locale)
    common = {"clinic": one_line(house.name), "kind": one_line(alert.kind), "about": one_line(alert.about)}
    if reply is not None:
        subject, paragraphs = _about_reply(words, common, house, reply)
    else:
        told = words.get(alert.kind, words["other"])
        values = common | {
            name: words["reasons"].get(value) or _plain(str(value)) for name, value in alert.detail.items()
        }
        subject, paragraphs = _fill(told["subject"], values), [_fill(text, values) for text in told["text"]]
    return _letter(subject, [*paragraphs, _fill(words["foot"], common)])


def _about_reply(
    words: Mapping[str, Any], common: Mapping[str, str], house: House, reply: ToldReply
) -> tuple[str, list[str]]:
    said, row = words[REPLY], reply.row
    values = dict(common) | {
        "who": one_line(row.first_name or "") or words["nobody"],
        "when": _at(row.received_at, house, words["day"]),
        "ref": one_line(row.client or ""),
        "phone": one_line(row.address),
        "people": ", ".join(one_line(f"{name} ({ref})" if name else ref) for ref, name in reply.people),
        "step": _plain(row.step or ""),
        "date": _date(row.ended_at, house, row.location or "") if row.ended_at else "",
        "media": str(row.media),
    }
    parts = [
        (True, "said"),
        (row.step is not None, "answers"),
        (row.client is not None, "person"),
        (row.client is None and not reply.people, "nobody"),
        (row.client is None and bool(reply.people), "several"),
        (row.kind in said, row.kind),
        (row.media > 0, "media"),
    ]
    paragraphs = [_fill(said[part], values) for wanted, part in parts if wanted]
    paragraphs.insert(1, f"    {lines(row.text) or said['wordless']}")
    return _fill(said["subject"], values), paragraphs


def _letter(subject: str, paragraphs: Sequence[str]) -> Email:
    """Plain, and the same in both bodies; what a client wrote stands as a quotation."""
    html = "\n".join(
        f"<blockquote><strong>{for_html(text.strip())}</strong></blockquote>"
        if text.startswith("    ")
        else f"<p>{for_html(text)}</p>"
        for text in paragraphs
    )
    text = "\n\n".join(paragraph.replace("\n", "\n    ") for paragraph in paragraphs)
    page = f'<!doctype html><html><meta charset="utf-8"><body>\n{html}\n</body></html>'
    return Email(subject=one_line(subject), preheader="", html=page, text=f"{text}\n")


class _Lenient(string.Formatter):
    """A value that nobody gave reads as a question mark: an alert must go out whatever its words expect."""

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), "?")


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _Lenient().vformat(template, (), values)


def _plain(name: str) -> str:
    """`day-2-sensitivity-check` as people say it."""
    return one_line(name.replace("-", " "))


def _at(moment: datetime, house: House, pattern: str) -> str:
    return str(format_datetime(local(moment, house.time_zone), pattern, locale=_reading(house)))


def _date(moment: datetime, house: House, location: str) -> str:
    return str(format_skeleton("MMMMd", local(moment, house.zone_for("", location)), locale=_reading(house)))


def _reading(house: House) -> str:
    """As staff there write dates, in the language of the letter."""
    language = _language(house.locale)
    return regional(house.locale if house.locale.lower().startswith(language) else language, house.country)


def _language(locale: str) -> str:
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in _tables() else "en"


def _words_of(locale: str) -> Mapping[str, Any]:
    words: Mapping[str, Any] = _tables()[_language(locale)]
    return words


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
