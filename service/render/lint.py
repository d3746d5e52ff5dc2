"""What may be unwise in words that could be sent: warnings, each with its place, that an author can take on.

What must not be sent at all is refused elsewhere (`checks`). Here it is about cost, tact and the rules of the trade.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from service.errors import AftercareError, Problem
from service.render.fields import Values
from service.render.piece import Piece
from service.render.words import Wording, render
from service.segments import GSM_7, measure
from service.types import Medium, Purpose, Sms

SEGMENT_LIMIT = 2
"""Segments of an SMS that are kind to the reader, and to the bill."""
_MARKUP = re.compile(r"\{%-?\s*comment\b.*?\{%-?\s*endcomment\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_HEAD = re.compile(r"---\n.*?^---(?:\n|$)", re.DOTALL | re.MULTILINE)
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛′´`", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f", " "),
        **dict.fromkeys("•·", "-"),
        "…": "...", "→": "->", "×": "x", "™": "", "®": "", "©": "",
    }
)  # fmt: skip
_OF_EMOJI = "\ufe0e\ufe0f\u200d\u20e3"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the words are for. `title` is the protocol's; `clinic` the clinic's name, empty where it is not known yet.

    `tried_on` are the values of sample clients who read this language, `missing` the languages of clients who would get
    these words although they read another.
    """

    purpose: Purpose
    title: str
    tried_on: tuple[Values, ...]
    clinic: str = ""
    missing: tuple[str, ...] = ()
    segments: int = SEGMENT_LIMIT


def lint(wording: Wording, occasion: Occasion, where: str) -> list[Problem]:
    """Warnings about words that are in order otherwise; `where` names them. In the order of their rules."""
    text = _Text(wording, where)
    found = _of_a_text(text, occasion) if wording.medium is Medium.SMS else _of_a_letter(text, occasion)
    return [*found, *_of_both(text, occasion)]


def plain_form(source: str) -> str:
    """The same words in characters that texts are cheap in: straight quotes, hyphens, no emoji. Accents stay."""
    return "".join(mark for mark in source.translate(_PLAIN) if not _is_emoji(mark))


class _Text:
    """A source as the reader sees it: its Liquid blanked out, so that places stay where they are."""

    def __init__(self, wording: Wording, where: str) -> None:
        self.wording = wording
        self.piece = Piece(wording.source, where)
        self.literal = _MARKUP.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), wording.source)

    def warn(self, code: str, message: str, index: int = 0) -> Problem:
        return Problem(code, self.piece.where(max(index, 0)), message)

    def says(self, rule: str) -> re.Match[str] | None:
        """The first place where the words say what the rule looks for."""
        language = self.wording.locale.partition("-")[0]
        return next((found for one in _patterns(rule, language) if (found := one.search(self.literal))), None)

    def reads(self, field: str) -> int:
        """Where a field stands in the source; -1: nowhere."""
        own = self.wording.words.fields
        return self.wording.source.find(field) if field in own else -1


def _of_a_text(text: _Text, occasion: Occasion) -> Iterator[Problem]:
    most = max((_segments(text.wording, values) for values in occasion.tried_on), default=0)
    if most > occasion.segments:
        message = f"this text takes up to {most} segments, more than {occasion.segments}: say it in fewer words"
        yield text.warn("warn-segments", message)
    yield from _costly_characters(text)
    if "clinic.name" not in text.wording.fields | _said(text, occasion.clinic):
        yield text.warn("warn-no-clinic-name", "nobody knows who writes: begin with {{ clinic.name }}:")
    yield from _names_treatment(text, occasion.title, text.literal, "whoever sees the phone would read it")


def _of_a_letter(text: _Text, occasion: Occasion) -> Iterator[Problem]:
    head = _HEAD.match(text.literal)
    yield from _names_treatment(text, occasion.title, head.group() if head else "", "locked screens show the subject")


def _of_both(text: _Text, occasion: Occasion) -> Iterator[Problem]:
    if found := text.says("cancel"):
        message = "people would answer CANCEL and mean their visit: offer STOP"
        yield text.warn("warn-reply-cancel", message, found.start())
    if occasion.purpose is Purpose.CARE:
        yield from _selling(text)
    elif text.says("way_out") is None and text.reads("links.preferences") < 0:
        message = f"a {occasion.purpose} message says how to stop it: write Reply STOP to opt out, in your words"
        yield text.warn("warn-no-way-out", message)
    for locale in occasion.missing:
        message = f"clients who read {locale} would get these words: write them in {locale}, too"
        yield text.warn("warn-missing-translation", message)


def _selling(text: _Text) -> Iterator[Problem]:
    if (place := text.reads("links.booking")) >= 0:
        yield text.warn("warn-selling", "a care message has no booking link: care sells nothing", place)
    if found := text.says("selling"):
        message = f'"{found.group()}" sounds like marketing, and care messages need no consent to that'
        yield text.warn("warn-selling", message, found.start())


def _names_treatment(text: _Text, title: str, seen: str, because: str) -> Iterator[Problem]:
    place = (
        text.wording.source.find("treatment.title", 0, len(seen)) if "treatment.title" in text.wording.fields else -1
    )
    if place < 0 and title:
        place = seen.casefold().find(title.casefold())
    if place >= 0:
        yield text.warn("warn-treatment-named", f"this names the treatment: {because}", place)


def _costly_characters(text: _Text) -> Iterator[Problem]:
    """Only where plain characters would make the whole text cheap; for an accent there is no plain form."""
    plain = plain_form(text.literal)
    if measure(text.literal)[1] == GSM_7 or measure(plain)[1] != GSM_7:
        return
    place, mark = next((place, mark) for place, mark in enumerate(text.literal) if measure(mark)[1] != GSM_7)
    instead = plain_form(mark)
    offer = f"write {instead} instead" if instead.strip() else "leave it out"
    message = f"{mark} turns this text into Unicode, with 70 characters to a segment instead of 160: {offer}"
    yield text.warn("warn-unicode", message, place)


def _segments(wording: Wording, values: Values) -> int:
    """Of this client's text; a text that cannot be made has none, and is refused elsewhere."""
    try:
        message = render(wording, values)
    except AftercareError:
        return 0
    return message.segments if isinstance(message, Sms) else 0


def _said(text: _Text, clinic: str) -> frozenset[str]:
    """`clinic.name` where the author has written the name out."""
    written = bool(clinic) and clinic.casefold() in text.literal.casefold()
    return frozenset({"clinic.name"} if written or "location.name" in text.wording.fields else ())


def _is_emoji(mark: str) -> bool:
    return mark in _OF_EMOJI or 0x1F000 <= ord(mark) <= 0x1FAFF or 0x2190 <= ord(mark) <= 0x2BFF


@lru_cache(maxsize=64)
def _patterns(rule: str, language: str) -> tuple[re.Pattern[str], ...]:
    listed = _lists()
    expressions: Iterable[str] = dict.fromkeys((*listed.get(language, {}).get(rule, ()), *listed["en"][rule]))
    return tuple(re.compile(expression, re.IGNORECASE) for expression in expressions)


@lru_cache(maxsize=1)
def _lists() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("lint.toml").read_text("utf-8"))
