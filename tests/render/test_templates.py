"""The templates folder: read whole, every problem named, the right words found for a reader."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest

from service.errors import ConfigError
from service.render import BadWording, Templates, missing_words, render
from service.types import Medium, Sms
from tests.render.making import ADA, FOLDER

Write = Callable[[str, str], None]
LETTER = "---\nsubject: a\n---\nb"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    for name in ("layout.mjml", "layout.txt", "layout.toml"):
        copy(FOLDER / name, folder / name)
    return folder


@pytest.fixture
def write(folder: Path) -> Write:
    def write(path: str, source: str) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(source, "utf-8")

    return write


@pytest.fixture
def templates(folder: Path, write: Write) -> Templates:
    for locale in ("en", "es", "pt-BR"):
        write(f"peel/day-1/{locale}/sms.txt", f"{locale} {{{{ clinic.name }}}}")
    write("peel/day-1/en/email.md", LETTER)
    return Templates.load(folder)


@pytest.mark.parametrize(
    ("locale", "default", "found"),
    [
        ("en", "es", "en"),
        ("es", "en", "es"),
        ("es-MX", "en", "es"),
        ("es_MX", "en", "es"),
        ("ES", "en", "es"),
        ("pt-BR", "en", "pt-BR"),
        ("pt-br", "en", "pt-BR"),
        ("pt", "es", "es"),
        ("fr", "es-AR", "es"),
        ("fr", "de", "en"),
        ("", "", "en"),
    ],
)
def test_words_are_found_in_the_nearest_language(templates: Templates, locale: str, default: str, found: str) -> None:
    wording = templates.find("peel", "day-1", Medium.SMS, locale, default)
    assert wording is not None
    assert wording.locale == found


def test_words_that_nobody_wrote_are_not_found(templates: Templates) -> None:
    assert templates.find("peel", "day-2", Medium.SMS, "en", "en") is None


@pytest.mark.parametrize(
    ("words", "reader", "dates"), [("es", "es-MX", "es-MX"), ("es", "fr", "es"), ("en", "en_GB", "en_GB")]
)
def test_dates_follow_the_reader_only_within_the_language_of_the_words(
    templates: Templates, words: str, reader: str, dates: str
) -> None:
    wording = templates.find("peel", "day-1", Medium.SMS, words, "en")
    assert wording is not None
    assert wording.locale_for(reader) == dates


def test_every_problem_of_every_file_is_named_at_once(folder: Path, write: Write) -> None:
    write("peel/day-1/en/sms.txt", "Hi {{ client.firstname }}")
    write("peel/day-1/es/email.md", "---\nsubject: a\n---\n{{ clinic.nam }}\n{{ clinic.name")
    write("peel/day-2/en/sms.text", "a")
    (folder / "peel/day-2/en/sms.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as refusal:
        Templates.load(folder)
    assert [(problem.code, problem.where) for problem in refusal.value.problems] == [
        ("template-unknown-field", "templates/peel/day-1/en/sms.txt:1:7"),
        ("template-syntax", "templates/peel/day-1/es/email.md:5:1"),
        ("template-unknown-file", "templates/peel/day-2/en/sms.text"),
        ("template-unreadable", "templates/peel/day-2/en/sms.txt"),
    ]


@pytest.mark.parametrize("name", ["layout.mjml", "layout.txt", "layout.toml"])
def test_a_folder_without_its_layout_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ConfigError, match="layout-unreadable"):
        Templates.load(folder)


def test_steps_without_words_are_named_as_files_to_write(templates: Templates) -> None:
    steps = [("peel", "day-1", (Medium.SMS, Medium.EMAIL)), ("peel", "day-2", (Medium.SMS,))]
    problems = missing_words(templates, steps, ["en-GB", "es"])
    assert [problem.where for problem in problems] == [
        "templates/peel/day-1/es/email.md",
        "templates/peel/day-2/en-GB/sms.txt",
        "templates/peel/day-2/es/sms.txt",
    ]
    assert {problem.code for problem in problems} == {"missing-words"}


def test_a_clinics_own_words_obey_the_same_rules(templates: Templates) -> None:
    own = templates.read("peel", "day-1", Medium.SMS, "en", "Dear client of {{ clinic.name }}")
    assert render(own, ADA) == Sms("Dear client of Glow Skin Clinic", 1, "GSM-7")
    with pytest.raises(BadWording, match=r"peel/day-1/en/sms\.txt:1:4"):
        templates.read("peel", "day-1", Medium.SMS, "en", "{{ clinic.nam }}")


def test_words_sent_long_ago_can_be_shown_although_they_would_be_refused_today(templates: Templates) -> None:
    source = "Dear {{ client.first_name }}"
    with pytest.raises(BadWording):
        templates.read("peel", "day-1", Medium.SMS, "en", source)
    old = templates.recall("peel", "day-1", Medium.SMS, "en", source)
    assert render(old, {"client": {"first_name": "Ada"}}) == Sms("Dear Ada", 1, "GSM-7")
