"""What a client's text asks of us, pure: to stop, to start again, for help, or nothing: then it is an answer.

People write in their own words, so any wording that reasonably means stop counts; where it may mean something else
("cancel"), it is obeyed and staff read it too. To start again takes a clear word. Phrases are in `keywords.toml`.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

_LONGEST = 1600
"""Characters: no text has more."""
_APOSTROPHES = re.compile("['’‘`´ʼ]")
_SENTENCE_END = re.compile(r"[\n\r.,;:!?¡¿/|&+…()\[\]\"“”«»*_~]+|\s[-–—]+\s|—")
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")
_WORD = re.compile(r"[^\W_]+")


class ReplyKind(StrEnum):
    """What a text asks for. An `answer` asks for nothing."""

    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"
    HELP = "help"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Reading:
    """`more`: it says something that staff must read. `language`: of the phrase that told, empty where none did."""

    kind: ReplyKind
    more: bool
    language: str = ""


@dataclass(frozen=True, slots=True)
class _Language:
    """One language's phrases, compiled: `means["stop"]` and so on."""

    code: str
    means: Mapping[str, re.Pattern[str]]

    def says(self, what: str, words: str) -> bool:
        return self.means[what].fullmatch(words) is not None


@dataclass(frozen=True, slots=True)
class _Said:
    """One sentence: all its words, and the same without courtesies, numbers and repeats."""

    words: str
    core: str
    number: bool


def read(text: str, *, stopped: bool, handled: str = "") -> Reading:
    """Read one text. `stopped`: this number gets no texts at present. `handled`: the keyword (`STOP`, `START`, `HELP`)
    that the provider has acted on itself, empty where it did not.
    """
    said = _sentences(text[:_LONGEST])
    meant = _stop(said) or _start(said, stopped=stopped) or _help(said, text)
    match handled:
        case "STOP":
            return meant if meant and meant.kind is ReplyKind.OPT_OUT else Reading(ReplyKind.OPT_OUT, more=False)
        case "START" if stopped and (meant is None or meant.kind is not ReplyKind.OPT_IN):
            return Reading(ReplyKind.OPT_IN, more=False)
        case "HELP":
            return Reading(ReplyKind.HELP, more=False)
        case _:
            return meant or Reading(ReplyKind.ANSWER, more=True)


def _stop(said: Sequence[_Said]) -> Reading | None:
    for number, sentence in enumerate(said):
        for language in _languages():
            found = _stop_in(sentence, language)
            if found is not None:
                others = (*said[:number], *said[number + 1 :])
                more = found or any(_says_more(other) for other in others)
                return Reading(ReplyKind.OPT_OUT, more=more, language=language.code)
    return None


def _stop_in(sentence: _Said, language: _Language) -> bool | None:
    """None where the sentence asks for no stop; else whether it says more than that, or may mean something else."""
    if language.says("stop", sentence.core):
        return sentence.number
    if language.says("stop_doubtful", sentence.core):
        return True
    if language.means["not_stop"].search(sentence.core):
        return None
    found = language.means["stop_anywhere"].search(sentence.core)
    if found is None:
        return None
    rest = sentence.core[: found.start()] + sentence.core[found.end() :]
    return bool(language.means["filler"].sub("", rest).strip()) or sentence.number


def _start(said: Sequence[_Said], *, stopped: bool) -> Reading | None:
    for language in _languages():
        started = [sentence for sentence in said if language.says("start", sentence.core)]
        if started:
            more = any(sentence.number or _says_more(sentence) for sentence in said if sentence not in started)
            return Reading(ReplyKind.OPT_IN, more=more, language=language.code)
        whole = said[0] if stopped and len(said) == 1 else None
        if whole and not whole.number:
            again, exactly = language.says("start_again", whole.core), language.says("start_exactly", whole.words)
            if again or exactly:
                return Reading(ReplyKind.OPT_IN, more=False, language=language.code)
    return None


def _help(said: Sequence[_Said], text: str) -> Reading | None:
    """Only the bare word is a keyword; with an exclamation mark or a "please" somebody may be in need."""
    whole = said[0] if len(said) == 1 and not said[0].number else None
    for language in _languages() if whole else ():
        if language.says("help", plain(text.strip())) and text.strip().isalpha():
            return Reading(ReplyKind.HELP, more=False, language=language.code)
        if whole and language.says("help_worried", whole.core):
            return Reading(ReplyKind.HELP, more=True, language=language.code)
    return None


def _says_more(sentence: _Said) -> bool:
    """Whether a sentence beside a STOP says something: a courtesy or another STOP does not."""
    return sentence.number or not any(language.says("stop", sentence.core) for language in _languages())


def plain(text: str) -> str:
    """Words only: lower case, no accents, no punctuation, a letter drawn out (`stooop`) once, one space between."""
    bare = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text))
    visible = "".join(mark for mark in bare.casefold() if mark.isspace() or _shows(mark))
    return " ".join(_WORD.findall(_DRAWN_OUT.sub(r"\1", visible)))


def _shows(mark: str) -> bool:
    return unicodedata.category(mark) not in {"Mn", "Me", "Cf", "Cc"}


def _sentences(text: str) -> list[_Said]:
    """Those that say anything, beyond courtesies."""
    for symbol, word in _symbols().items():
        text = text.replace(symbol, f" {word} ")
    spelt = _spelt_out(text)
    pieces = [spelt] if spelt else _SENTENCE_END.split(text)
    parts = (part.strip() for piece in pieces for part in _joins().split(plain(piece)))
    said = [_said(part) for part in parts if part]
    return [sentence for sentence in said if sentence.core or sentence.number]


def _said(words: str) -> _Said:
    numbers = [word for word in words.split() if word.isdigit()]
    spoken = " ".join(word for word in words.split() if not word.isdigit())
    return _Said(words, " ".join(_once(_courtesies().sub(" ", spoken).split())), bool(numbers))


def _once(words: Iterable[str]) -> Iterator[str]:
    """`stop stop stop` says stop."""
    before = ""
    for word in words:
        if word != before:
            yield word
        before = word


def _spelt_out(text: str) -> str:
    """`S.T.O.P.` as one word; empty where the text is anything but single letters."""
    letters = plain(_SENTENCE_END.sub(" ", text)).split()
    return "".join(letters) if len(letters) > 2 and all(len(one) == 1 and one.isalpha() for one in letters) else ""


_MEANINGS = ("stop", "stop_doubtful", "stop_anywhere", "filler", "not_stop", "start", "start_again", "start_exactly",
             "help", "help_worried")  # fmt: skip


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("keywords.toml").read_text(encoding="utf-8"))


@cache
def _symbols() -> Mapping[str, str]:
    symbols: Mapping[str, str] = _tables()["symbols"]
    return symbols


@cache
def _languages() -> tuple[_Language, ...]:
    return tuple(_language(code, table) for code, table in _tables().items() if code != "symbols")


def _language(code: str, table: Mapping[str, Any]) -> _Language:
    means = {}
    for meaning in _MEANINGS:
        phrases = "|".join(table[meaning]) or "(?!)"
        for _ in table["parts"]:  # a part may stand in another
            for name, part in table["parts"].items():
                phrases = phrases.replace(f"{{{name}}}", part)
        means[meaning] = re.compile(rf"\b(?:{phrases})(?:\b|$)")
    return _Language(code, means)


@cache
def _courtesies() -> re.Pattern[str]:
    return _any_of("courtesy")


@cache
def _joins() -> re.Pattern[str]:
    return _any_of("joins")


def _any_of(what: str) -> re.Pattern[str]:
    phrases = sorted((phrase for code, table in _tables().items() if code != "symbols" for phrase in table[what]),
                     key=len, reverse=True)  # fmt: skip
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")
