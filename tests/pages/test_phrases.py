"""The pages say the same in every language, and find the language to say it in."""

from collections.abc import Iterator
from string import Formatter
from typing import Any

import pytest

from service.pages.phrases import LANGUAGES, Phrases, choices, spoken, wanted


def flat(phrases: Phrases | str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each phrase's path, with the names that are filled into it."""
    if isinstance(phrases, str):
        yield path, sorted(name for _, name, _, _ in Formatter().parse(phrases) if name)
        return
    for name, inner in phrases.items():
        yield from flat(inner, f"{path}.{name}")


def test_every_language_has_every_phrase_with_the_same_values_in_it() -> None:
    found = {language: dict(flat(phrases)) for language, phrases in LANGUAGES.items()}
    assert set(found) >= {"en", "es"}
    assert all(phrases == found["en"] for phrases in found.values())


@pytest.mark.parametrize(
    ("locales", "one"),
    [(("es-MX", "en"), "es-MX"), (("fr", "es"), "es"), (("", "es"), "es"), (("fr", "de"), "en"), (("EN_gb",), "EN_gb")],
)
def test_the_first_language_that_the_pages_speak_is_taken(locales: tuple[str, ...], one: str) -> None:
    assert spoken(*locales) == one


@pytest.mark.parametrize(
    ("header", "language"),
    [("es-ES,es;q=0.9,en;q=0.8", "es"), ("fr, es;q=0.5", "es"), ("", "en"), ("*", "en"), (";;,,=", "en")],
)
def test_a_stranger_is_spoken_to_as_their_browser_asks(header: str, language: str) -> None:
    assert wanted(header) == language


def test_a_language_that_the_pages_lack_can_be_kept() -> None:
    assert choices("fr-CA") == {"en": "English", "es": "Español", "fr": "Français"}
    assert choices("es-MX") == {"en": "English", "es": "Español"}
    assert choices("xx") == {"en": "English", "es": "Español", "xx": "xx"}
