"""Files and imports for these tests, as short as they are told."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from service.imports import (
    Checking,
    Importer,
    Journal,
    Pace,
    Progress,
    Rehearsal,
    Rejects,
    Source,
    inspect,
    reader_of,
)
from service.imports.importer import Takes
from service.types import Json
from tests.support.house import CLINIC, House, visit

CHECKOUT = Path(__file__).parents[2]
LIMIT = 1024**2
HEADER = "treatment_id,protocol,ended_at,client_ref"
ROW = "visit-1,microneedling,2026-11-20T15:00:00Z,c-1"


def visits(count: int, first: int = 0) -> list[Json]:
    """A session a client, each a client of their own."""
    return [
        visit(
            id=f"e-{number}",
            treatment__id=f"visit-{number}",
            client__ref=f"c-{number}",
            client__phone=f"+4474001{number:05}",
            client__email=f"client{number}@example.com",
        )
        for number in range(first, first + count)
    ]


def ndjson(path: Path, values: Iterable[Json | bytes]) -> Path:
    lines = (value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode() for value in values)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def importer_of(
    house: House,
    path: Path,
    progress: Progress | None = None,
    *,
    source: Source | None = None,
    takes: Takes | None = None,
    journal: Journal | None = None,
    rows: int = 200,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Importer:
    source, progress = source or inspect(path, None), progress or Progress()
    return Importer(
        CLINIC,
        reader_of(source, BytesIO(path.read_bytes()), LIMIT),
        takes or house.intake,
        None if isinstance(takes, Rehearsal) else Rejects(rejects_of(path), after=progress.line),
        journal,
        progress,
        pace=Pace(rows, LIMIT),
        checking=Checking(house.clock, source.written_at, timedelta(hours=24)),
        watch=watch,
    )


async def take_file(house: House, path: Path, *, rows: int = 200, takes: Rehearsal | None = None) -> Importer:
    """Import a file to its end; by `takes` as a dry run."""
    source = inspect(path, None)
    journal = None if takes else Journal(house.database, CLINIC, source.digest)
    progress = await journal.begin() if journal else None
    importer = importer_of(house, path, progress, source=source, takes=takes, journal=journal, rows=rows)
    await importer.run()
    return importer


def counts(progress: Progress) -> tuple[int, int, int]:
    """Taken, repeated, rejected."""
    return progress.taken, progress.repeated, progress.rejected


def rejects_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.rejects.ndjson")


def rejected(path: Path) -> list[Json]:
    """The lines of the rejects file beside `path`."""
    file = rejects_of(path)
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def url_of(house: House) -> str:
    """The house's database, as a setting."""
    url = house.database.url.render_as_string(hide_password=False)
    return url.replace("+aiosqlite", "").replace("+asyncpg", "")


def command(url: str, folder: Path, *arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own; `before` is Python that runs ahead of it."""
    program = f"{before}\nfrom service.cli.main import main\nmain()"
    environment = {"DATABASE_URL": url, "PYTHONPATH": str(CHECKOUT), "AFTERCARE_INTAKE__BATCH": "50"}
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
