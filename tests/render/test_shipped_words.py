"""The shipped words of every protocol: complete, within the rules of the trade, and readable by every client."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from service.render import SAMPLES, Wording, missing_words, render
from service.types import Email, Medium, Sms
from tests.render.making import FOLDER
from tests.support.house import shipped

TEMPLATES = shipped().templates
ALL = sorted(
    TEMPLATES.wordings.values(), key=lambda wording: (wording.protocol, wording.step, wording.medium, wording.locale)
)
PROTOCOLS = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in sorted((FOLDER.parent / "config/protocols").glob("*.toml"))
}
REALISTIC: Any = {
    "client": {"first_name": "Maximilianna"},
    "clinic": {"name": "Glow Skin Clinic Ltd."},
    "location": {"phone": "+44 20 7946 0123", "urgent_phone": "+44 20 7946 0999"},
    "course": {"next_from": "18 December", "next_to": "22 September"},
    "links": {"booking": "https://glow.example/book"},
}


def _steps() -> Iterator[tuple[str, str, str, tuple[Medium, ...]]]:
    for code, protocol in PROTOCOLS.items():
        defaults = protocol.get("defaults", {})
        for step in protocol["step"]:
            own = {**defaults, **step}
            media = tuple(Medium(channel) for channel in own.get("channels", ["sms", "email"]))
            yield code, step["name"], own.get("purpose", "care"), media


PURPOSES = {(protocol, step): purpose for protocol, step, purpose, _ in _steps()}


def _named(wording: Wording) -> str:
    return f"{wording.protocol}/{wording.step}/{wording.locale}/{wording.medium}"


def _of(*purposes: str) -> list[Wording]:
    return [wording for wording in ALL if PURPOSES.get((wording.protocol, wording.step)) in purposes]


def test_every_step_has_its_words_in_english_and_spanish() -> None:
    steps = [(protocol, step, media) for protocol, step, _, media in _steps()]
    assert missing_words(TEMPLATES, steps, ["en", "es"]) == []


def test_no_words_are_left_over() -> None:
    wanted = {(protocol, step, medium) for protocol, step, _, media in _steps() for medium in media}
    assert {(wording.protocol, wording.step, wording.medium) for wording in ALL} <= wanted


@pytest.mark.parametrize("wording", ALL, ids=_named)
def test_every_sample_client_can_read_it(wording: Wording) -> None:
    for sample in SAMPLES:
        message = render(wording, sample.values(wording.locale_for(sample.locale)))
        assert "None" in wording.source or "None" not in message.text
        assert not re.search(r"\{[{%]|[%}]\}| ,|,,|\(\)", message.text)


@pytest.mark.parametrize("wording", [w for w in ALL if w.medium is Medium.SMS], ids=_named)
def test_an_sms_begins_with_the_clinics_name_and_is_short(wording: Wording) -> None:
    message = render(wording, REALISTIC)
    assert isinstance(message, Sms)
    assert message.text.startswith("Glow Skin Clinic Ltd.: ")
    assert message.segments <= (1 if wording.locale == "en" else 2)
    if wording.locale == "en":
        assert message.encoding == "GSM-7"


@pytest.mark.parametrize("wording", ALL, ids=_named)
def test_nothing_is_said_that_the_rules_forbid(wording: Wording) -> None:
    forbidden = r"\bface\b|\bcara\b|\brostro\b|SPF|FPS|\bcancel|\bcancele|#\d"
    assert not re.search(forbidden, wording.source, re.IGNORECASE)


@pytest.mark.parametrize("wording", _of("care"), ids=_named)
def test_a_care_message_sells_nothing(wording: Wording) -> None:
    assert "links.booking" not in wording.fields
    assert not re.search(r"\bbook\b|\boffer\b|\boferta|discount|descuento", wording.source, re.IGNORECASE)


@pytest.mark.parametrize("wording", _of("rebook", "review"), ids=_named)
def test_a_message_that_is_not_care_has_a_way_out(wording: Wording) -> None:
    message = render(wording, SAMPLES[2].values(wording.locale))
    assert re.search(r"\bSTOP\b" if isinstance(message, Sms) else r"(?i)\bstop\b|\bdejar", message.text)


@pytest.mark.parametrize("wording", [w for w in ALL if w.step.endswith("sensitivity-check")], ids=_named)
def test_a_check_asks_for_a_number_and_says_whom_to_call(wording: Wording) -> None:
    message = render(wording, SAMPLES[0].values(wording.locale))
    assert re.search(r"\b1\b.*\b5\b", message.text, re.DOTALL)
    assert "020 7946 0999" in message.text


@pytest.mark.parametrize("wording", [w for w in ALL if w.medium is Medium.EMAIL], ids=_named)
def test_a_letters_subject_names_no_treatment(wording: Wording) -> None:
    message = render(wording, SAMPLES[0].values(wording.locale))
    assert isinstance(message, Email)
    assert PROTOCOLS[wording.protocol]["title"].lower() not in f"{message.subject} {message.preheader}".lower()
    assert message.preheader
