"""Lists and facts as they fit the terminal: no word and no id is ever broken or cut."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_INDENT = 4


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[str]], *, head: int = 1) -> None:
    """A table where it fits as wide as it is; else a block for each row, its first `head` cells on a line of their own.

    A block leaves out what is empty.
    """
    table, rows = Table(*columns), list(rows)
    for row in rows:
        table.add_row(*map(Text, row))  # not markup: a name may well have brackets
    console = Console()
    if console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width:
        console.print(table)
        return
    for row in rows:
        typer.echo("  ".join(cell for cell in row[:head] if cell))
        print_facts(zip(columns[head:], row[head:], strict=True), indent=_INDENT)


def print_facts(facts: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
    """Names and values in two columns, long values on several lines; what is empty is left out."""
    told = [(name, value) for name, value in facts if value]
    if not told:
        return
    margin = indent + max(len(name) for name, _ in told) + 2
    room = max(Console().width - margin, 20)
    for name, value in told:
        first, *more = wrap(value, room, break_long_words=False, break_on_hyphens=False)
        typer.echo(f"{' ' * indent + name + ':':{margin}}{first}")
        for line in more:
            typer.echo(" " * margin + line)
