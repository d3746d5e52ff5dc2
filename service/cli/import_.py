"""`aftercare import FILE`: take in a file of events, as many as there are."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from service.cli.import_job import Job, rehearse, take_in
from service.cli.ramping import RampOption, SendFrom
from service.cli.tools import ClinicOption, JsonOption, in_loop, print_json, settings_for
from service.errors import BadInput, Problem
from service.imports import Encoding, Format, Reader, Source, Summary, inspect, load_map, reader_of
from service.settings import Settings

_STOPPED = 130

FileArgument = Annotated[Path, typer.Argument(help="The file: NDJSON or CSV.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would happen; store and write nothing.")]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="Where the file's name does not end in .ndjson or .csv.")
]
RejectsOption = Annotated[
    Path | None, typer.Option(help="Where rows go that are not taken; else beside the file: FILE.rejects.ndjson.")
]
MapOption = Annotated[
    Path | None, typer.Option("--map", help="A TOML file that tells what the columns and words of a CSV mean.")
]
EncodingOption = Annotated[Encoding, typer.Option(help="How a CSV writes its characters.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask at a terminal.")]


def import_(
    file: FileArgument,
    clinic: ClinicOption,
    dry_run: DryRun = False,
    format_: FormatOption = None,
    rejects: RejectsOption = None,
    map_: MapOption = None,
    encoding: EncodingOption = Encoding.UTF_8,
    send_from: SendFrom = None,
    ramp: RampOption = None,
    yes: Yes = False,
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
      course_id, session, of                           its series; told by the dates where absent
      first_name, phone, email, time_zone, locale      the client
      consent_care, consent_rebook, consent_review     sms, email, sms+email or none
    """
    settings, kept_in = settings_for("tool"), _rejects_path(file, rejects)
    with _opened(file, format_, map_, encoding, settings) as (source, reader):
        _warn(reader)
        job = Job(settings, clinic, source, reader, kept_in, send_from.date() if send_from else None, ramp)
        if not (dry_run or yes) and sys.stdin.isatty():
            _ask(in_loop(lambda: rehearse(job)))
        summary = in_loop(lambda: rehearse(job) if dry_run else take_in(job))
    _print(summary, as_json=as_json)
    _end(summary)


def _rejects_path(file: Path, given: Path | None) -> Path:
    path = given or file.with_name(f"{file.name}.rejects.ndjson")
    if path.resolve() == file.resolve():
        raise BadInput(
            Problem("rejects-over-input", "--rejects", "the rejects would take the place of the file itself")
        )
    return path


@contextmanager
def _opened(
    file: Path, format_: Format | None, map_: Path | None, encoding: Encoding, settings: Settings
) -> Iterator[tuple[Source, Reader]]:
    """The file as it is now, and its reader; a CSV's header is read and judged."""
    translation = load_map(map_) if map_ else None
    source = inspect(file, format_, read_by=encoding.encode() + (translation.digest if translation else b""))
    with file.open("rb") as opened:
        yield source, reader_of(source, opened, settings.intake.body_limit, translation, encoding)


def _warn(reader: Reader) -> None:
    for warning in reader.warnings:
        typer.echo(f"aftercare: {warning}", err=True)


def _ask(rehearsed: Summary) -> None:
    """Show what would happen; go on only where a person agrees."""
    _print(rehearsed, as_json=False)
    if not rehearsed.finished:
        raise typer.Exit(_STOPPED)
    typer.confirm("Import this file?", abort=True)


def _print(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        print_json(summary.as_json())
        return
    for line in summary.lines():
        typer.echo(line)


def _end(summary: Summary) -> None:
    """With the exit code that tells how it went."""
    if not summary.finished:
        raise typer.Exit(_STOPPED)
    if summary.progress.rejected:
        raise typer.Exit(BadInput.exit_code)
