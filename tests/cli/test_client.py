"""`aftercare client` and `aftercare audit`: a person's data to read, gone, and who asked for it."""

import asyncio
import json

from typer.testing import CliRunner, Result

from service.audit import Deed, note
from service.cli.main import app
from service.errors import AftercareError
from tests.dispatch.acting import on_sqlite
from tests.imports.importing import url_of
from tests.privacy.lives import FIRST_NAME, REF, everything, live
from tests.support.house import CLINIC, House

pytestmark = on_sqlite


async def said(house: House, *words: str) -> Result:
    env = {"DATABASE_URL": url_of(house), "LOGNAME": "deploy"}
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, [*words, "--clinic", CLINIC], env=env))


async def test_a_client_is_exported_and_erased_and_the_log_tells_who_did(house: House) -> None:
    await live(house)
    exported = json.loads((await said(house, "client", "export", REF)).output)
    assert exported["client"]["first_name"] == FIRST_NAME
    unsure = await said(house, "client", "erase", REF)
    assert isinstance(unsure.exception, AftercareError)
    assert unsure.exception.code == "not-confirmed"
    assert (await said(house, "client", "erase", REF, "--yes")).output.startswith(
        f"Erased {REF}. Messages called off: "
    )
    assert FIRST_NAME not in await everything(house)
    page = json.loads((await said(house, "audit", "list", "--client", REF, "--json")).output)
    told = [(line["who"].split(" ")[0], line["act"]) for line in page["lines"]]
    assert told == [("command:deploy", "client-erased"), ("command:deploy", "client-exported")]
    assert "client-exported" in (await said(house, "audit", "list", "--act", "client-exported")).output


async def test_the_log_as_a_sheet_holds_no_formula(house: House) -> None:
    async with house.database.write() as connection:
        await note(connection, CLINIC, "key:ac_1", Deed.CLIENT_READ, house.clock(), client="=cmd|' /C calc'!A0")
    lines = (await said(house, "audit", "list", "--csv")).output.splitlines()
    assert lines[0] == "at,who,act,about,client"
    assert lines[1].endswith(",key:ac_1,client-read,,'=cmd|' /C calc'!A0")


async def test_nobody_is_made_up(house: House) -> None:
    for words in (("export", "nobody"), ("erase", "nobody", "--yes")):
        refused = await said(house, "client", *words)
        assert isinstance(refused.exception, AftercareError)
        assert refused.exception.code == "unknown-client"
