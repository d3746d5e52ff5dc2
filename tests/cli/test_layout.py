"""Lists and facts at a narrow and a wide terminal: no word, address or id is cut or broken."""

import asyncio

import pytest
from typer.testing import CliRunner

from service.cli.layout import print_facts, print_rows
from service.cli.main import app
from tests.dispatch.acting import on_sqlite
from tests.imports.importing import url_of
from tests.support.house import CLINIC, House

ROW = ("ac_810d0fff_...", "events:write plans:read templates:write operator", "[Glow] Soho", "2026-11-23 00:25", "")


@pytest.mark.parametrize(("columns", "tabled"), [(40, False), (80, False), (140, True)])
def test_a_list_is_a_table_where_it_fits_and_else_a_block_for_each_row(
    columns: int, tabled: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    print_rows(("key", "scopes", "name", "made", "ends"), [ROW, ROW])
    printed = capsys.readouterr().out
    assert ("┃" in printed) is tabled
    assert max(map(len, printed.splitlines())) <= columns
    assert all(word in printed for cell in ROW for word in cell.split())
    assert ("ends" in printed) is tabled, "a block leaves out what is empty"


def test_a_blocks_head_tells_rows_apart(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_rows(("at", "who", "about"), [("09:00", "key:ac_1f2e3d4c", "a" * 36), ("09:01", "deploy", "")], head=2)
    assert capsys.readouterr().out == f"09:00  key:ac_1f2e3d4c\n    about: {'a' * 36}\n09:01  deploy\n"


def test_long_values_go_on_below_themselves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "34")
    print_facts([("sender", "sms, +447400123401, paused by a person"), ("caps", "")])
    assert capsys.readouterr().out == "sender: sms, +447400123401, paused\n        by a person\n"


@on_sqlite
async def test_clinics_and_keys_are_readable_at_eighty_columns(house: House) -> None:
    async def said(*words: str) -> str:
        env = {"DATABASE_URL": url_of(house), "COLUMNS": "80"}
        typed = [*words, "--clinic", CLINIC]
        return (await asyncio.to_thread(lambda: CliRunner().invoke(app, typed, env=env))).stdout

    scopes = ("events:write", "templates:write", "operator")
    await said("key", "add", "--expires", "90 days", *(word for one in scopes for word in ("--scope", one)))
    await said("clinic", "set", "--colour", "#0f766e", "--sms-countries", "GB,IE")
    await said("sender", "pause", "sms")
    shown, keys = await said("clinic", "show"), await said("key", "list")
    assert max(map(len, (shown + keys).splitlines())) <= 80
    assert f"scopes: {' '.join(scopes)}\n" in keys
    for fact in ("colour: #0f766e", "sms countries: GB, IE", "quiet hours: 20:00 to 09:00, for texts"):
        assert fact in " ".join(shown.split())
    assert "{" not in shown + keys
    assert "…" not in shown + keys
