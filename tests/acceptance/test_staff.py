"""A code and a test message through web, worker and provider as they run for real: woken at once, by text and mail."""

import re
from typing import Any

import orjson

from service import clock
from service.store.keys import issue_key
from service.types import Json
from tests.acceptance.live import Live
from tests.support.house import CLINIC
from tests.support.processes import until

PHONE = "+447400123411"
MAIL = "grace@example.com"
WORDS = "microneedling/day-1-sunscreen"


async def test_staff_confirm_their_own_addresses_and_are_sent_tests_there(live: Live) -> None:
    await live.web()
    await live.worker({"AFTERCARE_WORKER__TICK": "10 minutes"})
    async with live.database.write() as connection:
        key = await issue_key(connection, CLINIC, clock.now(), scopes="operator templates:write")

    async def asks(method: str, path: str, body: Json) -> Any:
        request = live.sandbox.client.request(method, live.url + path).bearer_auth(key)
        response = await request.body_bytes(orjson.dumps(body)).build().send()
        return response.status, orjson.loads(await response.text())

    async def message(to: str, *words: str) -> str:
        """Wait for a message to this address that says these words."""

        async def found() -> list[str]:
            lines = [line for line in await live.sandbox.ledger() if line.get("to") == to]
            return [text for line in lines if all(word in (text := str(line)) for word in words)]

        return (await until(found, f"a message to {to}"))[0]

    assert (await asks("PUT", "/v1/staff/grace", {"phone": PHONE, "email": MAIL}))[0] == 200
    for address in (PHONE, MAIL):
        code = re.findall(r"\b\d{6}\b", await message(address, "your code"))[0]
        assert (await asks("POST", "/v1/staff/grace/confirm", {"code": code}))[0] == 200
    for medium, address in (("sms", PHONE), ("email", MAIL)):
        assert (await asks("POST", f"/v1/templates/{WORDS}/{medium}/en/test", {"to": "grace"}))[0] == 202
        await message(address, "TEST: ")
    assert {line["to"] for line in await live.sandbox.ledger() if line.get("to")} == {PHONE, MAIL}
