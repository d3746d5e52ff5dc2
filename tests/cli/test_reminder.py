"""`aftercare reminder`: readable on a narrow terminal, and told to programs in full."""

import asyncio
import json

from typer.testing import CliRunner

from service.cli.main import app
from tests.dispatch.acting import on_sqlite
from tests.imports.importing import url_of
from tests.support.house import CLINIC, House, visit

pytestmark = on_sqlite


async def listed(house: House, *options: str) -> str:
    words, env = ["reminder", "list", "--clinic", CLINIC, *options], {"DATABASE_URL": url_of(house)}
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, words, env=env).output)


async def test_a_list_fits_eighty_columns_and_names_each_reminder_whole(house: House) -> None:
    await house.take(visit(treatment__ended_at="2026-11-16T15:00:00Z"))
    lines = (await listed(house)).splitlines()
    assert max(map(len, lines)) < 80
    known = json.loads(await listed(house, "--json"))["reminders"]
    assert [line.split() for line in lines if line.startswith("    01")] == [[one["id"], "c-17"] for one in known]
    assert "2026-12-16 10:00  scheduled     sms    day-30-results-check" in lines
    assert "2026-12-28 10:00  scheduled     sms    next-session (2)" in lines
    assert "    Its time was already over when it was planned." in lines
