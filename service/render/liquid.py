"""Liquid for texts that people edit: a small allow-list of tags and filters, and rendering that is cheap.

Only fields, conditions and a few filters exist: no loops, captures or includes, so neither the work nor the output of
a template grows faster than its own length (`checks` refuses the rest before a text is kept). A value that is missing
when a message is made raises `MissingField`, so nobody reads "Dear None".
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, RenderContext
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Path
from liquid.builtin.filters import misc, string
from liquid.builtin.tags import case_tag, comment_tag, if_tag, unless_tag
from liquid.exceptions import LiquidError, UndefinedError
from liquid.expression import Expression
from liquid.filter import with_context
from liquid.stream import TokenStream
from liquid.stringify import to_liquid_string
from liquid.token import Token
from liquid.undefined import UNDEFINED

from service.errors import AftercareError, Problem
from service.render import clean, links, moments
from service.render.fields import Values


@with_context
def _date(value: object, style: object = "day", *, context: "_Context") -> str:
    return moments.date_filter(value, style, locale=_locale(context))


@with_context
def _time(value: object, *, context: "_Context") -> str:
    return moments.time_filter(value, locale=_locale(context))


def _locale(context: "_Context") -> str:
    """The reader's, pinned beside the other values."""
    return str(context.values.get("reader", {}).get("locale", ""))


FILTERS: dict[str, Callable[..., object]] = {
    "default": misc.default,
    "date": _date,
    "time": _time,
    "phone": links.phone,
    "capitalize": string.capitalize,
    "upcase": string.upcase,
    "downcase": string.downcase,
    "strip": string.strip,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
}
_LONG = dict.fromkeys(("links", "page"), clean.long_line) | {"treatment.note": clean.lines}
"""How values are cleaned that may be long or have several lines: by path, else by group."""


class RenderError(AftercareError):
    """A message could not be made from these words and values. It stops this message only."""

    status = 422


class MissingField(RenderError):
    """A value that the words need is absent: `field` is its dotted path."""

    def __init__(self, field: str, where: str) -> None:
        sentence = f"{field} has no value here; give it one, or write {{% if {field} %}}"
        super().__init__(Problem("missing-field", where, sentence))
        self.field = field


class Ready(str):
    """Text of our own making that lands as it is: the finished body inside the layout."""

    __slots__ = ()


class _LiteralNode(content.ContentNode):
    """Text between markup."""

    def render(self, _: RenderContext, buffer: TextIO) -> int:
        return buffer.write(self.text)


class _Literal(content.Literal):
    node_class = _LiteralNode


class _OutputNode(output.OutputNode):
    """`{{ ... }}`: what an expression gives, made safe for where it lands. A field alone takes the short way."""

    __slots__ = ("path",)

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        alone = isinstance(expression, FilteredExpression) and not expression.filters and expression.left
        self.path: list[object] | None = list(alone.path) if isinstance(alone, Path) else None

    def render(self, context: Any, buffer: TextIO) -> int:
        value: object = context.value(self.path) if self.path else None
        if value is None:
            value = self.expression.evaluate(context)
        if type(value) is Ready:
            return buffer.write(value)
        text = value if type(value) is str else to_liquid_string(value, autoescape=False)
        return buffer.write(clean.for_html(text) if context.env is _HTML else text)


class _Output(output.Output):
    node_class = _OutputNode


class _Given(BooleanExpression):
    """A condition that is a field alone: it holds where the field has a value."""

    __slots__ = ("path",)

    def __init__(self, field: Path) -> None:
        super().__init__(field.token, field)
        self.path: list[object] = list(field.path)

    def evaluate(self, context: Any) -> bool:
        return context.value(self.path) is not None


class _IfNode(if_tag.IfNode):
    """A condition and its blocks, by the short way: the library's asks for each block which tags it may not have."""

    __slots__ = ()

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        if self.blank or self.alternatives:
            return super().render(context, buffer)
        block = self.consequence if self.condition.evaluate(context) else self.default
        if block is not None:
            for node in block.nodes:
                node.render(context, buffer)
        return 0  # nobody asks how much was written


class _If(if_tag.IfTag):
    """`{% if ... %}`. Most ask for a field alone."""

    node_class = _IfNode

    def parse(self, stream: TokenStream) -> Node:
        node = super().parse(stream)
        match node:
            case if_tag.IfNode(condition=BooleanExpression(expression=Path() as field)):
                node.condition = _Given(field)
        return node


TAGS = (_If, unless_tag.UnlessTag, case_tag.CaseTag, comment_tag.CommentTag)


class _Words(Environment):
    """The allow-list. What is not added here does not exist."""

    block_nesting_limit = 5

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (_Literal, _Output, illegal.Illegal, *TAGS):
            self.add_tag(tag)
        self.filters.update(FILTERS)
        self.filters.update(links.FILTERS)


_PLAIN = _Words(undefined=FalsyStrictUndefined)
_HTML = _Words(undefined=FalsyStrictUndefined)
"""Two places where words land. The library's own autoescape would let literals of a text through as they are."""


class _Context(RenderContext):
    """Reads fields straight from the values, cleaned. The library's own context costs twice the whole rendering."""

    __slots__ = ("cleaned", "values")

    def __init__(self, template: BoundTemplate, values: Values) -> None:
        self.env = template.env
        self.template = template
        self.values = values
        self.cleaned: dict[str, str] = {}
        self.disabled_tags: list[str] = []
        self.autoescape = False

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        value = self.value(path)
        if value is not None:
            return value
        name = ".".join(map(str, path))
        return self.env.undefined(name, hint=name, token=token)

    def value(self, path: list[object]) -> str | int | None:
        """What a field has, None where it has nothing."""
        value: Any = self.values
        try:
            for name in path:
                value = value[name]
        except (KeyError, TypeError):
            return None
        kind = type(value)
        if kind is str:
            if value.isprintable() and len(value) <= clean.LINE_LIMIT:
                return value.strip() or None  # harmless as it is, as nearly all are
            return self._clean(path, value) or None
        return value if kind is int or kind is Ready else None

    def _clean(self, path: list[object], value: str) -> str:
        """The value made harmless, once, however often it is read."""
        name = ".".join(map(str, path))
        if name not in self.cleaned:
            by_path = _LONG.get(name) or _LONG.get(str(path[0]), clean.one_line)
            self.cleaned[name] = by_path(value)
        return self.cleaned[name]


@dataclass(frozen=True, slots=True)
class Program:
    """A parsed template. `fields` are the dotted paths it reads; `where` names it in errors."""

    template: BoundTemplate
    fields: frozenset[str]
    where: str

    def run(self, values: Values) -> str:
        """The text for these values. Raises MissingField or RenderError, naming the field, never the value."""
        context = _Context(self.template, values)
        written = StringIO()
        try:
            for node in self.template.nodes:
                node.render(context, written)
        except UndefinedError as error:
            raise MissingField(str(error.message), self.where) from None
        except LiquidError as error:
            sentence = f"this text cannot be filled in: {error.message}"
            raise RenderError(Problem("render-failed", self.where, sentence)) from None
        return written.getvalue()


def compiled(source: str, *, html: bool = False) -> BoundTemplate:
    """Parses a source. Raises liquid's errors; `html`: values are escaped for HTML, else they land as plain text."""
    return (_HTML if html else _PLAIN).from_string(source)
