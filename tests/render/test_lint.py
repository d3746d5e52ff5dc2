"""What may be unwise in words: warned of with its place, and only then."""

import pytest

from service.render import SAMPLES, Occasion, lint, plain_form
from service.segments import GSM_7, measure
from service.types import Purpose
from tests.render.making import WHERE, letter, sms

NAMED = "{{ clinic.name }}: "
STOP = " Reply STOP to opt out."


def warned(wording, purpose: Purpose = Purpose.CARE, **more) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    """Code and `line:column` of every warning."""
    tried = tuple(sample.values("en-GB") for sample in SAMPLES[:3])
    occasion = Occasion(purpose, "Micro-needling", tried, **more)
    return [(found.code, found.where.removeprefix(f"{WHERE}:")) for found in lint(wording, occasion, WHERE)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{NAMED}wear sunscreen today.", []),
        ("Wear sunscreen today.", [("warn-no-clinic-name", "1:1")]),
        ("{{ location.name }}: wear sunscreen today.", []),
        (NAMED + "a" * 300, [("warn-segments", "1:1")]),
        (NAMED + "a" * 280, []),
        (f"{NAMED}don’t rub", [("warn-unicode", "1:23")]),
        (f"{NAMED}wear\nsunscreen 🌞", [("warn-unicode", "2:11")]),
        (f"{NAMED}así, don’t rub", []),  # an accent makes it Unicode anyway, and is never dropped
        (f"{NAMED}¿Qué tal, señora?", []),
        (f"{NAMED}{{% comment %}}’{{% endcomment %}}a", []),
        (f"{NAMED}your {{{{ treatment.title }}}}", [("warn-treatment-named", "1:28")]),
        (f"{NAMED}your MICRO-NEEDLING", [("warn-treatment-named", "1:25")]),
        (f"{NAMED}book now, 20% off", [("warn-selling", "1:30")]),
        (f"{NAMED}a special offer", [("warn-selling", "1:22")]),
        (f"{NAMED}{{% if links.booking %}}{{{{ links.booking }}}}{{% endif %}}", [("warn-selling", "1:26")]),
        (f"{NAMED}we offered advice", []),
        (f"{NAMED}Reply CANCEL to cancel", [("warn-reply-cancel", "1:20")]),
        (f"{NAMED}Reply 1 to 5. To cancel, call us", []),
    ],
)
def test_a_text_for_care_is_warned_about(source: str, expected: list[tuple[str, str]]) -> None:
    assert warned(sms(source)) == expected


@pytest.mark.parametrize(
    ("source", "locale", "expected"),
    [
        (f"{NAMED}come again?", "en", ["warn-no-way-out"]),
        (f"{NAMED}come again?{STOP}", "en", []),
        (f"{NAMED}book now: {{{{ links.booking | default: '' }}}}{STOP}", "en", []),
        (f"{NAMED}vuelva. Responda STOP para darse de baja", "es", []),
        (f"{NAMED}vuelva. Responda CANCELAR", "es", ["warn-reply-cancel", "warn-no-way-out"]),
    ],
)
def test_what_suggests_a_visit_may_sell_but_has_a_way_out(source: str, locale: str, expected: list[str]) -> None:
    assert [code for code, _ in warned(sms(source, locale), Purpose.REBOOK)] == expected


@pytest.mark.parametrize(
    ("body", "head", "expected"),
    [
        ("Use the gentle cleanser.", "subject: From today", []),
        ("a", "subject: After your {{ treatment.title }}", [("warn-treatment-named", "2:24")]),
        ("About your {{ treatment.title }}", "subject: From today", []),
        ("a", "subject: a\npreheader: Micro-needling", [("warn-treatment-named", "3:12")]),
        ("A discount", "subject: From today", [("warn-selling", "4:3")]),
        ("a", "subject: a\nbutton: Book -> {{ links.booking }}", [("warn-selling", "3:20")]),
    ],
)
def test_a_letter_is_warned_about(body: str, head: str, expected: list[tuple[str, str]]) -> None:
    assert warned(letter(body, head)) == expected


def test_a_way_out_of_a_letter_may_be_a_link() -> None:
    body = "Come again. {% if links.preferences %}[Choose]({{ links.preferences }}){% endif %}"
    assert warned(letter(body), Purpose.REVIEW) == []
    assert warned(letter("Come again."), Purpose.REVIEW) == [("warn-no-way-out", "1:1")]


def test_the_name_written_out_is_a_name_too() -> None:
    assert warned(sms("Glow: hello"), clinic="Glow") == []


def test_who_would_lose_their_language_is_named() -> None:
    assert warned(sms(f"{NAMED}a"), missing=("es", "pt")) == [("warn-missing-translation", "1:1")] * 2


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("It’s “fine” — really…", 'It\'s "fine" - really...'),
        ("sun 🌞👩‍👧 ok\ufe0f", "sun  ok"),
        ("a\u00a0b • c", "a b - c"),
        ("¡Qué mañana, Ángel!", "¡Qué mañana, Ángel!"),
        ("Łódź, naïve, Zoë, ﷽ 𠮷", "Łódź, naïve, Zoë, ﷽ 𠮷"),
    ],
)
def test_the_plain_form_keeps_every_letter(source: str, plain: str) -> None:
    assert plain_form(source) == plain


def test_what_is_offered_instead_is_cheaper() -> None:
    source = "It’s time “now” … – 🌞"
    assert measure(source)[1] != GSM_7
    assert measure(plain_form(source))[1] == GSM_7
