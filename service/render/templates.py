"""The shipped words: `templates/<protocol>/<step>/<locale>/{sms.txt, email.md}`, all read and checked at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from service.errors import ConfigError, Problem
from service.render.layout import Layout, load_layout
from service.render.piece import BadWording
from service.render.words import Wording, read_wording
from service.types import Medium

FILES = {"sms.txt": Medium.SMS, "email.md": Medium.EMAIL}
FILE_OF = {medium: name for name, medium in FILES.items()}
_LAST_RESORT = "en"

Key: TypeAlias = tuple[str, str, Medium, str]
"""Protocol, step, medium and the locale in lower case."""


@dataclass(frozen=True, slots=True)
class Templates:
    """All shipped words by protocol, step, medium and locale, and the layout around letters."""

    wordings: Mapping[Key, Wording]
    layout: Layout

    @classmethod
    def load(cls, folder: Path) -> "Templates":
        """Reads a templates folder. Raises ConfigError with the problems of all its files at once."""
        layout = load_layout(folder)
        wordings: dict[Key, Wording] = {}
        problems: list[Problem] = []
        for path in _word_files(folder):
            try:
                wording = _read(path, folder, layout)
            except (BadWording, ConfigError) as error:
                problems.extend(error.problems)
            else:
                wordings[wording.protocol, wording.step, wording.medium, tag_of(wording.locale)] = wording
        if problems:
            raise ConfigError(*problems)
        return cls(wordings, layout)

    def find(self, protocol: str, step: str, medium: Medium, locale: str, default_locale: str) -> Wording | None:
        """The words for a reader: their locale, its language, the clinic's default, English; None: there are none."""
        for tried in fallbacks(locale, default_locale, _LAST_RESORT):
            if wording := self.wordings.get((protocol, step, medium, tried)):
                return wording
        return None

    def read(self, protocol: str, step: str, medium: Medium, locale: str, source: str) -> Wording:
        """New words from elsewhere than the folder, by the same rules and layout. Raises BadWording."""
        where = f"{protocol}/{step}/{locale}/{FILE_OF[medium]}"
        return read_wording(protocol, step, medium, locale, source, layout=self.layout, where=where)

    def recall(self, protocol: str, step: str, medium: Medium, locale: str, source: str) -> Wording:
        """Words that were sent before, to show them again: not tried on today's sample clients."""
        where = f"{protocol}/{step}/{locale}/{FILE_OF[medium]}"
        return read_wording(protocol, step, medium, locale, source, layout=self.layout, where=where, tried=False)


def missing_words(
    templates: Templates, steps: Iterable[tuple[str, str, Iterable[Medium]]], locales: Iterable[str]
) -> list[Problem]:
    """What the steps (protocol, step, media) lack in these languages, as one problem a file to be written."""
    wanted = [
        (protocol, step, medium, locale) for protocol, step, media in steps for medium in media for locale in locales
    ]
    return [_missing(*key) for key in wanted if not _has(templates, *key)]


def _has(templates: Templates, protocol: str, step: str, medium: Medium, locale: str) -> bool:
    return any((protocol, step, medium, tried) in templates.wordings for tried in fallbacks(locale))


def _missing(protocol: str, step: str, medium: Medium, locale: str) -> Problem:
    where = f"templates/{protocol}/{step}/{locale}/{FILE_OF[medium]}"
    return Problem("missing-words", where, f"the step {step} has no {medium} text in {locale}; write this file")


def fallbacks(*locales: str) -> Iterator[str]:
    """`es_MX` is tried as `es-mx`, then as `es`."""
    for locale in locales:
        tag = tag_of(locale)
        while tag:
            yield tag
            tag = tag.rpartition("-")[0]


def tag_of(locale: str) -> str:
    """A locale as words are looked up by it: `es_MX` is `es-mx`."""
    return locale.lower().replace("_", "-")


def _word_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*/*/*") if path.is_file() and not path.name.startswith("."))


def _read(path: Path, folder: Path, layout: Layout) -> Wording:
    where = f"{folder.name}/{path.relative_to(folder).as_posix()}"
    protocol, step, locale, name = path.parts[-4:]
    if name not in FILES:
        message = f"this file is not used; words are in {' and '.join(FILES)}"
        raise ConfigError(Problem("template-unknown-file", where, message))
    try:
        source = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(Problem("template-unreadable", where, f"the file cannot be read: {error}")) from None
    return read_wording(protocol, step, FILES[name], locale, source, layout=layout, where=where)
