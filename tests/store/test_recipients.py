"""What is learnt about an address though its row has gone: the wish of its owner above all."""

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.attempts import mark_unusable, suppress
from service.store.due import hold_addresses
from service.store.tables import Recipient, core
from tests.support.house import CLINIC, NOON, House, visit

ADA, NOBODYS = "+447400123456", "+447400123499"


@pytest.fixture
async def forgetful(house: House) -> House:
    """It knows a client, and no address."""
    await house.take(visit())
    async with house.database.write() as connection:
        await connection.execute(core(Recipient).delete())
    return house


async def known(house: House) -> list[tuple[str, str, str]]:
    rows = await house.rows(Recipient)
    return sorted((row.address, row.suppressed_reason, row.unusable_reason) for row in rows)


async def test_a_wish_is_kept_of_an_address_that_nothing_is_known_of_and_the_first_one_stands(forgetful: House) -> None:
    async with forgetful.database.write() as connection:
        for address, reason in ((NOBODYS, "spam-report"), (NOBODYS, "stop"), ("", "stop")):
            await suppress(connection, CLINIC, "sms", address, reason=reason, now=NOON)
    assert await known(forgetful) == [(NOBODYS, "spam-report", "")]


async def test_an_address_that_takes_no_messages_is_remembered_while_somebody_has_it(forgetful: House) -> None:
    async def learn(connection: AsyncConnection, reason: str) -> None:
        for medium, address in (("sms", ADA), ("email", "ada@example.com"), ("sms", NOBODYS), ("sms", "")):
            await mark_unusable(connection, CLINIC, medium, address, reason=reason, now=NOON)

    async with forgetful.database.write() as connection:
        await learn(connection, "not_textable")
        await learn(connection, "handset_gone")
    assert await known(forgetful) == [(ADA, "", "handset_gone"), ("ada@example.com", "", "handset_gone")]


async def test_a_start_holds_an_address_whose_row_has_gone(forgetful: House) -> None:
    async with forgetful.database.write() as connection:
        held = await hold_addresses(connection, [(CLINIC, "sms", ADA)], NOON)
    assert [(row.suppressed_at, row.shared) for row in held.values()] == [(None, False)]
    assert await known(forgetful) == [(ADA, "", "")]
