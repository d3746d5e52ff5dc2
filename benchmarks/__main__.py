"""python -m benchmarks [--quick] [--only PART] [--history VISITS] [--out FOLDER]

A run starts its own PostgreSQL and its own sink, so nothing has to be running; nothing leaves this machine.
"""

import argparse
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import uvloop

from benchmarks import report
from benchmarks.aftercare import aftercare
from benchmarks.api import can_be_loaded, serving
from benchmarks.backlog import with_backlog
from benchmarks.burst import Burst, burst
from benchmarks.importing import importing
from benchmarks.machine import described, quiet
from benchmarks.peer import pace_for, pgqueuer
from benchmarks.planning import plan
from benchmarks.stage import Stage, set_up
from benchmarks.writing import writing
from service import __version__, clock

PARTS = ("dispatch", "backlog", "intake", "import", "api", "writing")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    bursts: tuple[int, ...]
    repetitions: int
    backlogs: tuple[int, ...]
    backlog_burst: int
    sqlite_events: int
    history: int
    load_seconds: int
    messages: int


FULL = Size((5_000, 10_000), 3, (0, 100_000, 300_000), 2_000, 5_000, 20_000, 10, 2_000)
QUICK = Size((1_000,), 1, (0, 20_000), 500, 500, 1_000, 2, 500)


class Run:
    """One run: its size, its stage, and the database in which everything is planned."""

    def __init__(self, stage: Stage, size: Size, record: report.Record) -> None:
        self._stage = stage
        self._size = size
        self._record = record
        self._planned = ""

    async def intake(self, *, shown: bool) -> None:
        """Plan what the other parts send; with SQLite beside it where intake itself is to be shown."""
        self._planned = await self._stage.new_database()
        await quiet()
        results = [await plan(self._stage.server.url(self._planned), max(self._size.bursts))]
        await self._stage.execute(self._planned, "VACUUM ANALYZE")
        if shown:
            await quiet()
            file = self._stage.folder / "intake.db"
            results.append(await plan(f"sqlite+aiosqlite:///{file}", self._size.sqlite_events))
            report.show_plannings(results)
        self._record.add_each("intake", results)

    async def dispatch(self) -> None:
        for reminders in self._size.bursts:
            peers, ours = await self._duel(reminders)
            report.show_duel(f"{reminders:,} fall due at once", peers, ours)
        pairs = [await self._ours(reminders, workers=2) for _ in range(self._size.repetitions)]
        report.show_bursts(f"{reminders:,} fall due at once", [("one worker", ours), ("two workers", pairs)])

    async def _duel(self, reminders: int) -> tuple[list[Burst], list[Burst]]:
        """In turns, so that what else the machine does meets both."""
        peers, ours = [], []
        for _ in range(self._size.repetitions):
            async with pgqueuer(self._stage, pace_for(reminders)) as contestant:
                peers.append(await burst(self._stage, contestant, reminders))
            ours.append(await self._ours(reminders))
            self._record.add_each("burst", (peers[-1], ours[-1]))
        return peers, ours

    async def _ours(self, reminders: int, *, workers: int = 1) -> Burst:
        async with aftercare(self._stage, self._planned, workers) as contestant:
            return await burst(self._stage, contestant, reminders)

    async def backlog(self) -> None:
        size = self._size
        results = [
            await with_backlog(self._stage, self._planned, pending, size.backlog_burst) for pending in size.backlogs
        ]
        self._record.add_each("backlog", results)
        report.show_backlogs(results)

    async def history(self) -> None:
        await quiet()
        result = await importing(self._stage, self._size.history)
        self._record.add_each("import", [result])
        report.show_importing(result)

    async def api(self) -> None:
        if not can_be_loaded():
            report.say("The API was not measured: that takes wrk (apt-get install wrk).")
            return
        results = await serving(self._stage, self._size.load_seconds)
        self._record.add_each("api", results)
        report.show_serving(results)

    async def writing(self) -> None:
        await quiet()
        results = writing(self._size.messages)
        self._record.add_each("writing", results)
        report.show_writing(results)


async def main(parts: Collection[str], size: Size, folder: Path) -> None:
    record = report.Record(folder / "results.jsonl")
    record.add("machine", described() | {"pgqueuer": version("pgqueuer"), "aftercare": __version__})
    async with set_up(folder) as stage:
        run = Run(stage, size, record)
        await run.intake(shown="intake" in parts)
        if "dispatch" in parts:
            await run.dispatch()
        if "backlog" in parts:
            await run.backlog()
        if "import" in parts:
            await run.history()
        if "api" in parts:
            await run.api()
        if "writing" in parts:
            await run.writing()
    report.say(f"Every figure, one JSON line each: {folder / 'results.jsonl'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures how fast Aftercare is.")
    parser.add_argument("--quick", action="store_true", help="a look of a minute, at small sizes")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone; may be given again")
    parser.add_argument("--history", type=int, help="how many visits the imported history has")
    parser.add_argument("--out", type=Path, help="the folder for figures and logs (default: a new one for each run)")
    return parser.parse_args()


def _folder(given: Path | None) -> Path:
    folder = given or Path(tempfile.gettempdir()) / "aftercare-bench" / f"{clock.now():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


if __name__ == "__main__":
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    size = replace(size, history=arguments.history or size.history)
    uvloop.run(main(arguments.only or PARTS, size, _folder(arguments.out)))
