"""What is refused in a text before it is kept, with its place and a sentence that helps."""

import pytest

from service.render import BadWording, read_wording
from service.types import Medium
from tests.render.making import LAYOUT, WHERE, complaints, letter, sms


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hi {{ client.firstname }}", [("template-unknown-field", "1:7")]),
        ("Line one\nand {{ clinic.nam }}", [("template-unknown-field", "2:8")]),
        (
            "Hi {{ client.firstname }} of {{ clinic.title }}",
            [("template-unknown-field", "1:7"), ("template-unknown-field", "1:33")],
        ),
        ("{{ client }}", [("template-unknown-field", "1:4")]),
        ("{{ clinic.name.size }}", [("template-unknown-field", "1:4")]),
        ("{{ clinic[client.first_name] }}", [("template-unknown-field", "1:4")]),
        ("{{ now }}", [("template-unknown-field", "1:4")]),
        ("{% if clinic.nam == 'a' %}b{% endif %}c", [("template-unknown-field", "1:7")]),
        ("{% case clinic.nam %}{% when 'a' %}b{% endcase %}c", [("template-unknown-field", "1:9")]),
        ("{{ clinic.name | truncate: 5, clinic.nam }}", [("template-unknown-field", "1:31")]),
        ("a {{ clinic.name", [("template-syntax", "1:3")]),
        ("a {{ clinic.name }", [("template-syntax", "1:3")]),
        ("a {{ clinic.name {{ clinic.phone }}", [("template-syntax", "1:3")]),
        ("a clinic.name }}", [("template-syntax", "1:15")]),
        ("a {{ }}", [("template-syntax", "1:3")]),
        ("a {{ clinic.name | }}", [("template-syntax", "1:3")]),
        ("a {{ clinic.name }} {% if clinic.name and %}b{% endif %}", [("template-syntax", "1:21")]),
        ("a {{ clinic name }}", [("template-syntax", "1:13")]),
        ("a\n{% if clinic.name %}b", [("template-syntax", "2:1")]),
        ("a {% endif %}", [("template-syntax", "1:3")]),
        ("{% if clinic.name %}a{% endunless %}", [("template-syntax", "1:22")]),
        ("{% unless clinic.name %}a{% when 1 %}b{% endunless %}", [("template-syntax", "1:26")]),
        ("{% for a in clinic.name %}{{ a }}{% endfor %}", [("template-tag", "1:1"), ("template-tag", "1:34")]),
        ("{% assign a = 1 %}b", [("template-tag", "1:1")]),
        ("{% raw %}{{ b }}{% endraw %}", [("template-tag", "1:1"), ("template-tag", "1:17")]),
        ("{%%}a", [("template-tag", "1:1")]),
        ("{{ clinic.name | append: 'a' }}", [("template-filter", "1:18")]),
        ("{{ clinic.name | web_link }}", [("template-filter", "1:18")]),
        ("{{ treatment.ended_at }}", [("template-moment", "1:4")]),
        ("{{ treatment.ended_at | upcase }}", [("template-moment", "1:4")]),
        ("{{ treatment.ended_at | date: 'stardate' }}", [("render-failed", "1:1")]),
        ("{{ clinic.name | date }}", [("render-failed", "1:1")]),
        ("{{ reader.locale }}", [("template-unknown-field", "1:4")]),
        ("a\u202eb", [("template-character", "1:2")]),
        ("", [("template-empty", "1:1")]),
        (" \n ", [("template-empty", "1:1")]),
        ("{% if links.booking %}Book: {{ links.booking }}{% endif %}", [("message-empty", "1:1")]),
        ("{{ client.first_name }}, hello", [("template-optional-field", "1:4")]),
        ("{{ clinic.name | truncate: 'x' }}", [("render-failed", "1:1")]),
        ("a" * 1601, [("message-too-long", "1:1")]),
        ("a" * 3001, [("template-too-long", "1:3001")]),
    ],
)
def test_an_sms_that_cannot_be_sent_is_refused_with_its_place(source: str, expected: list[tuple[str, str]]) -> None:
    with pytest.raises(BadWording) as refusal:
        sms(source)
    assert complaints(refusal.value) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("client.firstname", "did you mean client.first_name?"),
        ("first_name", "did you mean client.first_name?"),
        ("clinic.telephone", "did you mean"),
        ("location.urgentphone", "did you mean location.urgent_phone?"),
        ("zzz", "docs/templates.md lists the fields"),
    ],
)
def test_an_unknown_field_is_answered_with_the_nearest_known_one(written: str, meant: str) -> None:
    with pytest.raises(BadWording, match=meant):
        sms(f"{{{{ {written} }}}}")


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ("subject: ", "Hello", [("template-empty", "2:1")]),
        ("preheader: a", "Hello", [("template-empty", "2:1")]),
        ("subject: a", " \n", [("template-empty", "4:1")]),
        ("subject: a\nsubject: b", "Hello", [("template-front-matter", "3:1")]),
        ("subject: a\nfrom: b", "Hello", [("template-front-matter", "3:1")]),
        ("subject a", "Hello", [("template-front-matter", "2:1")]),
        ("subject: {{ clinic.nam }}", "Hello", [("template-unknown-field", "2:13")]),
        ("subject: a", "Hello\n\nto {{ clinic.nam }}", [("template-unknown-field", "6:7")]),
        (
            "subject: {{ clinic.nam }}\npreheader: {{ clinic.name",
            "{% if %}",
            [("template-unknown-field", "2:13"), ("template-syntax", "3:12"), ("template-syntax", "5:1")],
        ),
        ("subject: {% if links.page %}a{% endif %}", "Hello", [("message-empty", "1:1")]),
        ("subject: " + "a" * 999, "Hello", [("message-too-long", "2:1")]),
        ("subject: a\nbutton: Book", "Hello", [("template-link", "3:9")]),
        ("subject: a\nbutton: Book -> javascript:alert(1)", "Hello", [("template-link", "3:9")]),
        ("subject: a\nbutton: Book -> {{ clinic.name }}", "Hello", [("template-link", "3:9")]),
        ("subject: a\nbutton: Book -> {{ links.bookings }}", "Hello", [("template-unknown-field", "3:20")]),
        ("subject: a", "[a](javascript:alert(1))", [("template-link", "4:5")]),
        ("subject: a", "[a](JaVaScRiPt:alert(1))", [("template-link", "4:5")]),
        ("subject: a", "[a](data:text/html,b)", [("template-link", "4:5")]),
        ("subject: a", "[a](//evil.example)", [("template-link", "4:5")]),
        ("subject: a", "[a](https://{{ clinic.name }}/b)", [("template-link", "4:5")]),
        ("subject: a", "[a](https://a.example{{ clinic.name }})", [("template-link", "4:5")]),
        ("subject: a", "[a](https://a.example@evil.example)", [("template-link", "4:5")]),
        ("subject: a", "[a](page.html)", [("template-link", "4:5")]),
        ("subject: a", "[a]({{ clinic.name }})", [("template-link", "4:5")]),
        ("subject: a", "[a]({% if links.page %}https://a.example{% endif %})", [("template-link", "4:5")]),
        ("subject: a", "<javascript:alert(1)>", [("template-link", "4:2")]),
        ("subject: a", "**a {% if links.page %}b** c{% endif %}", [("template-crossed", "4:5")]),
        ("subject: a", "a {% if links.page %}b\n\nc{% endif %}", [("template-crossed", "4:3")]),
        ("subject: a", "> a\n> {% if links.page %}\n> b\n\nc{% endif %}", [("template-crossed", "5:3")]),
        ("subject: a", "Dear {{ client.first_name }}", [("template-optional-field", "4:9")]),
        ("subject: a", "a\n" * 200, [("template-too-long", "1:1")]),
        ("subject: a", "a" * 5001, [("template-too-long", "4:4982")]),
    ],
)
def test_a_letter_that_cannot_be_sent_is_refused_with_its_place(
    head: str, body: str, expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(BadWording) as refusal:
        letter(body, head)
    assert complaints(refusal.value) == expected


def test_a_letter_without_front_matter_is_told_how_to_begin() -> None:
    with pytest.raises(BadWording, match="begin with a line ---"):
        read_wording("p", "s", Medium.EMAIL, "en", "Hello", layout=LAYOUT, where=WHERE)
