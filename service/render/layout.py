"""The page around every letter: MJML compiled once, with Liquid left in it, and its plain-text twin.

Three files belong together in the templates folder: `layout.mjml`, `layout.txt`, and `layout.toml` with the few words
of the layout by language. What a clinic's letters share (brand, name, address) is filled in once and kept as a frame;
a letter's own parts are then set into it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import mrml

from service.errors import ConfigError, Problem
from service.render import clean
from service.render.checks import fields_of
from service.render.fields import Values
from service.render.liquid import Program, Ready, compiled

_BRAND = ("brand.colour", "brand.logo", "clinic.name", "location.name", "location.address", "location.phone")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_OUR_COLOUR, _BLACK, _WHITE = "#2f6f6b", "#1f2423", "#ffffff"
_RIGHT_TO_LEFT = frozenset(("ar", "fa", "he", "ur"))
_NO_FONTS_FROM_AFAR = mrml.RenderOptions(fonts={})
"""By default mrml has every letter ask Google for a font, which tells Google who reads it."""
_PART = re.compile("\ue000(\\w+)\ue001")

Frame: TypeAlias = tuple[str, ...]
"""Text and the name of a letter's part, in turn."""


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Both faces of the layout, and its phrases by language."""

    page: Program
    plain: Program
    phrases: Mapping[str, Mapping[str, str]]

    @property
    def fields(self) -> frozenset[str]:
        """The values that the layout shows: pinned with every letter, so that it can be made again."""
        return frozenset((*_BRAND, "links.preferences"))

    def around(self, parts: Mapping[str, str], values: Values, locale: str) -> tuple[str, str]:
        """The letter as an HTML page and as plain text.

        `parts` are plain text but for the bodies `html` and `text`; a `button` or `preferences` link may be absent.
        """
        brand = tuple(_value(values, path) for path in _BRAND)
        page, plain = _frames(self, locale, brand, frozenset(parts))
        landed = {name: part if type(part) is Ready else clean.for_html(part) for name, part in parts.items()}
        return _filled(page, landed), _filled(plain, parts)


def load_layout(folder: Path) -> Layout:
    """Reads and compiles the layout's three files. Raises ConfigError when one is missing or cannot be used."""
    try:
        page = mrml.to_html((folder / "layout.mjml").read_text("utf-8"), None, _NO_FONTS_FROM_AFAR).content
        plain = (folder / "layout.txt").read_text("utf-8")
        phrases = tomllib.loads((folder / "layout.toml").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(Problem("layout-unreadable", str(folder), f"the layout cannot be used: {error}")) from None
    return Layout(_program(page, "layout.mjml", html=True), _program(plain, "layout.txt", html=False), phrases)


def _program(source: str, name: str, *, html: bool) -> Program:
    template = compiled(source, html=html)
    return Program(template, fields_of(template), name)


@lru_cache(maxsize=512)
def _frames(layout: Layout, locale: str, brand: tuple[str, ...], parts: frozenset[str]) -> tuple[Frame, Frame]:
    """The layout for one clinic, place and language, with marks where the parts of a letter go."""
    values: dict[str, dict[str, str | int]] = {"page": _page(locale, *brand[:2])}
    for path, value in zip(_BRAND, brand, strict=True):
        group, _, name = path.partition(".")
        values.setdefault(group, {})[name] = value
    values["phrase"] = dict(layout.phrases.get(locale.partition("-")[0], layout.phrases["en"]))
    values["letter"] = {name: Ready(f"\ue000{name}\ue001") for name in parts}
    return tuple(_PART.split(layout.page.run(values))), tuple(_PART.split(layout.plain.run(values).strip() + "\n"))


def _filled(frame: Frame, parts: Mapping[str, str]) -> str:
    filled = list(frame)
    filled[1::2] = [parts[name] for name in frame[1::2]]
    return "".join(filled)


def _value(values: Values, path: str) -> str:
    group, _, name = path.partition(".")
    return str(values.get(group, {}).get(name, ""))


def _page(locale: str, colour: str, logo: str) -> dict[str, str | int]:
    """How the page reads and looks. A colour that is not `#rrggbb` could smuggle in style: ours takes its place."""
    background = colour if _HEX.fullmatch(colour) else _OUR_COLOUR
    direction = "rtl" if locale.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    shown = {"logo": clean.long_line(logo)} if clean.is_web_address(logo) else {}
    return {"lang": locale, "dir": direction, "colour": background, "ink": _ink(background), **shown}


def _ink(background: str) -> str:
    """Black or white, whichever reads better on the colour (WCAG's relative luminance)."""
    red, green, blue = (_linear(int(background[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return _BLACK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.2 else _WHITE


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
