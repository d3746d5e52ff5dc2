"""Figures for people, as tables, and for programs, as JSON lines."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.api import Serving
from benchmarks.backlog import Backlog
from benchmarks.burst import Burst
from benchmarks.importing import Importing
from benchmarks.machine import IDLE
from benchmarks.planning import Planning
from benchmarks.writing import Writing
from service import clock
from service.types import Json

_console = Console(width=120, highlight=False)

_MEASURES = (
    ("sent a second", "sent_per_s", 0),
    ("late, median, ms", "late_p50_ms", 0),
    ("late, 99th percentile, ms", "late_p99_ms", 0),
    ("all recorded after, s", "recorded_s", 2),
    ("worker CPU a send, us", "worker_us", 0),
    ("database CPU a send, us", "database_us", 0),
    ("sink CPU a send, us", "sink_us", 0),
    ("worker memory, MB", "rss_mb", 0),
    ("lost", "lost", 0),
    ("duplicates", "duplicates", 0),
)


class Record:
    """A file that gets one line for each measurement, as it is made."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, name: str, values: Json) -> None:
        line = {"name": name, "at": clock.now()} | values
        with self._file.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))

    def add_each(self, name: str, results: Iterable[Any]) -> None:
        for result in results:
            self.add(name, asdict(result))


def say(text: str) -> None:
    _console.print(text)


def show_duel(title: str, first: Sequence[Burst], second: Sequence[Burst]) -> None:
    """Two contestants side by side: median [least..most], and how many times the first the second is."""
    table = _table(title, first[0].system, second[0].system, f"{second[0].system} / {first[0].system}")
    for label, name, digits in _MEASURES:
        ours, theirs = _values(second, name), _values(first, name)
        table.add_row(label, _spread(theirs, digits), _spread(ours, digits), _ratio(median(ours), median(theirs)))
    _console.print(table)
    _warn_of_noise([*first, *second])


def show_bursts(title: str, columns: Sequence[tuple[str, Sequence[Burst]]]) -> None:
    """Any number of bursts of one system side by side."""
    table = _table(title, *(name for name, _ in columns))
    for label, name, digits in _MEASURES:
        table.add_row(label, *(_spread(_values(bursts, name), digits) for _, bursts in columns))
    _console.print(table)
    _warn_of_noise([burst for _, bursts in columns for burst in bursts])


def show_backlogs(backlogs: Sequence[Backlog]) -> None:
    table = _table(
        f"One worker beside a backlog, bursts of {backlogs[0].reminders:,}",
        *(f"{backlog.pending:,} pending" for backlog in backlogs),
    )
    rows: tuple[tuple[str, Callable[[Backlog], str]], ...] = (
        ("worker memory, idle, MB", lambda backlog: f"{backlog.idle_rss_mb:.1f}"),
        ("worker memory, after the burst, MB", lambda backlog: f"{backlog.rss_mb:.1f}"),
        ("sent a second", lambda backlog: f"{backlog.sent_per_s:,.0f}"),
        ("late, 99th percentile, ms", lambda backlog: f"{backlog.late_p99_ms:,.0f}"),
    )
    for label, cell in rows:
        table.add_row(label, *map(cell, backlogs))
    _console.print(table)


def show_plannings(plannings: Sequence[Planning]) -> None:
    table = _table("Intake, in groups of 200", *(planning.database for planning in plannings))
    rows: tuple[tuple[str, Callable[[Planning], str]], ...] = (
        ("events", lambda planning: f"{planning.events:,}"),
        ("events a second", lambda planning: f"{planning.events_per_s:,.0f}"),
        ("reminders a second", lambda planning: f"{planning.reminders_per_s:,.0f}"),
        ("CPU an event, us", lambda planning: f"{planning.event_us:,.0f}"),
    )
    for label, cell in rows:
        table.add_row(label, *map(cell, plannings))
    _console.print(table)


def show_importing(result: Importing) -> None:
    table = _table("A history by `aftercare import`", f"{result.visits:,} visits")
    table.add_row("killed when so many were stored", f"{result.killed_at:,}")
    table.add_row("seconds, both runs together", f"{result.seconds:,.0f}")
    table.add_row("visits a second", f"{result.visits / result.seconds:,.0f}")
    table.add_row("seconds, once more with nothing new", f"{result.again_seconds:,.0f}")
    table.add_row("most memory ever, MB", f"{result.peak_mb:,.0f}")
    table.add_row("reminders planned or skipped", f"{result.reminders:,}")
    table.add_row("lost, doubled", f"{result.lost}, {result.doubled}")
    _console.print(table)


def show_serving(results: Sequence[Serving]) -> None:
    table = _table("Events over HTTP", *(result.who for result in results))
    rows: tuple[tuple[str, Callable[[Serving], str]], ...] = (
        ("events a second", lambda serving: f"{serving.events_per_s:,.0f}"),
        ("answered within, 99th of a hundred, ms", lambda serving: f"{serving.p99_ms:,.0f}"),
        ("serving CPU an event, us", lambda serving: f"{serving.event_us:,.0f}"),
        ("refused, lost", lambda serving: f"{serving.refused}, {serving.lost}"),
    )
    for label, cell in rows:
        table.add_row(label, *map(cell, results))
    _console.print(table)


def show_writing(results: Sequence[Writing]) -> None:
    media = list(dict.fromkeys(result.medium for result in results))
    table = _table("Writing a message, us (median, 95th of a hundred)", *media)
    for who in dict.fromkeys(result.who for result in results):
        own = {one.medium: one for one in results if one.who == who}
        table.add_row(who, *(f"{own[medium].median_us:.0f}   {own[medium].p95_us:.0f}" for medium in media))
    _console.print(table)


def _warn_of_noise(bursts: Sequence[Burst]) -> None:
    busy = sum(burst.idle_before < IDLE for burst in bursts)
    if busy:
        say(
            f"The machine was busy before {busy} of {len(bursts)} bursts: trust no figure of these, least of all times."
        )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _values(bursts: Iterable[Burst], name: str) -> list[float]:
    return [getattr(burst, name) for burst in bursts]


def _spread(values: Sequence[float], digits: int) -> str:
    middle = f"{median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} [{min(values):,.{digits}f}..{max(values):,.{digits}f}]"


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else ""
