"""A clinic's history by the real command: killed once on the way, run again to its end, and once more with nothing new.

Years of visits as a CSV, a client's visits far apart in the file. What lies in the past is planned and skipped like
anything else, so each visit makes about ten rows.
"""

import asyncio
import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.stage import Stage, python
from benchmarks.visits import CLINIC, clinic
from service import clock
from service.clinics import add_clinic
from service.store.schema import migrate
from service.store.session import Database

_VISITS_EACH = 5
_APART = timedelta(days=150)
_LOOK_EVERY = 0.2
_COLUMNS = ("treatment_id", "protocol", "ended_at", "client_ref", "first_name", "phone", "email", "time_zone")


@dataclass(frozen=True, slots=True)
class Importing:
    """`killed_at`: visits stored when the command was killed with SIGKILL; `peak_mb`: the most memory it ever held."""

    visits: int
    killed_at: int
    seconds: float
    """Of both runs together, the start of the second included."""
    again_seconds: float
    peak_mb: float
    reminders: int
    lost: int
    doubled: int


async def importing(stage: Stage, visits: int) -> Importing:
    name = await stage.new_database()
    await _a_clinic(stage.server.url(name))
    file = stage.folder / "history.csv"
    _write(file, visits, clock.now())

    async def stored() -> int:
        async with stage.connection(name) as connection:
            return int(await connection.fetchval("SELECT count(*) FROM event"))

    began = clock.monotonic()
    before, killed_at = await _killed_half_way(stage, name, file, stored, visits)
    peak = max(before, await _to_the_end(stage, name, file))
    seconds, began = clock.monotonic() - began, clock.monotonic()
    peak = max(peak, await _to_the_end(stage, name, file))
    again = clock.monotonic() - began
    async with stage.connection(name) as connection:
        rows = await connection.fetchrow(
            "SELECT count(*) AS visits, (SELECT count(*) FROM reminder) AS reminders, (SELECT count(*) FROM event) AS"
            " events, (SELECT count(*) FROM (SELECT FROM reminder GROUP BY clinic, treatment, step, occurrence"
            " HAVING count(*) > 1) AS twice) AS doubled FROM treatment"
        )
    assert rows is not None
    await stage.drop_database(name)
    file.unlink()
    return Importing(
        visits=visits,
        killed_at=killed_at,
        seconds=seconds,
        again_seconds=again,
        peak_mb=peak,
        reminders=rows["reminders"],
        lost=visits - rows["visits"],
        doubled=rows["doubled"] + max(0, rows["events"] - visits),
    )


async def _a_clinic(url: str) -> None:
    database = Database(url)
    try:
        await migrate(database)
        async with database.write() as connection:
            await add_clinic(connection, clinic(), await database.now(connection))
    finally:
        await database.close()


def _write(file: Path, visits: int, now: datetime) -> None:
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(_COLUMNS)
        writer.writerows(_rows(visits, now))


def _rows(visits: int, now: datetime) -> Iterator[tuple[str, ...]]:
    """Everybody's first visit, then everybody's second: a client's next one is never near."""
    clients = max(1, visits // _VISITS_EACH)
    for number in range(visits):
        turn, client = divmod(number, clients)
        ended = now - _APART * (_VISITS_EACH - turn) + timedelta(minutes=client % 600)
        yield (
            f"visit-{number}",
            "microneedling",
            ended.isoformat(timespec="seconds"),
            f"c-{client}",
            "Ada",
            f"+447400{client:06}",
            f"c{client}@example.com",
            "Europe/London",
        )


async def _killed_half_way(
    stage: Stage, name: str, file: Path, stored: Callable[[], Awaitable[int]], visits: int
) -> tuple[float, int]:
    """The most memory it held, and how many visits were stored."""
    async with _command(stage, name, file) as process:
        peak = 0.0
        while process.returncode is None and await stored() < visits // 2:
            peak = max(peak, _most_held_mb(process.pid))
            await asyncio.sleep(_LOOK_EVERY)
        process.kill()
        await process.wait()
    return peak, await stored()


async def _to_the_end(stage: Stage, name: str, file: Path) -> float:
    async with _command(stage, name, file) as process:
        peak = 0.0
        ended = asyncio.create_task(process.wait())
        while not ended.done():
            peak = max(peak, _most_held_mb(process.pid))
            await asyncio.wait([ended], timeout=_LOOK_EVERY)
        if ended.result():
            raise RuntimeError(f"the import failed: see {stage.folder / 'import.log'}")
    return peak


@asynccontextmanager
async def _command(stage: Stage, name: str, file: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {"DATABASE_URL": stage.server.dsn(name)}
    arguments = ("import", str(file), "--clinic", CLINIC, "--yes", "--json")
    log = stage.folder / "import.log"
    async with python("service.cli", *arguments, log=log, environment=environment) as process:
        yield process


def _most_held_mb(pid: int) -> float:
    """The peak of a process's resident memory up to now, in MiB, as Linux keeps it; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = (line.split() for line in status.splitlines())
    return next((int(words[1]) / 1024 for words in lines if words and words[0] == "VmHWM:"), 0.0)
