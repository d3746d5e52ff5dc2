"""`aftercare sender`: what is paused and why, and letting it go on."""

import asyncio
import json
from typing import Any

from typer.testing import CliRunner, Result

from service.cli.main import app
from service.errors import AftercareError
from service.store.lanes import pause_sender
from service.store.pauses import pause_clinic
from service.store.tables import Sender, SenderWatch, core
from service.troubles import Troubles
from tests.dispatch.acting import TEN, day_one_due, on_sqlite
from tests.imports.importing import url_of
from tests.support.house import House

pytestmark = on_sqlite


async def told(house: House, *arguments: str) -> Result:
    """Run the command; it has a loop of its own, so a thread of its own too."""
    env = {"DATABASE_URL": url_of(house)}
    words = ["sender", *arguments, "--clinic", "glow"]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, words, env=env))


async def the_lane(house: House) -> Any:
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    return lane


async def test_a_paused_sender_is_shown_with_its_reason_and_resumed(house: House) -> None:
    await day_one_due(house)
    async with house.database.write() as connection:
        await pause_sender(connection, ("glow", "sms"), "credential", TEN)
    await Troubles(house.database).run()
    rows = {row["id"]: row for row in json.loads((await told(house, "list", "--json")).output)}
    assert (rows["email"]["paused_at"], rows["sms"]["reason"]) == (None, "credential")
    assert rows["sms"]["sentence"] == "The provider refuses the credentials."
    assert rows["sms"]["tried_again_at"].startswith("2026-11-21T10:05")
    assert "refuses the" in (await told(house, "list")).output
    assert (await told(house, "resume", "sms")).output == "Resumed sms of glow.\n"
    assert (await the_lane(house)).paused_at is None
    (watch,) = await house.rows(SenderWatch)
    assert (watch.trouble, watch.look_at) == ("", None)
    assert (await told(house, "resume", "sms")).output == "sms of glow was not paused.\n"


async def test_a_person_holds_a_sender_back_and_nothing_but_a_person_lets_it_go_on(house: House) -> None:
    assert (await told(house, "pause", "sms")).exit_code == 0
    assert (await the_lane(house)).paused_reason == "paused-by-hand"
    house.clock.advance(days=1)
    assert not await Troubles(house.database).run()
    again = await told(house, "pause", "sms")
    assert isinstance(again.exception, AftercareError)
    assert again.exception.code == "sender-paused"


async def test_what_cannot_be_done_is_told(house: House) -> None:
    for arguments, code in ((("resume", "fax"), "unknown-sender"), (("pause", "fax"), "unknown-sender")):
        refused = await told(house, *arguments)
        assert isinstance(refused.exception, AftercareError)
        assert refused.exception.code == code
    async with house.database.write() as connection:
        await pause_clinic(connection, "glow", TEN)
    whole = await told(house, "resume", "sms")
    assert isinstance(whole.exception, AftercareError)
    assert whole.exception.code == "clinic-paused"
