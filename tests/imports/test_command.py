"""`aftercare import` as people and programs meet it: real processes, real signals."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from service import clock
from service.cli.main import app
from service.errors import AftercareError
from service.imports import COLUMNS
from service.store.tables import Event, core
from tests.conftest import new_migrated_file
from tests.imports.importing import HEADER, ROW, command, ndjson, rejected, rejects_of, url_of, visits
from tests.support.house import CLINIC, House, close_house, open_house
from tests.support.terminal import type_

DATABASE = {"DATABASE_URL": "sqlite:///a.db"}
DOCS = Path(__file__).parents[2] / "docs" / "importing.md"
AT_THE_FIRST_CHUNK = """
import os, signal
from service.cli.meter import Meter

signals = [signal.{signal}]
Meter.show = lambda self, done: signals and os.kill(os.getpid(), signals.pop())
"""


async def events(house: House) -> int:
    async with house.database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(core(Event))) or 0


@pytest.mark.parametrize(("kind", "signal"), [("sqlite", "SIGINT"), ("postgresql", "SIGKILL")], indirect=["kind"])
async def test_an_import_that_a_signal_ends_goes_on_and_nothing_doubles(
    house: House, tmp_path: Path, signal: str
) -> None:
    path = ndjson(tmp_path / "visits.ndjson", [b"{", *visits(499)])
    arguments = ("import", path, "--clinic", CLINIC, "--json")
    ended = command(url_of(house), tmp_path, *arguments, before=AT_THE_FIRST_CHUNK.format(signal=signal))
    if signal == "SIGINT":
        assert ended.returncode == 130, ended.stderr
        assert json.loads(ended.stdout)["finished"] is False
    else:
        assert ended.returncode == -9
    reached = await events(house)
    assert 49 <= reached < 499
    done = command(url_of(house), tmp_path, *arguments)
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["finished"]) == (2, True), done.stderr
    assert summary["resumed_after_line"] >= 50
    assert (summary["taken"] + summary["repeated"], summary["rejected"]) == (499, 1)
    assert await events(house) == 499
    assert [reject["line"] for reject in rejected(path)] == [1]


@pytest.fixture
async def clinic(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with a clinic, for commands that run in this process."""
    url = await new_migrated_file(tmp_path / "a.db", tmp_path_factory.getbasetemp())
    await close_house(await open_house(url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url.replace("+aiosqlite", ""))


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["import", *map(str, arguments), "--json"])


def taken(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "a.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM event").fetchone()
    return int(count)


@pytest.mark.usefixtures("clinic")
def test_the_summary_says_what_became_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(f"{HEADER},fone\n{ROW},1\nvisit-2,led-therapy,2026-11-20T15:00:00Z,c-2,1\nvisit-3,x,today,c-3,1\n")
    dry = type_("import", path, "--clinic", CLINIC, "--dry-run", folder=tmp_path, settings=DATABASE)
    assert dry.code == 2, dry.err
    assert "Nothing was stored" in dry.out
    assert "would fall due within 24 hours" in dry.out
    assert re.search(r"courses +1  told apart", dry.out)
    assert "not taken: ended_at: write the time as" in dry.out
    assert "[times]" in dry.out
    assert 'not known: "led-therapy" (1)\n' in dry.out
    assert (taken(tmp_path), rejects_of(path).exists()) == (0, False)
    real = type_("import", path, "--clinic", CLINIC, folder=tmp_path, settings=DATABASE)
    assert real.code == 2, real.err
    assert re.search(r"taken +2  1 of a protocol that is not known here\n", real.out)
    assert re.search(rf"rejected +1  see {re.escape(str(rejects_of(path)))}\n", real.out)
    assert 'nothing reads the column "fone" (did you mean "phone"?)' in real.err
    assert taken(tmp_path) == 2


@pytest.mark.usefixtures("clinic")
def test_a_code_that_is_mapped_after_its_import_is_spread_as_the_import_would_have(tmp_path: Path) -> None:
    path, old, later = tmp_path / "visits.csv", clock.now() - timedelta(days=27), clock.now() + timedelta(days=2)
    rows = [f"visit-{n},MN-60,{old.isoformat()},c-{n},sms" for n in range(4)]
    path.write_text("\n".join([f"{HEADER},consent_rebook", *rows, ""]))
    spread = ("--clinic", CLINIC, "--send-from", f"{later:%Y-%m-%d}", "--ramp", "2", "--json")
    done = type_("import", path, *spread, folder=tmp_path, settings=DATABASE)
    assert json.loads(done.out)["unmapped_codes"] == [{"code": "MN-60", "rows": 4}], done.err
    mapped = type_("clinic", "map", "MN-60", "microneedling", *spread, folder=tmp_path, settings=DATABASE)
    told = json.loads(mapped.out)
    assert (told["treatments"], told["reminders"]["due_within_24_hours"]) == (4, 0), mapped.err
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        nudges = "SELECT substr(due_at, 1, 10) FROM reminder WHERE reason = 'ramped' AND purpose <> 'care'"
        found = database.execute(nudges).fetchall()
    assert sorted(day for (day,) in found) == [f"{later + timedelta(days=n):%Y-%m-%d}" for n in (0, 0, 1, 1)]


@pytest.mark.usefixtures("clinic")
def test_what_cannot_be_imported_is_refused_before_anything_is_taken(tmp_path: Path) -> None:
    good, short, wide = (tmp_path / name for name in ("visits.csv", "short.csv", "wide.csv"))
    good.write_text(f"{HEADER}\n{ROW}\n")
    short.write_text(f"treatment_id,protocol,ended_at\n{ROW}\n")
    wide.write_bytes(f"{HEADER}\n{ROW}\n".encode("utf-16"))
    cases = {
        (short, "--clinic", CLINIC): (2, "missing-column"),
        (wide, "--clinic", CLINIC): (2, "not-utf8"),
        (tmp_path / "none.csv", "--clinic", CLINIC): (2, "unreadable-file"),
        (tmp_path, "--clinic", CLINIC): (2, "unreadable-file"),
        ("/dev/null", "--clinic", CLINIC): (2, "not-a-file"),
        (good, "--clinic", CLINIC, "--rejects", good): (2, "rejects-over-input"),
        (good, "--clinic", "nowhere"): (4, "unknown-clinic"),
    }
    for arguments, expected in cases.items():
        error = run(*arguments).exception
        assert isinstance(error, AftercareError)
        assert (error.exit_code, error.code) == expected
    assert good.read_text() == f"{HEADER}\n{ROW}\n"
    assert json.loads(run(good, "--clinic", CLINIC).stdout)["taken"] == 1


@pytest.mark.usefixtures("clinic")
@pytest.mark.parametrize(("name", "format_"), [("visits", None), ("visits.json", None), ("visits.csv", "ndjson")])
def test_the_format_follows_from_the_option_the_name_or_the_content(
    tmp_path: Path, name: str, format_: str | None
) -> None:
    path = ndjson(tmp_path / name, visits(3))
    done = run(path, "--clinic", CLINIC, *(("--format", format_) if format_ else ()))
    assert (done.exit_code, json.loads(done.stdout)["taken"]) == (0, 3), done.exception


def test_help_and_the_page_on_importing_name_every_column() -> None:
    shown = CliRunner().invoke(app, ["import", "--help"]).stdout
    page = DOCS.read_text()
    for column in COLUMNS:
        assert re.search(rf"\b{column.name}\b", shown), column.name
        required = " **required**" if column.required else ""
        assert f"| `{column.name}`{required} | {column.meaning} |" in page, column.name
