"""Erasing at somebody's word: nothing personal is left in the whole database, and what counts stays."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from service.acts.acts import Who
from service.audit import Deed
from service.errors import NotFound, Unavailable
from service.privacy import erase
from service.store.tables import Audit, Decision, KeptAnswer, Recipient, core
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import coming
from tests.privacy.lives import CANARIES, EMAIL, REF, answers, everything, live, stops_letters, told
from tests.support.house import CLINIC, House

SOMEONE = Who("key", "ac_1f2e3d4c")
UNCOUNTED = {KeptAnswer, Recipient, Audit, Decision}
"""Of these, rows go or come by an erasure."""


async def counts(house: House) -> dict[str, int]:
    models: list[type[SQLModel]] = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]
    return {model.__name__: len(await house.rows(model)) for model in models if model not in UNCOUNTED}


async def test_a_whole_life_leaves_numbers_and_no_trace_of_the_person(house: House) -> None:
    await live(house)
    before = await everything(house)
    assert [canary for canary in CANARIES if canary not in before] == []
    counted = await counts(house)
    called_off = await erase(house.database, house.intake, CLINIC, REF, SOMEONE)
    assert called_off > 0
    assert await coming(house) == {}
    left = await everything(house)
    assert [canary for canary in CANARIES if canary in left] == []
    assert await counts(house) == counted | {"Event": counted["Event"] + 1}
    assert await erase(house.database, house.intake, CLINIC, REF, SOMEONE) == 0
    lines = [(row.who, row.act, row.client) for row in await house.rows(Audit)]
    assert lines == [("key:ac_1f2e3d4c", Deed.CLIENT_ERASED, REF)]


@on_sqlite
async def test_nothing_is_left_in_the_bytes_of_the_file_either(house: House) -> None:
    await live(house)
    await erase(house.database, house.intake, CLINIC, REF, SOMEONE)
    async with house.database.engine.connect() as connection:
        await connection.exec_driver_sql("COMMIT")
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        await connection.exec_driver_sql("BEGIN")
    assert house.database.url.database
    held = await asyncio.to_thread(Path(house.database.url.database).read_bytes)
    assert [canary for canary in CANARIES if canary.encode() in held] == []


@on_sqlite
async def test_only_the_wish_not_to_be_written_to_outlives_a_person(house: House) -> None:
    await live(house)
    await stops_letters(house)
    await erase(house.database, house.intake, CLINIC, REF, SOMEONE)
    kept: list[Any] = [(row.address, row.suppressed_reason) for row in await house.rows(Recipient)]
    assert kept == [(EMAIL, "stop")]
    assert (await everything(house)).count("zenobia") == 1


@on_sqlite
async def test_a_number_that_no_event_tells_of_any_more_is_forgotten_too(house: House) -> None:
    """Age has taken the event that told it; the message that went there still names it."""
    await live(house)
    async with house.database.write() as connection:
        await connection.exec_driver_sql("UPDATE event SET body = '{}'")
    await erase(house.database, house.intake, CLINIC, REF, SOMEONE)
    left = await everything(house)
    assert [canary for canary in CANARIES if canary in left] == []


@on_sqlite
async def test_nobody_is_erased_who_is_not_there_and_nobody_is_logged(house: House) -> None:
    await house.take(told())
    for clinic, ref in ((CLINIC, "c-0"), ("other", REF)):
        with pytest.raises(NotFound):
            await erase(house.database, house.intake, clinic, ref, SOMEONE)
    assert await house.rows(Audit, core(Audit).c.act == Deed.CLIENT_ERASED) == []


@on_sqlite
async def test_who_could_not_be_erased_is_not_logged_as_erased(house: House) -> None:
    await house.take(told())
    await house.intake.stop()
    with pytest.raises(Unavailable):
        await erase(house.database, house.intake, CLINIC, REF, SOMEONE)
    assert await house.rows(Audit, core(Audit).c.act == Deed.CLIENT_ERASED) == []


@on_sqlite
async def test_a_text_that_comes_after_the_erasure_is_nobodys(house: House) -> None:
    await live(house)
    await erase(house.database, house.intake, CLINIC, REF, SOMEONE)
    await answers(house, "hello again", sid="SM2")
    left = await everything(house)
    assert "hello again" in left, "a new text is a new matter: staff must read it, and age takes it"
    assert "Zenobia" not in left
