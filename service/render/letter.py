"""An email's file: front matter with subject, preheader and button, then a Markdown body."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from service.errors import Problem
from service.render.checks import program
from service.render.liquid import Program, compiled
from service.render.markdown import body
from service.render.piece import BadWording, Flaw, Piece

_FRONT_MATTER = re.compile(r"---\n(.*?)^---(?:\n|$)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"(\w+):[ \t]*")
_KEYS = ("subject", "preheader", "button")
_LINK_FIELD = re.compile(r"\{\{-?\s*(links\.\w+)\s*-?\}\}")

_FIXED_LINK = re.compile(r"https?://[^\s{}]+")

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Button:
    """A call to action. Where its link has no value for a client, the letter has no button."""

    label: Program
    link: Program


@dataclass(frozen=True, slots=True)
class Letter:
    """The parsed parts of an email."""

    subject: Program
    preheader: Program
    html: Program
    text: Program
    button: Button | None

    @property
    def fields(self) -> frozenset[str]:
        parts = [self.subject, self.preheader, self.html]
        parts += [self.button.label, self.button.link] if self.button else []
        return frozenset().union(*(part.fields for part in parts))


def letter(piece: Piece) -> Letter:
    """Reads an email's file. Raises BadWording with every flaw found in any part."""
    head, text = _parts(piece)
    problems: list[Problem] = []
    subject = _read(program, head["subject"], problems)
    preheader = _read(program, head.get("preheader", Piece("", piece.path)), problems)
    button = _read(_button, head["button"], problems) if "button" in head else None
    bodies = _read(body, text, problems)
    if problems or subject is None or preheader is None or bodies is None:
        raise BadWording(*problems)
    return Letter(subject, preheader, *bodies, button)


def _read(reader: Callable[[Piece], _Read], piece: Piece, problems: list[Problem]) -> _Read | None:
    """One part, read whatever is wrong with the others, so that one save shows everything."""
    try:
        return reader(piece)
    except BadWording as error:
        problems.extend(error.problems)
        return None


def _parts(piece: Piece) -> tuple[dict[str, Piece], Piece]:
    front = _FRONT_MATTER.match(piece.text)
    if not front:
        message = "begin with a line ---, then subject: and what else is needed, then --- and the letter"
        raise piece.bad(Flaw("template-front-matter", 0, message))
    head = _head(piece.part(*front.span(1)))
    text = piece.part(front.end(), len(piece.text))
    if flaws := [*_empty(front, head, text)]:
        raise piece.bad(*flaws)
    return head, text


def _head(front: Piece) -> dict[str, Piece]:
    head: dict[str, Piece] = {}
    start = 0
    for line in front.text.splitlines():
        key = _KEY.match(line)
        if line.strip() and (key is None or key.group(1) not in _KEYS or key.group(1) in head):
            message = f"each line here is one of {', '.join(_KEYS)}, once, as subject: Your aftercare"
            raise front.bad(Flaw("template-front-matter", start, message))
        if key:
            head[key.group(1)] = front.part(start + key.end(), start + len(line))
        start += len(line) + 1
    return head


def _empty(front: re.Match[str], head: dict[str, Piece], text: Piece) -> Iterator[Flaw]:
    if "subject" not in head or not head["subject"].text.strip():
        yield Flaw("template-empty", front.start(1), "the letter needs a subject")
    if not text.text.strip():
        yield Flaw("template-empty", front.end(), "the letter has no text below its second ---")


def _button(piece: Piece) -> Button:
    label, arrow, link = piece.text.partition("->")
    field = _LINK_FIELD.fullmatch(link.strip())
    if not (label.strip() and arrow and (field or _FIXED_LINK.fullmatch(link.strip()))):
        message = "write a button as Label -> {{ links.booking }}, or with an https:// address"
        raise piece.bad(Flaw("template-link", 0, message))
    address = piece.part(len(label) + len(arrow), len(piece.text)).stripped()
    link_program = program(address)
    if field:
        link_program = Program(compiled(f"{{{{ {field.group(1)} | web_link }}}}"), link_program.fields, piece.path)
    return Button(program(piece.part(0, len(label)).stripped()), link_program)
