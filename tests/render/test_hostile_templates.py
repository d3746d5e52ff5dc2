"""Whatever a template holds: it is refused, or it costs little and does nothing but show words.

The budget is 50 ms of this thread's own CPU and 32 MB: a template that breaks it would hold up every message behind it.
"""

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

import pytest

from service.errors import AftercareError
from service.render import FIELDS, BadWording, Wording, render
from service.types import Email, Message
from tests.render.making import ADA, letter, sms

SECONDS, BYTES = 0.05, 32 * 1024**2
NOTE = "{{ treatment.note | default: 'a' }}"

REFUSED = {
    "a range to join": "{{ (1..100000000) | join }}",
    "a range to search": "{% if (1..1000000000) contains 'a' %}a{% endif %}b",
    "a range to show": "{{ (1..1000000) }}",
    "a loop": "{% for a in (1..1000000) %}{% for b in (1..1000000) %}a{% endfor %}{% endfor %}",
    "a table": "{% tablerow a in (1..1000000) %}a{% endtablerow %}",
    "a cycle": "{% cycle 'a', 'b' %}",
    "a counter": "{% increment a %}{% decrement b %}",
    "an echo": "{% echo clinic.name %}",
    "growth by replacing": "{{ 'a' | replace: 'a', 'aaaaaaaaaa' | replace: 'a', 'aaaaaaaaaa' }}",
    "growth by appending": "{% capture a %}aaaa{% endcapture %}{{ a | append: a }}",
    "growth by counting": "{{ 9 | times: 99999999 | times: 99999999 }}",
    "growth by splitting": "{{ clinic.name | split: '' | join: clinic.name }}",
    "an include": "{% include 'secrets' %}{% render 'secrets' %}",
    "inheritance": "{% extends 'a' %}{% block b %}{% endblock %}",
    "a macro": "{% macro 'a' %}{% call 'a' %}{% endmacro %}",
    "python inside": "{{ clinic.__class__.__mro__ }}",
    "a method": "{{ clinic.name.format }}",
    "a subscript": "{{ clinic['__class__'] }}",
    "a look around": "{{ clinic | keys }}",
    "the size of things": "{{ treatment.note.size }}",
    "the environment": "{{ clinic.name | date: '%Y' }}",
    "our own filter": "{{ clinic.name | web_link }}",
    "a secret": "{{ settings.secret_keys }}",
    "repeated cases in cases": "{% case 1 %}{% when 1, 1, 1 %}" * 4 + "a" + "{% endcase %}" * 4,
    "deep nesting": "{% if clinic.name %}" * 6 + "a" + "{% endif %}" * 6,
    "deep logic": "{% if " + "clinic.name and " * 1000 + "clinic.name %}a{% endif %}",
    "deep brackets": "{{ clinic" + "[clinic" * 500 + "]" * 500 + " }}",
    "blanks in braces": "{{" + " " * 2500 + "clinic.name }}",
    "blanks and no end": "{{" + " " * 2500,
    "unclosed openings": "{{ " * 1000,
    "unclosed raw": "{% raw %}" * 300,
    "only closings": "}} %}" * 600,
    "a huge number": "{{ " + "9" * 2000 + " }}",
    "a long filter chain": "{{ clinic.name" + " | upcase" * 60 + " }}",
    "a comment that hides a tag": "{% comment %}{% endcomment %}{% include 'a' %}",
    "liquid within liquid": "{% liquid assign a = 1 %}a",
    "an inline comment": "{% # comment %}a",
    "too many fields": NOTE * 80,
    "too many conditions": "{% if clinic.name %}a{% endif %}" * 60,
    "a null": "a\x00b",
    "a change of direction": "a\u202eb",
    "our own marks": "a\ue0000\ue001",
}
ENDURED = {
    "filters in chains": ("{{ clinic.name" + " | upcase | downcase" * 10 + " }}") * 11,
    "cuts beyond all size": "{{ treatment.note | default: 'a' | truncate: 1000000 }}" * 40,
    "a cut at a huge number": "{{ clinic.name | truncate: " + "9" * 200 + " }}",
    "words beyond all count": "{{ treatment.note | default: 'a' | truncatewords: 1000000 }}" * 40,
    "conditions in conditions": ("{% if clinic.name %}" * 5 + "a" + "{% endif %}" * 5) * 10,
    "long logic": ("{% if " + "clinic.name or " * 14 + "clinic.name %}a{% endif %}") * 11,
    "many cases": "{% case clinic.name %}" + "".join(f"{{% when 'a{n}' %}}b" for n in range(97)) + "{% endcase %}c",
    "a search in a search": "{% if treatment.note contains clinic.name %}a{% endif %}b" * 49,
    "braces in a comment": "{% comment %}" + "{{ a }}" * 90 + "{% endcomment %}b",
    "days and days": "{{ treatment.ended_at | date: 'weekday' }}" * 60,
    "numbers and numbers": "{{ clinic.name | phone }}" * 90,
    "braces that open nothing": "{ " * 1400,
    "marks upon marks": "a" + "\u0301" * 1500,
    "families": "👩‍👧" * 500,
}
LETTERS = {
    "open brackets": "[" * 4900,
    "brackets in brackets": "[[]" * 1600,
    "links in links": "[a](" * 1200,
    "links without end": "[a](https://a.example/b) " * 140,
    "values in links": "[a](https://a.example/{{ clinic.name }}) " * 50,
    "numbers to call": "[{{ clinic.phone }}](tel:{{ clinic.phone }}) " * 50,
    "stars": "*" * 4900,
    "emphasis without end": "*a " * 1600,
    "emphasis in emphasis": "**a*" * 1200,
    "emphasis inside words": "a**b" * 1200,
    "underscores": "_a" * 2400,
    "quotes in quotes": "> " * 2400,
    "lists in lists": "- " * 2400,
    "lists that go deeper": "".join("  " * depth + "- a\n" for depth in range(60)),
    "numbered lists": "1. a\n" * 190,
    "lines": "a\n" * 190,
    "angles": "<" * 4900,
    "addresses in angles": "<https://a.example> " * 190,
    "elements": "<a href='b' onclick='c'>" * 200,
    "scripts": "<script>alert(1)</script><img src=x onerror=alert(1)>" * 20,
    "pictures": "![a](https://evil.example/a.png)" * 60,
    "backslashes": "\\" * 4900,
    "ticks": "`" * 4900,
    "tildes": "~" * 4900,
    "headings": "#" * 4900,
    "rules": "a\n" + "=" * 4900,
    "named links": "[a]: https://evil.example\n" * 150,
    "entities": "&#106;avascript:" * 300,
    "conditions on lines": "{% if clinic.name %}\na\n{% endif %}\n" * 45,
    "notes": "{% if treatment.note %}{{ treatment.note }}{% endif %}" * 33,
    "blanks": " " * 4900 + "a",
    "a link that calls": "[a](javascript:alert(1)) [b](data:text/html,c) [d](vbscript:e)",
}
HEAVY = ["a " * 5_000, "&" * 10_000, "\n" * 10_000, "\u202e" * 10_000, "👩‍👧" * 5_000]
SHOWN = frozenset(
    {"html", "head", "body", "title", "meta", "style", "div", "table", "tbody", "tr", "td", "h1", "h2", "h3", "h4"}
    | {"p", "a", "em", "strong", "ul", "ol", "li", "blockquote", "br", "hr", "span"}
)
"""Elements that a letter is made of; there are no pictures but the clinic's logo, which these clients' clinic lacks."""


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(REFUSED) + len(ENDURED) + len(LETTERS) >= 60


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_what_could_do_harm_is_refused_before_it_costs_anything(source: str) -> None:
    with pytest.raises(BadWording):
        sms(source)
    _within_budget(lambda: _read(sms, source))
    _within_budget(lambda: _read(letter, source))


@pytest.mark.parametrize("source", ENDURED.values(), ids=ENDURED)
def test_what_is_only_clumsy_costs_little(source: str) -> None:
    _costs_little_and_is_inert(sms, source)


@pytest.mark.parametrize("source", LETTERS.values(), ids=LETTERS)
def test_a_clumsy_letter_costs_little_and_is_inert(source: str) -> None:
    _costs_little_and_is_inert(letter, source)


def _costs_little_and_is_inert(make: Callable[[str], Wording], source: str) -> None:
    wording = _within_budget(lambda: _read(make, source))
    for value in HEAVY if wording else ():
        message = _within_budget(lambda value=value: _rendered(wording, value))  # type: ignore[misc]
        if isinstance(message, Email):
            _inert(message)


def _within_budget(work: Callable[[], Any]) -> Any:
    """What the work gives; its best time of three counts, so that a busy machine is no finding."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        result = work()
        times.append(time.thread_time() - began)
        if times[-1] <= SECONDS / 2:
            break
    assert min(times) <= SECONDS
    tracemalloc.start()
    try:
        work()
        assert tracemalloc.get_traced_memory()[1] <= BYTES
    finally:
        tracemalloc.stop()
    return result


def _read(make: Callable[[str], Wording], source: str) -> Wording | None:
    with suppress(BadWording):
        return make(source)
    return None


def _rendered(wording: Wording, value: str) -> Message | None:
    with suppress(AftercareError):
        return render(wording, _everywhere(value))
    return None


def _everywhere(value: str) -> Any:
    values: dict[str, dict[str, Any]] = {}
    for path in FIELDS:
        group, _, name = path.partition(".")
        kept = group == "links" or name == "ended_at"
        values.setdefault(group, {})[name] = ADA[group][name] if kept else value
    return {**values, "reader": {"locale": "en"}}


class _Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src")}


def _inert(message: Email) -> None:
    page = _Elements(message.html)
    assert page.names <= SHOWN
    assert not {name for name in page.attributes if name.startswith("on")}
    assert all(address.startswith(("https://", "tel:", "mailto:")) for address in page.addresses)
