"""What is refused in a text before it is kept, each with its place and a sentence that helps.

`scan` looks at the braces before the Liquid parser sees them, so that nothing slow or unknown reaches it; `inspect`
walks what was parsed.
"""

import re
from collections.abc import Iterator

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import IntegerLiteral, RangeLiteral, StringLiteral
from liquid.builtin.tags.case_tag import MultiExpressionBlockNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from service.render import clean
from service.render.fields import FIELDS, MOMENTS, suggestion
from service.render.liquid import FILTERS, Program, compiled
from service.render.piece import Flaw, Piece

TAGS = frozenset(
    ["if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase", "comment", "endcomment"]
)
MARKUP_LIMIT = 300
"""Characters from brace to brace: bounds the parser's work and the depth of an expression."""

_OPEN = re.compile(r"\{\{|\{%|\}\}|%\}")
_MARKUP = re.compile(r"(\{\{.*?\}\})|\{%-?\s*(\w+)(.*?)-?%\}", re.DOTALL)
_TAG_NAME = re.compile(r"\{%-?\s*(\w*)")
_CLOSE = {"{{": "}}", "{%": "%}"}
MARKUPS_LIMIT = 100
"""Fields, conditions and their ends: with the limit of the source it bounds what a rendering costs."""
_DATED = ("date", "time")
_BLOCKS = ("if", "unless", "case", "comment")
_BLOCKS_WITH = {"elsif": ("if", "unless"), "else": ("if", "unless", "case"), "when": ("case",)}


def program(piece: Piece, *, html: bool = False) -> Program:
    """The piece, parsed. Raises BadWording with every flaw that was found."""
    if flaws := scan(piece.text):
        raise piece.bad(*flaws)
    try:
        template = compiled(piece.text, html=html)
    except LiquidError as error:
        raise piece.bad(_syntax(piece.text, error)) from None
    if flaws := sorted(inspect(template), key=lambda flaw: flaw.index):
        raise piece.bad(*flaws)
    return Program(template, fields_of(template), piece.path)


def scan(source: str) -> list[Flaw]:
    """Flaws that are seen without parsing: stray characters, braces or blocks that do not close, tags off the list."""
    flaws = [*_strange(source), *_too_many(source)]
    position = 0
    while found := _OPEN.search(source, position):
        flaw, position = _markup(source, found)
        if flaw:
            flaws.append(flaw)
    return flaws or list(_unbalanced(source))


def inspect(template: BoundTemplate) -> Iterator[Flaw]:
    """Flaws of a parsed template: unknown fields, filters off the list, ranges, repeated cases."""
    for expression in _expressions(template):
        match expression:
            case Path():
                yield from _unknown_field(expression)
            case FilteredExpression():
                yield from _undated(expression)
                yield from _unknown_filters(expression)
            case RangeLiteral():
                yield Flaw("template-syntax", expression.token.start_index, "ranges cannot be used in a message")
    yield from _cases(template)


def fields_of(template: BoundTemplate) -> frozenset[str]:
    """The dotted paths that a rendering reads, the reader's locale among them where a filter asks for it."""
    fields = set()
    for found in _expressions(template):
        if isinstance(found, Path):
            fields.add(_dotted(found))
        elif isinstance(found, FilteredExpression) and any(used.name in _DATED for used in found.filters or ()):
            fields.add("reader.locale")
    return frozenset(fields)


def _unknown_filters(expression: FilteredExpression) -> Iterator[Flaw]:
    for used in expression.filters or ():
        if used.name not in FILTERS:
            accepted = ", ".join(sorted(FILTERS))
            message = f"the filter {used.name} cannot be used here; these can: {accepted}"
            yield Flaw("template-filter", used.token.start_index, message)


def _undated(expression: FilteredExpression) -> Iterator[Flaw]:
    """A moment without `date` or `time` would show as a computer writes it."""
    name = _dotted(expression.left) if isinstance(expression.left, Path) else ""
    if name in MOMENTS and not (expression.filters and expression.filters[0].name in _DATED):
        message = f"write {{{{ {name} | date }}}} or {{{{ {name} | time }}}}"
        yield Flaw("template-moment", expression.left.token.start_index, message)


def _strange(source: str) -> Iterator[Flaw]:
    if found := clean.unwanted(source):
        code = f"U+{ord(found.group()):04X}"
        message = f"an invisible character ({code}) is hidden here; delete it and type the text again"
        yield Flaw("template-character", found.start(), message)


def _too_many(source: str) -> Iterator[Flaw]:
    if source.count("{{") + source.count("{%") > MARKUPS_LIMIT:
        message = f"more than {MARKUPS_LIMIT} fields and conditions are too many for one message"
        yield Flaw("template-too-long", 0, message)


def _markup(source: str, found: re.Match[str]) -> tuple[Flaw | None, int]:
    """The flaw of the markup that begins at `found`, if any, and where to look on."""
    start, opening = found.start(), found.group()
    if opening not in _CLOSE:
        return Flaw("template-syntax", start, f"{opening} closes nothing that was opened"), found.end()
    close = _CLOSE[opening]
    end = source.find(close, start + 2)
    if end < 0 or "{{" in source[start + 2 : end] or "{%" in source[start + 2 : end]:
        return Flaw("template-syntax", start, f"{opening} is not closed by {close}"), found.end()
    if end - start > MARKUP_LIMIT:
        message = f"more than {MARKUP_LIMIT} characters between {opening} and {close}; write less in one place"
        return Flaw("template-too-long", start, message), end + 2
    return (_unknown_tag(source, start) if opening == "{%" else None), end + 2


def _unknown_tag(source: str, start: int) -> Flaw | None:
    name = _TAG_NAME.match(source, start)
    if name and name.group(1) in TAGS:
        return None
    message = "only if, unless, case and comment can be used between {% and %}"
    return Flaw("template-tag", start, message)


def _unbalanced(source: str) -> Iterator[Flaw]:
    opened: list[tuple[str, int]] = []
    for tag in _TAG_NAME.finditer(source):
        name, inside = tag.group(1), opened[-1][0] if opened else ""
        if inside == "comment" and name != "endcomment":
            continue
        if name in _BLOCKS:
            opened.append((name, tag.start()))
        elif name == f"end{inside}":
            opened.pop()
        elif inside not in _BLOCKS_WITH.get(name, ()):
            yield Flaw("template-syntax", tag.start(), f"{name} belongs to nothing that is open here")
            return
    for name, start in opened:
        yield Flaw("template-syntax", start, f"this {name} is never closed by {{% end{name} %}}")


def _syntax(source: str, error: LiquidError) -> Flaw:
    index = error.token.start_index if error.token else -1
    message = f"this cannot be read as Liquid: {error.message}"
    return Flaw("template-syntax", index if index >= 0 else _breaking(source), message)


def _breaking(source: str) -> int:
    """The first markup that cannot be read alone: where an expression just ends, the parser names no place."""
    for found in _MARKUP.finditer(source):
        output, name, expression = found.groups()
        alone = output or (f"{{% if {expression} %}}{{% endif %}}" if name in ("if", "unless", "elsif") else "")
        try:
            compiled(alone)
        except LiquidError:
            return found.start()
    return 0


def _unknown_field(path: Path) -> Iterator[Flaw]:
    name = _dotted(path)
    if name not in FIELDS:
        yield Flaw("template-unknown-field", path.token.start_index, f"there is no field {name}; {suggestion(name)}")


def _dotted(path: Path) -> str:
    return ".".join(map(str, path.path))


def _cases(template: BoundTemplate) -> Iterator[Flaw]:
    """Each `when` names each text or number once: a repeated one would repeat its block, nested ones by powers."""
    for node in _nodes(template):
        if isinstance(node, MultiExpressionBlockNode):
            choices = node.expression.children()
            plain = [choice.value for choice in choices if isinstance(choice, StringLiteral | IntegerLiteral)]
            if len(set(plain)) < len(choices):
                message = "name each text or number once after when"
                yield Flaw("template-syntax", node.token.start_index, message)


def _expressions(template: BoundTemplate) -> Iterator[Expression]:
    for node in _nodes(template):
        own = [node.expression] if isinstance(node, MultiExpressionBlockNode) else node.expressions()
        for expression in own:
            yield from _within(expression)


def _within(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _within(child)


def _nodes(template: BoundTemplate) -> Iterator[Node]:
    context = RenderContext(template)
    waiting = list(reversed(template.nodes))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(node.children(context))))
