"""How far a long command is: a bar on a terminal, else a line now and then."""

from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from service import clock
from service.imports import Progress as Done

_EVERY = 5.0


class Meter:
    """Shows on stderr how much of a file of `size` bytes is done. Use as a context."""

    def __init__(self, size: int) -> None:
        self._size = size
        console = Console(stderr=True)
        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task("", total=max(size, 1)) if self._bar else None
        self._told_at = clock.monotonic()

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, done: Done) -> None:
        words = f"{done.rows:,} rows, {done.rejected:,} rejected"
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=done.offset, description=words)
        elif clock.monotonic() - self._told_at >= _EVERY:
            self._told_at = clock.monotonic()
            typer.echo(f"aftercare: {done.offset / max(self._size, 1):.0%}, {words}", err=True)
