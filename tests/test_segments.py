"""Segments are counted as the network counts them."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.segments import measure

BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
BASIC += "abcdefghijklmnopqrstuvwxyzäöñüà"
EXTENSION = "\f^{}\\[~]|€"
OUTSIDE = "áíóúçâ’“”…😀👩‍👧\u00a0ЖΩعأ中"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, "GSM-7")),
        ("a" * 160, (1, "GSM-7")),
        ("a" * 161, (2, "GSM-7")),
        ("a" * 306, (2, "GSM-7")),
        ("a" * 307, (3, "GSM-7")),
        ("¿Qué mañana ñ ü à è ¡", (1, "GSM-7")),
        ("€" * 80, (1, "GSM-7")),
        ("€" * 81, (2, "GSM-7")),
        ("a" * 158 + "€", (1, "GSM-7")),
        ("a" * 159 + "€", (2, "GSM-7")),
        ("á" + "a" * 69, (1, "UCS-2")),
        ("á" + "a" * 70, (2, "UCS-2")),
        ("á" * 134, (2, "UCS-2")),
        ("á" * 135, (3, "UCS-2")),
        ("😀" * 35, (1, "UCS-2")),
        ("😀" * 36, (2, "UCS-2")),
        ("Don’t", (1, "UCS-2")),
    ],
)
def test_a_text_has_as_many_segments_as_the_network_counts(text: str, expected: tuple[int, str]) -> None:
    assert measure(text) == expected


def test_an_escaped_character_moves_whole_into_the_next_segment() -> None:
    assert measure("a" * 152 + "€" + "a" * 152) == (3, "GSM-7")
    assert measure("a" * 151 + "€" + "a" * 153) == (2, "GSM-7")


def test_a_surrogate_pair_moves_whole_into_the_next_segment() -> None:
    assert measure("á" * 66 + "😀" + "á" * 66) == (3, "UCS-2")
    assert measure("á" * 65 + "😀" + "á" * 67) == (2, "UCS-2")


ALPHABETS = (BASIC, BASIC + EXTENSION, EXTENSION, BASIC + OUTSIDE, OUTSIDE, "😀a", "a€", "á😀")


def test_counting_agrees_with_filling_messages_octet_by_octet_on_3000_texts() -> None:
    chance = random.Random(4711)  # noqa: S311 - repeatable on purpose
    lengths = (*range(12), 69, 70, 71, 80, 134, 135, 153, 159, 160, 161, 306, 307, 320, 459, 700)
    for _ in range(3_000):
        text = "".join(chance.choices(chance.choice(ALPHABETS), k=chance.choice(lengths)))
        assert measure(text) == _filled(text)


@settings(max_examples=200)
@given(st.text(alphabet=BASIC + EXTENSION, max_size=700) | st.text(alphabet=BASIC + OUTSIDE, max_size=400) | st.text())
@example("€" * 77 + "a" * 300)
def test_counting_agrees_whatever_the_text(text: str) -> None:
    assert measure(text) == _filled(text)


def _filled(text: str) -> tuple[int, str]:
    """From 3GPP TS 23.040 and 23.038 alone: a message carries 140 octets, six fewer where it is one of several.

    A character of the basic table is 7 bits, of the extension table twice that (the escape goes with it); without such
    a character for everything in the text, all is UTF-16, where a pair stays together, too.
    """
    gsm = all(mark in BASIC + EXTENSION for mark in text)
    bits = [(14 if mark in EXTENSION else 7) if gsm else 8 * len(_utf16(mark)) for mark in text]
    unit = 7 if gsm else 16
    encoding = "GSM-7" if gsm else "UCS-2"
    if sum(bits) <= _room(140, unit):
        return (1 if text else 0), encoding
    messages, left = 0, 0
    for needed in bits:
        if needed > left:
            messages, left = messages + 1, _room(134, unit)
        left -= needed
    return messages, encoding


def _room(octets: int, unit: int) -> int:
    """Bits that whole units can fill."""
    return octets * 8 // unit * unit


def _utf16(mark: str) -> bytes:
    return mark.encode("utf-16-be", "surrogatepass")
