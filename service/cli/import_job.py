"""An import that was asked for on the command line: rehearsed, or run; stopped in an orderly way by signals."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from service import clock
from service.cli.meter import Meter
from service.cli.ramping import ramp_asked
from service.cli.taking import open_intake
from service.cli.tools import open_store, require_clinic
from service.errors import Problem, Unavailable
from service.imports import (
    Checking,
    Due,
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
    rehearsal,
)
from service.intake.group import Intake
from service.protocols import load_protocols
from service.settings import Settings, data_folder

_SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Job:
    """What the command line asked for."""

    settings: Settings
    clinic: str
    source: Source
    reader: Reader
    rejects: Path
    send_from: date | None
    ramp: int | None


async def take_in(job: Job) -> Summary:
    """Import the file, from where it was stopped."""
    async with open_store(job.settings) as database:
        await require_clinic(database, job.clinic)
        ramp = await ramp_asked(database, job.clinic, job.send_from, job.ramp, clock.now())
    async with open_intake(job.settings, ramp) as (database, intake):
        return await _run(job, intake, Journal(database, job.clinic, job.source.digest))


async def rehearse(job: Job) -> Summary:
    """What an import would do. Nothing is stored, and nothing written."""
    protocols, now = load_protocols(data_folder("config/protocols", job.settings.home)), clock.now()
    async with open_store(job.settings) as database:
        await require_clinic(database, job.clinic)
        ramp = await ramp_asked(database, job.clinic, job.send_from, job.ramp, now)
        async with rehearsal(database, protocols, job.clinic, now, [now, now + _SOON], ramp) as rehearsed:
            summary = await _run(job, rehearsed, None)
            return replace(summary, due=Due(*await rehearsed.due_soon()))


async def _run(job: Job, takes: Intake | Rehearsal, journal: Journal | None) -> Summary:
    progress = await journal.begin() if journal else Progress()
    resumed_after, rows_before, began = progress.line, progress.rows, clock.monotonic()
    with Meter(job.source.size) as meter:
        importer = _importer(job, takes, journal, progress, meter.show)
        with _stopped_by_signals(importer.stop):
            await _run_or_say_how_to_go_on(importer)
    return Summary(
        clinic=job.clinic,
        file=job.source.path,
        rejects=job.rejects if journal else None,
        finished=not importer.stopped,
        progress=progress,
        notes=importer.notes,
        planned=takes.effects.planned,
        past=takes.effects.past,
        courses=max(takes.effects.courses, 0),
        seconds=clock.monotonic() - began,
        rows_now=progress.rows - rows_before,
        resumed_after=resumed_after,
    )


def _importer(
    job: Job,
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
        Rejects(job.rejects, after=progress.line) if journal else None,
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
