"""A clinic's colour, made readable on light and dark paper, as text and under it: at least 4.5 to 1, as WCAG 2 asks."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

OUR_COLOUR: Final = "2f6f6b"
_HEX: Final = re.compile(r"#?([0-9a-fA-F]{6})")
_WHITE, _BLACK = (255, 255, 255), (17, 20, 19)
_LIGHT_PAPER, _DARK_PAPER = (244, 242, 238), (30, 36, 35)
"""The darkest light and the lightest dark paper of `client.css`: whoever reads there reads everywhere."""
_ENOUGH: Final = 4.5
_STEPS: Final = 50

_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """The clinic's colour by day and by night, each with what is written on it; all as `#rrggbb`."""

    light: str
    on_light: str
    dark: str
    on_dark: str


def colour_of(brand: str) -> str:
    """Six hexadecimal digits: the clinic's own where it gave a colour as `#rrggbb`, else ours."""
    found = _HEX.fullmatch(brand)
    return found[1].lower() if found else OUR_COLOUR


@lru_cache(maxsize=1024)
def palette(colour: str) -> Palette:
    """The nearest colours that can be read; `colour` is six hexadecimal digits."""
    given = (int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16))
    light = _towards(given, _BLACK, _LIGHT_PAPER)
    dark = _towards(given, _WHITE, _DARK_PAPER)
    return Palette(_hex(light), _hex(_ink(light)), _hex(dark), _hex(_ink(dark)))


def style(colour: str) -> str:
    """What a page's own style sheet leaves to the clinic."""
    found = palette(colour)
    return (
        f":root {{ --accent: light-dark({found.light}, {found.dark}); "
        f"--on-accent: light-dark({found.on_light}, {found.on_dark}) }}\n"
    )


def contrast(one: _Colour, other: _Colour) -> float:
    """1 (none) to 21, as WCAG 2 has it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _towards(colour: _Colour, end: _Colour, paper: _Colour) -> _Colour:
    """The colour itself, mixed with as little of `end` as makes it readable on the paper and under its ink."""
    mixed = (_mixed(colour, end, step / _STEPS) for step in range(_STEPS + 1))
    return next(one for one in mixed if contrast(one, paper) >= _ENOUGH and contrast(one, _ink(one)) >= _ENOUGH)


def _ink(colour: _Colour) -> _Colour:
    return max((_WHITE, _BLACK), key=lambda ink: contrast(ink, colour))


def _mixed(colour: _Colour, end: _Colour, part: float) -> _Colour:
    red, green, blue = (round(one + (other - one) * part) for one, other in zip(colour, end, strict=True))
    return red, green, blue


def _luminance(colour: _Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _hex(colour: _Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)
