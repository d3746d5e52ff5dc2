"""A clinic's colour can be read, whatever colour it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.pages.brand import OUR_COLOUR, colour_of, contrast, palette, style

LIGHT_PAPERS = [(255, 255, 255), (244, 242, 238)]
DARK_PAPERS = [(20, 24, 23), (30, 36, 35)]


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:], 16)


@given(st.integers(0, 0xFFFFFF))
@settings(max_examples=100)
def test_every_colour_is_made_readable(number: int) -> None:
    found = palette(f"{number:06x}")
    assert all(contrast(rgb(found.light), paper) >= 4.5 for paper in LIGHT_PAPERS)
    assert all(contrast(rgb(found.dark), paper) >= 4.5 for paper in DARK_PAPERS)
    assert contrast(rgb(found.light), rgb(found.on_light)) >= 4.5
    assert contrast(rgb(found.dark), rgb(found.on_dark)) >= 4.5


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert palette("2f6f6b").light == "#2f6f6b"
    assert palette("62c6b8").dark == "#62c6b8"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("#D8B4A0", "d8b4a0"),
        ("2f6f6b", "2f6f6b"),
        ("", OUR_COLOUR),
        ("red", OUR_COLOUR),
        ("#12345", OUR_COLOUR),
        ("#123456; } body { display: none", OUR_COLOUR),
    ],
)
def test_only_a_colour_is_taken_for_one(given: str, used: str) -> None:
    assert colour_of(given) == used


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def test_a_style_names_both_colours_and_their_inks() -> None:
    assert style("2f6f6b").startswith(":root { --accent: light-dark(#2f6f6b, #")
