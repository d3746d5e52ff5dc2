"""What the pages say, by language: one file each, all with the same phrases."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from babel import Locale, UnknownLocaleError

Phrases: TypeAlias = Mapping[str, Any]

FOLDER: Final = Path(__file__).parent / "phrases"
LANGUAGES: Final[Mapping[str, Phrases]] = {
    file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))
}
_LAST_RESORT: Final = "en"


def language_of(locale: str) -> str:
    """`es-MX` is `es`."""
    return locale.replace("_", "-").partition("-")[0].lower()


def spoken(*locales: str) -> str:
    """The first of these locales whose language the pages speak; English where they speak none."""
    return next((locale for locale in locales if language_of(locale) in LANGUAGES), _LAST_RESORT)


def wanted(accept_language: str) -> str:
    """The language that a browser asks for, as far as the pages speak it: for visitors whom no link names."""
    asked = (part.partition(";")[0].strip() for part in accept_language.split(",")[:20])
    return language_of(spoken(*asked))


def choices(locale: str) -> dict[str, str]:
    """The languages a client may choose, by code, in their own names; the one they have now is among them."""
    names = {code: str(phrases["name"]) for code, phrases in LANGUAGES.items()}
    own = language_of(locale)
    if own and own not in names:
        names[own] = _name_of(own)
    return names


def _name_of(language: str) -> str:
    try:
        name = Locale.parse(language).get_display_name()
    except (UnknownLocaleError, ValueError):
        return language
    return (name or language).capitalize()
