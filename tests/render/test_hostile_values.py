"""Whatever a value holds, it is read and never obeyed: in a text, a letter, a subject, an address."""

import re
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from service.render import FIELDS, MissingField, RenderError, Wording, render
from service.render.clean import is_web_address
from service.types import Email, Message, Sms
from tests.render.making import ADA, letter, sms, untried

TEXT = sms("{{ clinic.name }}: {{ client.first_name | default: 'you' }}, {{ location.phone }}")
LETTER = letter(
    "Dear *{{ client.first_name | default: 'you' }}*\n\n- {{ clinic.name }}\n\n"
    "{% if treatment.note %}\n> {{ treatment.note }}\n{% endif %}\n\n"
    "[{{ location.phone }}](tel:{{ location.phone }}) [b](https://a.example/{{ location.name }})",
    "subject: {{ clinic.name }} and {{ client.first_name | default: 'you' }}\npreheader: {{ clinic.name }}",
)
HOSTILE = [
    "a\r\nBcc: eve@evil.example",
    "{{ clinic.phone }}",
    "{% if clinic.name %}owned{% endif %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "</title></head><body>",
    "<!-- ",
    "]]>",
    "&lt;script&gt;",
    "**bold** _and_ [link](javascript:alert(1))",
    "[a]: https://evil.example",
    "# heading\n- list\n> quote",
    "<https://evil.example>",
    "\u202egnp.exe",
    "\u2066a\u2069\u200f\u061c",
    "a\x00b\x07\x1b[31m",
    "\ufeff\u200b\u2060",
    "\ud800",
    "\ue0000\ue002\ue000html\ue001",
    "a" * 10_000,
    "&" * 10_000,
    "\n" * 10_000,
    "%s %(a)s {0} {a.b} $a ${a}",
    "javascript:alert(1)",
    "../../etc/passwd",
    "'; DROP TABLE reminder; --",
    "=cmd|' /C calc'!A0",
    "𝕬𝖉𝖆 👩‍👧 ﷽",
    "\r\n\r\nHTTP/1.1 200 OK",
    "a\nSubject: b\nX-Header: c",
    "a\u0085b\u2028c\u2029d",
    "{{{{ clinic.phone }}}}{{",
    "{%- comment -%}",
    "{# a #}${b}#{c}<%= d %>",
    "<svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>a</a>",
    "<style>*{display:none}</style>",
    "<iframe srcdoc='<script>1</script>'>",
    "![a](https://evil.example/a.png)",
    "``` a ```\n    code",
    "\u202b\u202dAda\u202c\u061c\u200e",
    "a\u0301\u0301" * 2_000,
    "\u200d" * 10_000,
    "\udfff\ud800a",
    "\U000e0041\U000e007f",
    "+1234567890123456789@evil.example",
]
OURS = ("https://glow.example/", "https://a.example/", "tel:")
MISLEADING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff]"
)


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def _values(value: Any) -> Any:
    """Every field, known or internal, holds the hostile value; only links keep their place."""
    values: dict[str, dict[str, Any]] = {}
    for path in FIELDS:
        group, _, name = path.partition(".")
        values.setdefault(group, {})[name] = ADA["links"][name] if group == "links" else value
    return {**values, "brand": {"colour": value, "logo": value}}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_inert_in_a_text(value: str) -> None:
    _inert_in_a_text(value)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_inert_in_a_letter(value: str) -> None:
    _inert_in_a_letter(value)


@settings(max_examples=200, deadline=None)
@given(st.text() | st.lists(st.sampled_from(HOSTILE[:16]), max_size=4).map("".join))
@example("\x85")
def test_any_value_is_inert_everywhere(value: str) -> None:
    assume(not is_web_address(value))  # it is the logo's address as well, which shows where it is one
    _inert_in_a_text(value)
    _inert_in_a_letter(value)


def _inert_in_a_text(value: str) -> None:
    message = _rendered(TEXT, value)
    if message is None:
        return
    assert isinstance(message, Sms)
    assert not MISLEADING.search(message.text)
    assert "\n" not in message.text
    assert len(message.text) < 700
    message.text.encode()


def _inert_in_a_letter(value: str) -> None:
    message = _rendered(LETTER, value)
    if message is None:
        return
    assert isinstance(message, Email)
    whole = message.subject + message.preheader + message.html + message.text
    assert not MISLEADING.search(whole)
    assert "\n" not in message.subject + message.preheader
    assert _elements(message.html) == _elements(_harmless().html)
    assert all(address.startswith(OURS) for address in Page(message.html).addresses)
    whole.encode()


def _rendered(wording: Wording, value: str) -> Message | None:
    """The message, or None where nothing readable is left of the value."""
    with suppress(MissingField):
        return render(wording, _values(value))
    return None


def _elements(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a page with the names of their attributes; a note's line breaks aside."""
    return [found for found in Page(html).found if found != ("br", ())]


def _harmless() -> Email:
    message = render(LETTER, _values("Ada"))
    assert isinstance(message, Email)
    return message


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,a", "//evil.example", "glow.example", " "])
def test_a_link_that_is_no_web_address_never_becomes_one(address: str) -> None:
    values = {**ADA, "links": {"booking": address, "preferences": address}}
    for wording in (untried("[a]({{ links.booking }})"), untried("a", "subject: a\nbutton: b -> {{ links.booking }}")):
        with pytest.raises(RenderError):
            render(wording, values)
    message = render(untried("a"), values)
    assert isinstance(message, Email)
    assert address not in message.html.replace(" ", "") or address == " "


def test_values_keep_their_own_letters() -> None:
    name = "Zoë O’Neill-كريم 李 می‌خواهم"
    message = render(TEXT, {**ADA, "client": {"first_name": name}})
    assert isinstance(message, Sms)
    assert name in message.text


def test_only_the_clinics_note_keeps_its_line_breaks() -> None:
    message = render(LETTER, {**ADA, "treatment": {"note": "one\r\ntwo\u2028\n\nthree"}, "clinic": {"name": "a\nb"}})
    assert isinstance(message, Email)
    assert "one<br>\ntwo<br>\nthree" in message.html
    assert "one\ntwo\nthree" in message.text
    assert "a b" in message.text
