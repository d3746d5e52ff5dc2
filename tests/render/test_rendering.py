"""From words and values to the message: what lands where, and how."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.errors import AftercareError
from service.render import SAMPLES, MissingField, RenderError, Wording, pick, render
from service.render.layout import _ink
from service.types import Email, Sms
from tests.render.making import ADA, letter, sms, untried

BARE = SAMPLES[2].values("en-GB")


def email(wording: Wording, values: Any = ADA) -> Email:
    message = render(wording, values)
    assert isinstance(message, Email)
    return message


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ clinic.name }}: hello", "Glow Skin Clinic: hello"),
        ("\n  a  \n", "a"),
        ("a\nb", "a\nb"),
        ("Hi{% if client.first_name %} {{ client.first_name }}{% endif %}!", "Hi Ada!"),
        ("{% unless links.page %}a{% else %}b{% endunless %}", "b"),
        ("{% case course.session %}{% when 1 %}first{% when 2, 3 %}later{% else %}none{% endcase %}", "later"),
        ("{% comment %}not {{ this }}{% endcomment %}a", "a"),
        ("{% if course.session and course.of %}{{ course.session }} of {{ course.of }}{% endif %} a", "2 of 4 a"),
        ("{{ client.first_name | default: 'you' | upcase }}", "ADA"),
        ("{{ clinic.name | downcase | capitalize }}", "Glow skin clinic"),
        ("{{ clinic.name | truncate: 8 }} {{ clinic.name | truncatewords: 1, '' }}", "Glow ... Glow"),
        ('{{ "<b>" | strip }}', "<b>"),
        ("{{ clinic['name'] }}", "Glow Skin Clinic"),
        ("a{%- if clinic.name -%} b {%- endif -%} c", "abc"),
    ],
)
def test_a_text_is_filled_in(source: str, text: str) -> None:
    assert render(sms(source), ADA) == Sms(text, 1, "GSM-7")


@pytest.mark.parametrize("name", [None, "", "  ", "\u200b", "\x00", {}, [], True])
def test_nobody_reads_dear_none(name: Any) -> None:
    values = {**BARE, "client": {"first_name": name}}
    greeting = sms(
        "Hello{% if client.first_name %} {{ client.first_name }}{% endif %}, {{ client.first_name | default: 'you' }}"
    )
    assert render(greeting, values) == Sms("Hello, you", 1, "GSM-7")
    with pytest.raises(MissingField) as missing:
        render(untried("Dear {{ client.first_name }}"), values)
    assert (missing.value.field, missing.value.code) == ("client.first_name", "missing-field")


@pytest.mark.parametrize("value", [None, "", " ", "\u200b", "a", 0, 2, True])
def test_a_condition_of_a_field_alone_holds_where_a_longer_one_does(value: Any) -> None:
    values = {**BARE, "client": {"first_name": value}}
    alone, longer = (
        render(sms(f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}"), values)
        for condition in ("client.first_name", "client.first_name and client.first_name")
    )
    assert alone == longer


def test_an_error_names_the_field_and_never_a_value() -> None:
    with pytest.raises(RenderError) as error:
        render(untried("[a]({{ links.booking }})"), {**ADA, "links": {"booking": "secret-of-ada"}})
    assert "secret" not in str(error.value)


def test_the_same_words_and_pinned_values_give_the_identical_message() -> None:
    for wording in _kinds():
        values = SAMPLES[0].values("en-GB")
        pinned = json.loads(json.dumps(pick(values, wording.fields)))
        assert render(wording, pinned) == render(wording, values)


def _kinds() -> Iterator[Wording]:
    yield sms("{{ clinic.name }}{% if course.of %} {{ course.session }}{% endif %}")
    yield letter(
        "{% if treatment.note %}{{ treatment.note }}{% endif %} a", "subject: a\nbutton: b -> {{ links.booking }}"
    )
    yield letter("Hello, and nothing else")


@pytest.mark.parametrize(
    ("source", "locale", "text"),
    [
        ("{{ treatment.ended_at | date }}", "en-GB", "20 November"),
        ("{{ treatment.ended_at | date: 'weekday' }}", "es", "viernes"),
        ("{{ treatment.ended_at | date: 'full' }}", "en", "Friday, November 20, 2026"),
        ("{{ treatment.ended_at | date: 'long' }}", "de", "20. November 2026"),
        ("{{ treatment.ended_at | time }}", "en-GB", "15:00"),
        ("{{ treatment.ended_at | time }}", "en-US", "3:00 PM"),
        ("{{ '020 7946 0018' | phone }}", "en", "020 7946 0018"),
        ("{{ location.phone | phone }}", "en", "+34 915 55 01 23"),
    ],
)
def test_days_times_and_numbers_are_written_as_their_readers_write_them(source: str, locale: str, text: str) -> None:
    wording, values = sms(source, locale), SAMPLES[0].values(locale) | {"location": {"phone": "+34915550123"}}
    assert render(wording, values) == Sms(text, 1, "GSM-7")
    assert render(wording, pick(values, wording.fields)) == Sms(text, 1, "GSM-7")


def test_only_used_values_are_pinned() -> None:
    wording = sms("{{ clinic.name }} {% if client.first_name %}a{% endif %}")
    assert pick(ADA, wording.fields) == {"clinic": {"name": "Glow Skin Clinic"}, "client": {"first_name": "Ada"}}
    assert pick(BARE, wording.fields) == {"clinic": {"name": "Glow Skin Clinic"}}


def test_a_version_follows_from_the_source_alone() -> None:
    assert sms("a").version == sms("a", "es").version
    assert sms("a").version != sms("b").version


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    assert sms("\ufeffa\r\nb").source == "a\nb"


def test_markdown_becomes_html_and_plain_text() -> None:
    body = "## Today\n\n- *rest*\n- **drink**\n\nCall [us](tel:+44 1) or see <https://a.example>.\n\n> quoted"
    message = email(letter(body.replace("tel:+44 1", "tel:+441")))
    assert "<h2>Today</h2>" in message.html
    assert "<li><em>rest</em></li>" in message.html
    assert '<a href="tel:+441" dir="ltr">us</a>' in message.html
    assert message.text.startswith("Today\n\n- rest\n- drink\n\nCall us or see https://a.example.\n\nquoted\n\n-- \n")


def test_a_text_part_has_only_the_body_and_the_clinics_signature() -> None:
    text = email(
        letter("Hello.\n\n1. one\n2. two\n\n- 3. three", "subject: Hi\nbutton: Book -> {{ links.booking }}")
    ).text
    assert text.partition("three\n\n")[2] == (
        "Book: https://glow.example/book\n\n-- \nGlow Soho\n5 Frith Street, London W1D 4PP\n020 7946 0123\n\n"
        "Choose which messages you get: https://glow.example/p/x7Kq2Lm9Rt4B\n"
    )
    assert (
        email(letter("Hello."), BARE).text
        == "Hello.\n\n-- \nGlow Skin Clinic\n1 Dean Street, London W1D 3RB\n020 7946 0000\n"
    )


@pytest.mark.parametrize(
    ("body", "with_it", "without"),
    [
        ("a\n\n{% if treatment.note %}\nb\n{% endif %}\n\nc", "a\n\nb\n\nc", "a\n\nc"),
        ("{% if treatment.note %}\na\n{% else %}\nb\n{% endif %}", "a", "b"),
        ("{%- if treatment.note -%}\n\na\n\n{%- else -%}\nb\n{%- endif -%}\n\nc", "a\n\nc", "b\n\nc"),
        ("a{% if treatment.note %} b{% endif %} c", "a b c", "a c"),
        ("- a\n{% if treatment.note %}\n- b\n{% endif %}\n- c", "- a\n\n- b\n\n- c", "- a\n\n- c"),
        ("{% comment %}\nx {{ clinic.name }}\n{% endcomment %}\na", "a", "a"),
    ],
)
def test_conditions_stand_between_paragraphs_or_within_one(body: str, with_it: str, without: str) -> None:
    wording = letter(body)
    assert email(wording).text.partition("\n\n-- ")[0].strip() == with_it
    assert email(wording, BARE).text.partition("\n\n-- ")[0].strip() == without


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("[a]({{ links.page }})", 'href="https://glow.example/a/x7Kq2Lm9Rt4B"'),
        ("[a](tel:{{ location.phone }})", 'href="tel:02079460123"'),
        ("[a](https://a.example/?q={{ location.name }})", 'href="https://a.example/?q=Glow%20Soho"'),
        ("[a](mailto:a@b.example)", 'href="mailto:a@b.example"'),
        ("[a](HTTPS://a.example)", 'href="HTTPS://a.example"'),
        ('[a](https://a.example "title")', 'href="https://a.example"'),
    ],
)
def test_links_go_where_they_may(body: str, link: str) -> None:
    assert f"<a {link}" in email(untried(body)).html


def test_a_button_is_there_only_where_its_link_is() -> None:
    wording = letter("Hello", "subject: a\nbutton: Book -> {{ links.booking }}")
    assert '<a href="https://glow.example/book"' in email(wording).html
    assert "Book" not in email(wording, BARE).html + email(wording, BARE).text
    fixed = letter("Hello", "subject: a\nbutton: Read -> https://a.example/b")
    assert "Read: https://a.example/b" in email(fixed, BARE).text


def test_the_page_speaks_the_language_of_its_words() -> None:
    assert '<html lang="es" dir="ltr"' in email(letter("Hola", locale="es")).html
    assert "Elija qué mensajes quiere recibir" in email(letter("Hola", locale="es-MX")).html
    assert '<html lang="ar" dir="rtl"' in email(letter("a", locale="ar")).html


def test_the_page_wears_the_clinics_brand() -> None:
    logo = {**ADA, "brand": {"logo": "https://glow.example/logo.png", "colour": "#FFE08A"}}
    html = email(letter("Hello"), logo).html
    assert 'src="https://glow.example/logo.png"' in html
    assert "border-top:solid 3px #FFE08A" in html


@pytest.mark.parametrize(
    ("background", "ink"), [("#2f6f6b", "#ffffff"), ("#FFE08A", "#1f2423"), ("#000000", "#ffffff")]
)
def test_a_buttons_ink_reads_well_on_the_clinics_colour(background: str, ink: str) -> None:
    assert _ink(background) == ink


def test_a_subject_is_one_line_and_not_endless() -> None:
    wording = untried("a", "subject: {{ treatment.note }}")
    assert email(wording).subject == "No retinol for 10 days. Come by if the redness has not settled by Monday."
    long = {**ADA, "treatment": {"note": "word " * 300}}
    assert len(email(wording, long).subject) <= 998


@pytest.mark.parametrize(
    ("wording", "values", "code"),
    [
        (sms("{{ clinic.name }}"), {"clinic": {}}, "missing-field"),
        (
            sms("{{ clinic.name | default: ' ' }}"),
            {},
            "message-empty",
        ),
        (sms("{{ clinic.name }}" * 50), {"clinic": {"name": "a" * 100}}, "message-too-long"),
        (untried("{{ clinic.name }}" * 100), {**ADA, "clinic": {"name": "&" * 200}}, "message-too-long"),
    ],
)
def test_a_message_that_cannot_be_made_says_why(wording: Wording, values: Any, code: str) -> None:
    with pytest.raises(AftercareError) as error:
        render(wording, values)
    assert error.value.code == code
