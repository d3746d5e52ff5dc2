"""python -m chaos [--seed N] [--minutes M] [--rate R] [--keep FOLDER]: one summary line; exit 1 on a broken promise."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
import uvloop

from chaos import evidence, report
from chaos.blows import ALWAYS, Blows
from chaos.check import check
from chaos.clinics import PAUSED, RESUMED
from chaos.evidence import ATTEMPT, REMINDER
from chaos.load import Load
from chaos.schedule import LONGEST_SILENCE, schedule
from chaos.stage import DEADLINE, Stage, set_up
from chaos.values import Evidence, Span, without
from service import clock
from service.store.session import TROUBLE
from service.types import AttemptState, ReminderState
from tests.support.processes import until

_LONGEST_CALM = 240.0


async def run(folder: Path, seed: int, minutes: float, rate: float) -> report.Summary:
    """Chaos for so long, calm until all has settled, and what was found."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    seconds = minutes * 60
    async with set_up(folder, seed, dice.random) as stage:
        blows, load = Blows(stage), Load(stage, seed, rate)
        await stage.sandbox.set_faults(ALWAYS)
        await stage.pause(PAUSED, "sms")
        await stage.pause(RESUMED, "sms")
        await asyncio.gather(load.run(seconds), blows.run(schedule(seed, seconds)), _resume_half_way(stage, seconds))
        await blows.calm()
        settled = await _settles(stage)
        await stage.sandbox.settle()
        for worker in stage.workers:
            worker.rest()
        found = await _evidence(stage, load, blows.shut)
        await evidence.keep(stage.database, folder)
        return report.Summary(seed, minutes, blows.counts, stage.shifts, load, found, check(found), settled)


async def _resume_half_way(stage: Stage, seconds: float) -> None:
    await asyncio.sleep(seconds / 2)
    while True:
        try:
            return await stage.resume(RESUMED)
        except TROUBLE:
            await asyncio.sleep(0.5)


async def _settles(stage: Stage) -> bool:
    """Wait until nothing is on its way any more: no attempt open, nothing due, or a person has been told."""
    open_ = (AttemptState.SENDING.value, AttemptState.UNKNOWN.value)
    waits = (ReminderState.SCHEDULED.value, ReminderState.SENDING.value)
    statement = sa.select(
        sa.select(sa.func.count()).select_from(REMINDER).where(REMINDER.c.state.in_(waits)).scalar_subquery()
        + sa.select(sa.func.count())
        .select_from(
            ATTEMPT.join(REMINDER, sa.and_(ATTEMPT.c.reminder == REMINDER.c.id, ATTEMPT.c.clinic == REMINDER.c.clinic))
        )
        .where(ATTEMPT.c.state.in_(open_), REMINDER.c.state != ReminderState.NEEDS_REVIEW.value)
        .scalar_subquery()
    )

    async def nothing_open() -> bool:
        with suppress(*TROUBLE):
            async with stage.database.read() as connection:
                return not await connection.scalar(statement)
        return False

    try:
        await until(nothing_open, "all is settled", _LONGEST_CALM)
    except AssertionError:
        return False
    return True


async def _evidence(stage: Stage, load: Load, shut: Sequence[Span]) -> Evidence:
    return Evidence(
        taken=evidence.taken(stage.folder / "ledger.ndjson"),
        attempts=await evidence.attempts(stage.database),
        reminders=await evidence.reminders(stage.database),
        planned=frozenset(load.planned),
        stops=load.stops,
        earliest=load.earliest,
        paused=frozenset({(PAUSED, "sms"), (RESUMED, "sms")}),
        attended=[part for worker in stage.workers for span in worker.attended for part in without(span, shut)],
        ended_at=clock.now(),
        grace=timedelta(seconds=DEADLINE + LONGEST_SILENCE),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=6.0, help="visits a second")
    parser.add_argument("--keep", type=Path, help="keep what the run wrote in this folder")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="aftercare-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    summary = uvloop.run(run(folder, given.seed, given.minutes, given.rate))
    report.show(summary, folder)
    if summary.kept and given.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if summary.kept else 1


if __name__ == "__main__":
    sys.exit(main())
