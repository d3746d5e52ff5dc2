"""`aftercare staff` and `aftercare template test`: from a new colleague to a message on their own phone."""

import asyncio
import json
import re

from typer.testing import CliRunner, Result

from service.channels.outbox import Outbox
from service.cli.main import app
from service.errors import AftercareError
from service.staff import Post, PostRules
from service.store.tables import Audit, StaffMessage
from service.types import Medium
from tests.dispatch.acting import on_sqlite
from tests.imports.importing import url_of
from tests.support.house import House

pytestmark = on_sqlite


async def told(house: House, *words: str) -> Result:
    env = {"DATABASE_URL": url_of(house)}
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, [*words, "--clinic", "glow"], env=env))


async def test_a_colleague_confirms_a_number_and_is_sent_a_test(house: House) -> None:
    added = await told(house, "staff", "add", "grace", "--name", "Grace", "--phone", "07400 123411")
    assert "grace is editor at glow.\nA code goes to +447400123411 (sms)" in added.output
    post = Post(house.database, {medium: Outbox(medium) for medium in Medium}, PostRules())
    await post.send_due()
    code = re.findall(r"\d{6}", (await house.rows(StaffMessage))[0].text)[0]
    assert "(not" in (await told(house, "staff", "list")).output
    assert (await told(house, "staff", "confirm", "grace", "--code", code)).output == "Confirmed for grace: sms.\n"
    (grace, owner) = json.loads((await told(house, "staff", "list", "--json")).output)
    assert (grace["addresses"]["sms"]["address"], owner["role"]) == ("+447400123411", "owner")
    test = await told(house, "template", "test", "microneedling/day-1-sunscreen/en/sms.txt", "--to", "grace")
    assert test.output.endswith("/en/sms.txt is on its way to grace, +447400123411.\n")
    assert "/console/sign-in?token=glow~" in (await told(house, "clinic", "sign-in", "--staff", "grace")).output
    assert (await told(house, "staff", "remove", "grace")).exit_code == 0
    assert {row.act for row in await house.rows(Audit)} >= {
        "staff-changed",
        "staff-confirmed",
        "test-sent",
        "staff-removed",
    }
    refused = await told(house, "staff", "code", "grace")
    assert isinstance(refused.exception, AftercareError)
    assert refused.exception.code == "unknown-staff"
