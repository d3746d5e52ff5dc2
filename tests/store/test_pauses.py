"""A paused clinic: nothing of it is started, nobody wakes for it, and it goes on as it was."""

import asyncio

from service.clinics import add_clinic
from service.store.lanes import next_wake_up, pause_sender, resume_senders
from service.store.pauses import pause_clinic, resume_clinic
from service.store.tables import Clinic, Sender, core
from tests.dispatch.acting import TEN, day_one_due, the
from tests.support.house import CLINIC, House, clinic
from tests.support.races import in_the_way, until_waiting


async def pause(house: House) -> bool:
    async with house.database.write() as connection:
        return await pause_clinic(connection, CLINIC, house.clock())


async def resume(house: House) -> bool:
    async with house.database.write() as connection:
        return await resume_clinic(connection, CLINIC, house.clock())


async def test_a_paused_clinic_starts_nothing_is_not_woken_for_and_goes_on(house: House) -> None:
    async with house.database.write() as connection:
        await add_clinic(connection, clinic(id="dusk"), house.clock())
    await day_one_due(house)
    await day_one_due(house, clinic="dusk", treatment__id="v-dusk")
    assert (await pause(house), await pause(house)) == (True, False)
    assert [intent.clinic for intent in (await house.dispatch()).intents] == ["dusk"]
    async with house.database.read() as connection:
        woken = await next_wake_up(connection, house.clock())
    assert woken is not None
    assert woken > TEN  # for what dusk has to come
    assert (await resume(house), await resume(house)) == (True, False)
    assert [intent.clinic for intent in (await house.dispatch()).intents] == [CLINIC]
    assert {row.paused_at for row in await house.rows(Clinic)} == {None}


async def test_a_sender_that_was_paused_for_a_reason_of_its_own_stays_paused(house: House) -> None:
    async with house.database.write() as connection:
        await pause_sender(connection, (CLINIC, "email"), "credential", house.clock())
    await pause(house)
    async with house.database.write() as connection:
        assert await resume_senders(connection, CLINIC, house.clock()) == 0
    await resume(house)
    reasons = {row.id: (row.paused_at is not None, row.paused_reason) for row in await house.rows(Sender)}
    assert reasons == {"sms": (False, ""), "email": (True, "credential")}


async def test_a_pause_waits_for_a_start_that_has_begun(postgres_house: House) -> None:
    """What that start has committed to goes out; after the pause has committed nothing is started."""
    house = postgres_house
    await day_one_due(house)
    async with in_the_way(house.database, "SELECT 1 FROM sender FOR UPDATE"):
        pausing = asyncio.create_task(pause(house))
        await until_waiting(house.database)
    assert await pausing
    assert (await house.starter.start(10)).intents == []
    assert (await the(house)).state == "scheduled"
    assert len(await house.rows(Sender, core(Sender).c.paused_reason == "clinic-paused")) == 2
