"""Erasing a client: nothing personal is left anywhere, what counts stays, and no later event brings anything back."""

import json
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from service.errors import Conflict
from service.intake.answer import Standing
from service.store.attempts import suppress
from service.store.tables import Attempt, Client, Event, Recipient, Reminder, Reply, Treatment, core
from service.types import FailureClass, Medium, Retry, Unknown
from tests.dispatch.acting import TEN, on_sqlite, rescue_of, says
from tests.intake.changes import ADA, booked, coming, erased, told, updated, voided
from tests.support.house import CLINIC, House, visit

CANARIES = ("Ada", "123456", "123457", "ada@example.com", "Lovelace", "itches")


async def everything(house: House) -> str:
    """All that the database holds, as text."""
    found = []
    async with house.database.read() as connection:
        for table in SQLModel.metadata.sorted_tables:
            found += [str(dict(row._mapping)) for row in await connection.execute(sa.select(table))]
    return "\n".join(found)


async def a_life(house: House) -> None:
    """A visit with a note, one text that went out, an update, and an answer."""
    await house.take(visit(treatment__note="Ada Lovelace itches"), updated(phone="+447400123457"))
    house.clock.moment = TEN
    await house.dispatch()
    async with house.database.write() as connection:
        values = {"clinic": CLINIC, "id": uuid4(), "provider_id": "SM1", "sender": "sms",
                  "address": "+447400123457", "text": "it itches", "media": 0, "kind": "answer", "more": True,
                  "client": "c-17", "received_at": house.clock()}  # fmt: skip
        await connection.execute(core(Reply).insert().values(values))


async def test_nothing_personal_is_left_and_what_counts_stays(house: House) -> None:
    await a_life(house)
    counted = {model: len(await house.rows(model)) for model in (Client, Treatment, Reminder, Attempt, Event, Reply)}
    before = await everything(house)
    assert all(canary in before for canary in CANARIES)
    (taken,) = await house.take(erased())
    assert taken.standing is Standing.ERASED
    assert {(effect, reason) for effect, _, reason in told(taken)} == {("cancelled", "client-erased")}
    left = await everything(house)
    assert [canary for canary in CANARIES if canary in left] == []
    counted[Event] += 1
    assert counted == {model: len(await house.rows(model)) for model in counted}
    assert await coming(house) == {}
    assert (await house.rows(Reminder, core(Reminder).c.state == "captured")) != []
    assert await house.rows(Recipient) == []
    assert (await house.take(erased()))[0].as_json() == taken.as_json()


async def test_later_events_are_refused_and_nothing_of_them_is_stored(house: House) -> None:
    await a_life(house)
    await house.take(erased())
    before = await everything(house)
    late = [
        visit(id="e-late", treatment__id="visit-9", time="2026-11-21T09:00:00Z"),
        visit(treatment__note="Ada Lovelace itches"),
        updated("e-late-2", phone="+447400123457"),
        booked("e-late-3"),
        voided(),
    ]
    for event in late:
        with pytest.raises(Conflict) as refused:
            await house.take(event)
        assert refused.value.code == "client-erased", json.dumps(event)
    assert await everything(house) == before
    (again,) = await house.take(erased("e-again"))
    assert (again.standing, again.changes) == (Standing.ERASED, ())


@on_sqlite
async def test_an_erasure_may_come_first(house: House) -> None:
    (taken,) = await house.take(erased())
    assert taken.standing is Standing.ERASED
    with pytest.raises(Conflict):
        await house.take(visit())
    assert "Ada" not in await everything(house)


@on_sqlite
async def test_a_shared_number_and_a_wish_not_to_be_written_to_stay(house: House) -> None:
    await house.take(
        visit(), visit(id="e-2", treatment__id="visit-2", client__ref="c-18", client__email="b@example.com")
    )
    async with house.database.write() as connection:
        await suppress(connection, CLINIC, "email", "ada@example.com", reason="stop", now=house.clock())
    await house.take(erased())
    assert {row.address for row in await house.rows(Recipient)} == {"+447400123456", "ada@example.com", "b@example.com"}
    await house.take(erased("e-3", client={"ref": "c-18"}))
    assert {row.address for row in await house.rows(Recipient)} == {"ada@example.com"}


@on_sqlite
async def test_what_was_under_way_is_neither_looked_up_nor_tried_again(house: House) -> None:
    await house.take(visit())
    house.clock.moment = TEN
    channel = says(house, Medium.SMS, Unknown("reset"))
    await house.dispatch()
    await house.take(erased())
    house.clock.advance(minutes=30)
    await rescue_of(house).run()
    assert channel.asked == []
    (row,) = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert (row.state, row.reason) == ("cancelled", "client-erased")


@on_sqlite
async def test_a_send_that_fails_after_the_erasure_is_not_tried_again(house: House) -> None:
    await house.take(visit())
    house.clock.moment = TEN
    started = await house.starter.start(10)
    await house.take(erased())
    await house.settler._write([(started.intents[0], Retry(FailureClass.NOT_PROCESSED, "429"))])
    house.clock.advance(minutes=30)
    assert (await house.dispatch()).intents == []
    (row,) = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert (row.state, row.reason) == ("cancelled", "client-erased")


@on_sqlite
async def test_what_the_request_itself_carries_is_not_kept_either(house: House) -> None:
    await house.take(visit())
    wordy = erased(client={**ADA, "first_name": "Lovelace"})
    wordy["data"] |= {"reason": "it itches"}
    await house.take(wordy)
    await house.take({**wordy, "id": "e-again"})
    left = await everything(house)
    assert [canary for canary in CANARIES if canary in left] == []
    assert not (await house.take(wordy))[0].created
