"""Markdown with Liquid in it, turned once into Liquid HTML and Liquid text: rendering then costs no Markdown at all.

Liquid is hidden behind marks while Markdown and html2text work, so values never pass through either: no star, bracket
or angle in a value can become emphasis, a link or a tag. Tags on a line of their own stand between blocks of Markdown;
all others must open and close within one element.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from html2text import HTML2Text
from liquid.exceptions import LiquidError
from markdown_it import MarkdownIt

from service.render.checks import fields_of, program
from service.render.liquid import Program, compiled
from service.render.piece import Flaw, Piece

_OUTPUT, _TAG, _END = "\ue000", "\ue001", "\ue002"
"""Private-use characters, which `checks` refuses in a source."""
_MARKUP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_COMMENT = re.compile(r"\{%-?\s*comment\b.*?\{%-?\s*endcomment\s*-?%\}", re.DOTALL)
_MARK = re.compile(f"[{_OUTPUT}{_TAG}](\\d+){_END}")
_TAGS_ALONE = re.compile(f"^[ \\t]*((?:{_TAG}\\d+{_END}[ \\t]*)+)$", re.MULTILINE)
_ELEMENT = re.compile(f"<(?!br|hr)(/?)(\\w+)[^>]*>|{_TAG}(\\d+){_END}")
_CONDITIONS, _BRANCHES = ("if", "unless", "case"), ("elsif", "else", "when")
_LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_FIXED = re.compile(r"https?://[\w.-]+(?=[/:?#]|$)|mailto:|tel:", re.IGNORECASE)
"""How an address begins that the text itself chooses: no value decides on the host."""
_ESCAPED_BY_HTML2TEXT = re.compile(r"^([ >]*\d*)\\(?=[.+-])", re.MULTILINE)
_MARKDOWN_LEFT = re.compile(r"^(?:(?:[>#]+ )+|  (?= *(?:-|\d+\.) ))", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")

MARKS_LIMIT = 600
"""Characters that could open something: Markdown looks for the end of each, again and again."""
_OFF = ("html_block", "html_inline", "image", "reference", "lheading", "code", "fence", "backticks")


class _Markdown(MarkdownIt):
    """Leaves addresses as they are: `_address` decides on them, aloud, instead of silently dropping a link."""

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url


_MARKDOWN = _Markdown("commonmark", {"html": False, "maxNesting": 8}).disable(_OFF)


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A source whose Liquid is hidden: `markups[n]` with the offset where it stood."""

    piece: Piece
    text: str
    markups: list[str]
    offsets: list[int]

    def shown(self, text: str) -> str:
        return _MARK.sub(lambda mark: self.markups[int(mark.group(1))], text)


def body(piece: Piece) -> tuple[Program, Program]:
    """The letter's body as HTML and as plain text. Raises BadWording with every flaw found."""
    fields = program(piece).fields
    hidden = _hide(piece)
    if sum(map(hidden.text.count, "[]*_<`")) > MARKS_LIMIT:
        message = f"more than {MARKS_LIMIT} stars, underscores and brackets: write plainer text"
        raise piece.bad(Flaw("template-too-long", 0, message))
    blocks = [block if _alone(block) else _MARKDOWN.render(block) for block in _blocks(hidden.text)]
    if flaws := [*_crossed(hidden, blocks), *_bad_links(hidden, blocks)]:
        raise piece.bad(*flaws)
    html = "\n".join(_separate(hidden, block) if _alone(block) else _page(hidden, block) for block in blocks)
    text = "".join(_separate(hidden, block) if _alone(block) else _letter(hidden, block) for block in blocks)
    return _program(piece, html, fields, html=True), _program(piece, text, fields, html=False)


def _program(piece: Piece, source: str, fields: frozenset[str], *, html: bool) -> Program:
    try:
        template = compiled(source, html=html)
    except LiquidError as error:
        raise piece.bad(Flaw("template-syntax", 0, f"Markdown and Liquid do not fit: {error.message}")) from None
    if html and fields_of(template) != fields:
        raise piece.bad(Flaw("template-syntax", 0, "a field stands where Markdown does not show it"))
    return Program(template, fields, piece.path)


def _hide(piece: Piece) -> _Hidden:
    markups: list[str] = []
    offsets: list[int] = []

    def mark(found: re.Match[str]) -> str:
        markups.append(found.group())
        offsets.append(found.start())
        return f"{_OUTPUT if found.group().startswith('{{') else _TAG}{len(markups) - 1}{_END}"

    without_comments = _COMMENT.sub(lambda found: " " * len(found.group()), piece.text)
    return _Hidden(piece, _MARKUP.sub(mark, without_comments), markups, offsets)


def _blocks(text: str) -> list[str]:
    """Markdown and lines of tags, in turn."""
    return [block for block in _TAGS_ALONE.split(text) if block.strip()]


def _alone(block: str) -> bool:
    return _TAGS_ALONE.fullmatch(block) is not None


def _separate(hidden: _Hidden, block: str) -> str:
    """Tags between blocks; their dashes would eat the space around paragraphs."""
    return hidden.shown(block).strip().replace("{%-", "{%").replace("-%}", "%}")


def _page(hidden: _Hidden, html: str) -> str:
    return hidden.shown(_LINK.sub(lambda link: _anchor(hidden, *link.groups()), html))


def _anchor(hidden: _Hidden, address: str, words: str) -> str:
    """A telephone number reads from left to right in every language."""
    direction = ' dir="ltr"' if address.lower().startswith("tel:") else ""
    return f'<a href="{_address(hidden, address)}"{direction}>{words}</a>'


def _letter(hidden: _Hidden, html: str) -> str:
    reader = HTML2Text(bodywidth=0)
    reader.unicode_snob = True
    reader.ignore_emphasis = True
    reader.ul_item_mark = "-"
    plain = reader.handle(_LINK.sub(_spelled_out, html))
    plain = _MARKDOWN_LEFT.sub("", _ESCAPED_BY_HTML2TEXT.sub(r"\1", plain))
    return hidden.shown(_BLANK_LINES.sub("\n\n", plain).strip()) + "\n\n"


def _spelled_out(link: re.Match[str]) -> str:
    address, words = link.groups()
    if address in (words, f"mailto:{words}") or address.startswith("tel:"):
        return words
    return f"{words} ({address})"


def _address(hidden: _Hidden, address: str) -> str:
    """The address with its Liquid, each value made fit for its place in a link."""
    if not _FIXED.match(address):
        return _filtered(hidden, address, "web_link")
    return _filtered(hidden, address, "dial" if address.lower().startswith("tel:") else "link_part")


def _filtered(hidden: _Hidden, address: str, name: str) -> str:
    return _MARK.sub(lambda mark: f"{{{{ {_inside(hidden, mark)} | {name} }}}}", address)


def _inside(hidden: _Hidden, mark: re.Match[str]) -> str:
    return hidden.markups[int(mark.group(1))][2:-2].strip("- \n\t")


def _bad_links(hidden: _Hidden, blocks: list[str]) -> Iterator[Flaw]:
    message = "a link must begin with https://, mailto: or tel:, or be one of the links fields, as {{ links.booking }}"
    for address, _ in (found for block in blocks for found in _LINK.findall(block)):
        whole = _MARK.fullmatch(address)
        from_field = whole and _inside(hidden, whole).startswith("links.")
        if _TAG in address or not (_FIXED.match(address) or from_field):
            written = unescape(hidden.shown(address))
            yield Flaw("template-link", max(hidden.piece.text.find(written), 0), message)


def _crossed(hidden: _Hidden, blocks: list[str]) -> Iterator[Flaw]:
    """Tags that do not nest with the elements around them: with one side left out, the page would break."""
    message = "a condition must open and close in one paragraph, or have each of its tags on a line of its own"
    for block in blocks:
        offset = None if _alone(block) else _crossing(hidden, block)
        if offset is not None:
            yield Flaw("template-crossed", offset, message)


def _crossing(hidden: _Hidden, html: str) -> int | None:
    """The offset of the first tag that opens in one element and closes in another."""
    opened: list[tuple[str, int]] = []
    for element in _ELEMENT.finditer(html):
        closing, name, offset = _role(hidden, element)
        if name in _BRANCHES:
            if not opened or opened[-1][0] not in _CONDITIONS:
                return offset
        elif not closing:
            opened.append((name, offset))
        elif not opened or opened[-1][0] != name:
            return offset if offset >= 0 or not opened else opened[-1][1]
        else:
            opened.pop()
    return None


def _role(hidden: _Hidden, element: re.Match[str]) -> tuple[bool, str, int]:
    """Whether an element or a tag closes, its name, and a tag's offset in the source (an element's: -1)."""
    closing, name, number = element.groups()
    if number is None:
        return bool(closing), name, -1
    markup = int(number)
    name = hidden.markups[markup][2:-2].strip("- \n\t").split()[0]
    return name.startswith("end"), name.removeprefix("end"), hidden.offsets[markup]
