"""`aftercare import FILE`: take in a file of events, as many as there are."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from service import clock
from service.cli.meter import Meter
from service.cli.taking import open_intake
from service.cli.tools import (
    ClinicOption,
    JsonOption,
    in_loop,
    open_store,
    print_json,
    require_clinic,
    settings_for,
)
from service.errors import BadInput, Problem, Unavailable
from service.imports import (
    Checking,
    Due,
    Encoding,
    Format,
    Importer,
    Journal,
    Pace,
    Progress,
    Reader,
    Rehearsal,
    Rejects,
    Source,
    Summary,
    how_to_go_on,
    inspect,
    load_map,
    reader_of,
    rehearsal,
)
from service.intake.group import Intake
from service.intake.ramp import RAMPED, Ramp
from service.protocols import load_protocols
from service.settings import Settings, data_folder
from service.store.imports import nudges_due_for
from service.store.session import Database

_SOON = timedelta(hours=24)
_STOPPED = 130


@dataclass(frozen=True, slots=True)
class _Job:
    """What the command line asked for."""

    settings: Settings
    clinic: str
    source: Source
    reader: Reader
    rejects: Path
    send_from: date | None
    ramp: int | None


def import_(
    file: Annotated[Path, typer.Argument(help="The file: NDJSON or CSV.")],
    clinic: ClinicOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would happen; store nothing.")] = False,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Where the file's name does not end in .ndjson or .csv.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rows go that are not taken; else beside the file: FILE.rejects.ndjson.")
    ] = None,
    map_: Annotated[
        Path | None, typer.Option("--map", help="A TOML file that tells what the columns and words of a CSV mean.")
    ] = None,
    encoding: Annotated[Encoding, typer.Option(help="How a CSV writes its characters.")] = Encoding.UTF_8,
    send_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Send nothing of it before this day, like 2026-12-01."),
    ] = None,
    ramp: Annotated[
        int | None,
        typer.Option(min=1, help="Of nudges that are due already, send at most so many a day, from tomorrow on."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask at a terminal.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in a file of events: NDJSON, one CloudEvent a line, or CSV, one treatment a row.

    At a terminal it first tells what would happen, and asks.

    Nothing is sent for the past. Rows that were taken before are recognised. An import that was stopped or killed goes
    on where it was when the same command is run again. Ends with 2 where rows were rejected.

    \b
    CSV columns, in any order, named in the first line:
      treatment_id, protocol, ended_at, client_ref     required
      version, time, event_id                          which report of the visit
      kind, area, location, provider, note             the visit
      course_id, session, of                           its series
      first_name, phone, email, time_zone, locale      the client
      consent_care, consent_rebook, consent_review     sms, email, sms+email or none
    """
    settings, translation = settings_for("tool"), load_map(map_) if map_ else None
    source = inspect(file, format_, read_by=encoding.encode() + (translation.digest if translation else b""))
    path = _rejects_path(file, rejects)
    with file.open("rb") as opened:
        reader = reader_of(source, opened, settings.intake.body_limit, translation, encoding)
        for warning in reader.warnings:
            typer.echo(f"aftercare: {warning}", err=True)
        job = _Job(settings, clinic, source, reader, path, send_from.date() if send_from else None, ramp)
        if not (dry_run or yes) and sys.stdin.isatty():
            _ask(in_loop(lambda: _rehearse(job)))
        summary = in_loop(lambda: _rehearse(job) if dry_run else _import(job))
    _print(summary, as_json=as_json)
    if not summary.finished:
        raise typer.Exit(_STOPPED)
    if summary.progress.rejected:
        raise typer.Exit(BadInput.exit_code)


def _ask(rehearsed: Summary) -> None:
    """Show what would happen; go on only where a person agrees."""
    _print(rehearsed, as_json=False)
    if not rehearsed.finished:
        raise typer.Exit(_STOPPED)
    typer.confirm("Import this file?", abort=True)


def _rejects_path(file: Path, given: Path | None) -> Path:
    path = given or file.with_name(f"{file.name}.rejects.ndjson")
    if path.resolve() == file.resolve():
        raise BadInput(
            Problem("rejects-over-input", "--rejects", "the rejects would take the place of the file itself")
        )
    return path


async def _import(job: _Job) -> Summary:
    async with open_store(job.settings) as database:
        await require_clinic(database, job.clinic)
        ramp = await _ramp(job, database, clock.now())
    async with open_intake(job.settings, ramp) as (database, intake):
        return await _run(job, intake, Journal(database, job.clinic, job.source.digest))


async def _ramp(job: _Job, database: Database, now: datetime) -> Ramp | None:
    """Where one is asked for; one that goes on after a stop counts what it had placed."""
    if job.send_from is None and job.ramp is None:
        return None
    start = job.send_from or now.date()
    async with database.read() as connection:
        placed = await nudges_due_for(connection, job.clinic, RAMPED, datetime.combine(start, time(), UTC))
    return Ramp(start, job.ramp, placed)


async def _rehearse(job: _Job) -> Summary:
    protocols, now = load_protocols(data_folder("config/protocols", job.settings.home)), clock.now()
    async with open_store(job.settings) as database:
        await require_clinic(database, job.clinic)
        ramp = await _ramp(job, database, now)
        async with rehearsal(database, protocols, job.clinic, now, [now, now + _SOON], ramp) as rehearsed:
            summary = await _run(job, rehearsed, None)
            return replace(summary, due=Due(*await rehearsed.due_soon()))


async def _run(job: _Job, takes: Intake | Rehearsal, journal: Journal | None) -> Summary:
    progress = await journal.begin() if journal else Progress()
    resumed_after, rows_before, began = progress.line, progress.rows, clock.monotonic()
    with Meter(job.source.size) as meter:
        importer = _importer(job, takes, journal, progress, meter.show)
        with _stopped_by_signals(importer.stop):
            await _run_or_say_how_to_go_on(importer)
    return Summary(
        clinic=job.clinic,
        file=job.source.path,
        rejects=job.rejects,
        finished=not importer.stopped,
        progress=progress,
        notes=importer.notes,
        planned=takes.effects.planned,
        past=takes.effects.past,
        seconds=clock.monotonic() - began,
        rows_now=progress.rows - rows_before,
        resumed_after=resumed_after,
    )


def _importer(
    job: _Job,
    takes: Intake | Rehearsal,
    journal: Journal | None,
    progress: Progress,
    watch: Callable[[Progress], None],
) -> Importer:
    intake = job.settings.intake
    return Importer(
        job.clinic,
        job.reader,
        takes,
        Rejects(job.rejects, after=progress.line),
        journal,
        progress,
        pace=Pace(intake.batch, intake.body_limit),
        checking=Checking(clock.now, min(job.source.written_at, clock.now()), intake.future_tolerance),
        watch=watch,
    )


async def _run_or_say_how_to_go_on(importer: Importer) -> None:
    try:
        await importer.run()
    except Unavailable as error:
        further = Problem("import-interrupted", "", how_to_go_on(importer.progress))
        raise Unavailable(*error.problems, further) from None


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end in an orderly way; a second one ends at once."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

    def end() -> None:
        stop()
        for name in signals:
            loop.remove_signal_handler(name)

    for name in signals:
        loop.add_signal_handler(name, end)
    try:
        yield
    finally:
        for name in signals:
            loop.remove_signal_handler(name)


def _print(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        print_json(summary.as_json())
        return
    for line in summary.lines():
        typer.echo(line)
