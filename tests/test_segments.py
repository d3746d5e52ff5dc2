"""Segments are counted as the network counts them."""

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


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=BASIC + EXTENSION, max_size=700) | st.text(alphabet=BASIC + OUTSIDE, max_size=400) | st.text())
@example("€" * 77 + "a" * 300)
def test_counting_agrees_with_filling_segments_one_character_at_a_time(text: str) -> None:
    assert measure(text) == _filled(text)


def _filled(text: str) -> tuple[int, str]:
    gsm = all(mark in BASIC + EXTENSION for mark in text)
    widths = [2 if (mark in EXTENSION if gsm else ord(mark) > 0xFFFF) else 1 for mark in text]
    encoding = "GSM-7" if gsm else "UCS-2"
    if sum(widths) <= (160 if gsm else 70):
        return (1 if text else 0), encoding
    segments, room = 0, 0
    for width in widths:
        if width > room:
            segments, room = segments + 1, 153 if gsm else 67
        room -= width
    return segments, encoding
