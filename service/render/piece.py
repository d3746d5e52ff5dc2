"""A piece of a template file that knows where it stands, so that every problem can name its line and column."""

from dataclasses import dataclass

from service.errors import BadInput, Problem


class BadWording(BadInput):
    """A text that cannot be used as a message, with everything that is wrong with it."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong at an offset of a piece."""

    code: str
    index: int
    message: str


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` begins at `line` (from 1) and `column` (from 1) of the file named `path`."""

    text: str
    path: str
    line: int = 1
    column: int = 1

    def where(self, index: int = 0) -> str:
        """`path:line:column` of an offset in the text."""
        line, column = self._place(index)
        return f"{self.path}:{line}:{column}"

    def part(self, start: int, end: int) -> "Piece":
        """The piece from offset `start` to `end`, still knowing its place in the file."""
        return Piece(self.text[start:end], self.path, *self._place(start))

    def stripped(self) -> "Piece":
        start = len(self.text) - len(self.text.lstrip())
        return self.part(start, len(self.text.rstrip()))

    def bad(self, *flaws: Flaw) -> BadWording:
        return BadWording(*(Problem(flaw.code, self.where(flaw.index), flaw.message) for flaw in flaws))

    def _place(self, index: int) -> tuple[int, int]:
        before = self.text[:index]
        breaks = before.count("\n")
        return self.line + breaks, index - before.rfind("\n") if breaks else self.column + index
