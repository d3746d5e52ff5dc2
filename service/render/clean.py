"""Makes values harmless for where they land. Values are data: whatever they hold, they are read, never obeyed."""

import re
import unicodedata
from html import escape

LINE_LIMIT = 200
LONG_LIMIT = 2_000
"""Characters of a value: names and the like; the clinic's note and web addresses. Longer ones are cut."""

_JOINERS = "\u200c\u200d"
"""Zero-width joiners shape Persian, Indic and emoji; every other invisible character only misleads."""
_LINE_BREAK = re.compile(r"\r\n?|[\n\v\f\x85\u2028\u2029]")
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}
_SPECIAL_IN_HTML = re.compile("[&<>\"'\n]")
_SPACES = {"Zs", "Zl", "Zp"}


def one_line(value: str, limit: int = LINE_LIMIT) -> str:
    """The value on one line: no control, bidi or invisible characters, runs of white space as one space."""
    if value.isprintable() and len(value) <= limit:
        return value.strip()
    visible = "".join(map(_plain, _LINE_BREAK.sub(" ", value[: limit * 2])))
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 3].rstrip()}..."


def long_line(value: str) -> str:
    return one_line(value, LONG_LIMIT)


def lines(value: str, limit: int = LONG_LIMIT) -> str:
    """As `one_line`, but keeping single line breaks: for the one field that may have them."""
    kept = (one_line(line, limit) for line in _LINE_BREAK.split(value[:limit]))
    return "\n".join(line for line in kept if line)


def for_html(text: str) -> str:
    """Safe as HTML text and inside a quoted attribute; line breaks show."""
    return escape(text).replace("\n", "<br>\n") if _SPECIAL_IN_HTML.search(text) else text


def dial(value: str) -> str:
    """A telephone number as a `tel:` link wants it: digits, with a leading plus if there was one."""
    return "".join(mark for place, mark in enumerate(value) if mark in "0123456789" or (mark == "+" and place == 0))


def is_web_address(value: str) -> bool:
    return value.startswith(("https://", "http://"))


def unwanted(source: str) -> re.Match[str] | None:
    """The first character that no message text may hold: controls, bidi overrides, surrogates, private use."""
    return _UNWANTED.search(source)


def _plain(mark: str) -> str:
    kind = unicodedata.category(mark)
    if kind in _SPACES or mark == "\t":
        return " "
    return "" if kind in _DROPPED and mark not in _JOINERS else mark


_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ue000-\uf8ff\ufeff"
    "\U000f0000-\U0010ffff]"
)
