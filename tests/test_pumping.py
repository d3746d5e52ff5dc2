"""Texts to numbers that nobody asked for: countries, floods on one phone, and many numbers alike."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.clinics import change_clinic
from service.dispatch.batch import Batch
from service.errors import TooMany
from service.intake.group import Intake
from service.privacy import Retention
from service.pumping import NumberCap, country_of
from service.staff import StaffBook
from service.store.tables import Alert, Attempt, Decision, NumberText, Recipient, Reminder, Sender, core
from service.types import Json, Medium, Sms
from tests.dispatch.acting import TEN, on_sqlite, the, under_way
from tests.intake.changes import erased, updated
from tests.support.house import CLINIC, House, read, shipped, visit
from tests.support.races import until_waiting


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+447400123456", "GB"),
        ("+447781123456", "GG"),
        ("+12125550123", "US"),
        ("+18765551234", "JM"),
        ("+34612345678", "ES"),
        ("+77001234567", "KZ"),
        ("+883510000000000", "001"),
        ("+999123", ""),
        ("nonsense", ""),
    ],
)
def test_a_number_has_a_country_and_numbers_of_one_calling_code_may_have_several(number: str, country: str) -> None:
    assert country_of(number) == country
    assert country_of(number) == country, "also where its beginning is known already"


def abroad(number: int) -> dict[str, Any]:
    return visit(id=f"e-{number}", treatment__id=f"visit-{number}", client__ref=f"c-{number}",
                 client__phone=f"+1876555{1000 + number}", client__email=None)  # fmt: skip


@on_sqlite
async def test_texts_go_to_the_clinics_own_country_until_it_names_others(house: House) -> None:
    house.clock.moment = TEN
    await house.take(abroad(1))
    assert (await house.dispatch()).intents == []
    row = await the(house)
    assert (row.medium, row.reason) == ("email", "country-not-allowed")
    assert (await house.dispatch()).intents == []
    assert ((await the(house)).state, (await the(house)).reason) == ("skipped", "no-address")
    told = [line.code for line in await house.rows(Decision, core(Decision).c.reminder == row.id)]
    assert told == ["country-not-allowed", "no-address"]
    async with house.database.write() as connection:
        await change_clinic(connection, CLINIC, {"sms_countries": ["GB", "JM"]}, house.clock())
    await house.take(abroad(2))
    assert len((await house.dispatch()).intents) == 1


@on_sqlite
async def test_a_client_abroad_gets_the_letter_instead(house: House) -> None:
    house.clock.moment = TEN
    await house.take(visit(client__phone="+18765551234"))
    await house.dispatch()
    row = await the(house, client="c-17")
    assert (row.state, row.medium) == ("scheduled", "email")


async def family(house: House, first: int, count: int, phone: str) -> None:
    """So many clients with one phone, each with a day-1 text that is due."""
    await house.take(*(
        visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n}", client__phone=phone, client__email=None)
        for n in range(first, first + count)
    ))  # fmt: skip


async def test_one_phone_gets_so_many_texts_a_day_whoever_has_it(house: House) -> None:
    house.starter._number_cap = NumberCap(most=3)
    house.clock.moment = TEN
    await family(house, 0, 5, "+447400123456")
    await family(house, 10, 1, "+447400123499")
    assert len((await house.dispatch()).intents) == 3 + 1
    assert (await house.dispatch()).intents == []
    held = await house.rows(Reminder, core(Reminder).c.reason == "too-many-to-number")
    assert len(held) == 2
    assert {row.state for row in held} == {"expired"}, "a day later it would be of no use"
    assert [row.address for row in await house.rows(Recipient, core(Recipient).c.shared)] == ["+447400123456"]


async def test_safety_advice_of_the_day_to_one_client_is_counted_by_number_too(house: House) -> None:
    house.starter._number_cap = NumberCap(most=3)
    house.clock.moment = datetime(2026, 11, 20, 15, 10, tzinfo=UTC)
    botulinum = {"treatment__protocol": "botulinum-toxin"}
    await house.take(*(visit(id=f"e-{n}", treatment__id=f"visit-{n}", **botulinum) for n in range(5)))
    assert len((await house.dispatch()).intents) == 3
    await house.take(visit(id="e-9", treatment__id="visit-9", **botulinum))
    assert (await house.dispatch()).intents == [], "also by what earlier starts have sent"
    held = await house.rows(Reminder, core(Reminder).c.reason == "too-many-to-number")
    assert len(held) == 3


@on_sqlite
async def test_a_text_to_a_phone_that_several_clients_have_names_none_of_them(house: House) -> None:
    treatment = {"treatment__protocol": "botulinum-toxin"}
    children = [visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n}", **treatment) for n in range(2)]
    alone = visit(id="e-9", treatment__id="visit-9", client__ref="c-9", client__phone="+447400123499", **treatment)
    house.clock.moment = datetime(2026, 11, 20, 15, 10, tzinfo=UTC)
    await house.take(*children, alone)
    texts = [one.outgoing for one in (await house.dispatch()).intents]
    named = {one.to: "Ada" in one.message.text for one in texts if isinstance(one.message, Sms)}
    assert named == {"+447400123456": False, "+447400123499": True}
    assert len(texts) == 3


@on_sqlite
async def test_a_number_that_becomes_anothers_too_is_shared_from_then_on(house: House) -> None:
    await family(house, 0, 1, "+447400123456")
    await family(house, 1, 1, "+447400123457")
    await house.take(updated("e-9", client={}) | {"data": {"client": {"ref": "c-1", "phone": "+447400123456"}}})
    assert [row.address for row in await house.rows(Recipient, core(Recipient).c.shared)] == ["+447400123456"]


def alike(house: House, first: int, count: int) -> list[Any]:
    return [
        read(visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n}",
                   client__phone=f"+447401{230000 + n}"), house.clock())
        for n in range(first, first + count)
    ]  # fmt: skip


async def watching(house: House) -> Intake:
    await house.intake.stop()
    house.intake = Intake(house.database, shipped().protocols, most_alike=10)
    house.intake.start()
    return house.intake


async def paused(house: House) -> dict[str, str]:
    return {row.id: row.paused_reason for row in await house.rows(Sender)}


async def test_many_new_numbers_alike_within_an_hour_hold_the_clinics_texts_for_a_person(house: House) -> None:
    intake = await watching(house)
    await intake.take_all(CLINIC, alike(house, 0, 9))
    assert await paused(house) == {"email": "", "sms": ""}
    await intake.take_all(CLINIC, alike(house, 0, 9)), "numbers that are known are not new"
    await intake.take_all(CLINIC, alike(house, 9, 1))
    assert await paused(house) == {"email": "", "sms": "many-new-numbers"}
    (alert,) = await house.rows(Alert)
    assert (alert.kind, alert.about, alert.detail) == ("many-new-numbers", "sms", {"numbers": 10})
    await resume(house)
    await intake.take_all(CLINIC, alike(house, 10, 5))
    assert await paused(house) == {"email": "", "sms": ""}, "what a person has looked at is not held again"


async def resume(house: House) -> None:
    async with house.database.write() as connection:
        await connection.execute(sa.update(core(Sender)).values(paused_at=None, paused_reason=""))


@on_sqlite
async def test_the_count_begins_anew_after_an_hour_and_other_blocks_count_for_themselves(house: House) -> None:
    intake = await watching(house)
    await intake.take_all(CLINIC, alike(house, 0, 9))
    await intake.take_all(CLINIC, alike(house, 10_000, 9))
    house.clock.advance(hours=1)
    await intake.take_all(CLINIC, alike(house, 20, 9))
    assert await paused(house) == {"email": "", "sms": ""}


@on_sqlite
async def test_an_import_by_an_operator_is_not_watched(house: House) -> None:
    await house.intake.take_all(CLINIC, alike(house, 0, 30))
    assert await paused(house) == {"email": "", "sms": ""}


@pytest.fixture
async def counting(house: House) -> House:
    """A house that lets one phone have three texts a day, and knows a secret to remember numbers by."""
    await house.intake.stop()
    house.intake = Intake(house.database, shipped().protocols, number_cap=THREE)
    house.intake.start()
    house.starter._number_cap = THREE
    house.clock.moment = TEN
    return house


THREE = NumberCap(3, secret="s" * 32)
PHONE = "+447400123456"


def gone(number: int) -> Json:
    return erased(f"gone-{number}", client={"ref": f"c-{number}"})


def moved(number: int) -> Json:
    return updated(f"moved-{number}", ref=f"c-{number}", phone=f"+4474001235{number:02}")


@pytest.mark.parametrize("leave", [gone, moved])
async def test_a_phones_count_goes_on_where_its_client_is_erased_or_takes_another(counting: House, leave: Any) -> None:
    for number in range(3):
        await family(counting, number, 1, PHONE)
        assert len((await counting.dispatch()).intents) == 1
        await counting.take(leave(number))
    await family(counting, 4, 1, PHONE)
    await family(counting, 5, 1, "+447400123599")
    assert [one.outgoing.to for one in (await counting.dispatch()).intents] == ["+447400123599"]
    assert len(await counting.rows(Reminder, core(Reminder).c.reason == "too-many-to-number")) == 1
    assert PHONE not in str(await counting.rows(NumberText))
    counting.clock.advance(days=1)
    when = {"time": "2026-11-21T15:05:00Z", "treatment__ended_at": "2026-11-21T15:00:00Z"}
    await counting.take(visit(id="e-6", treatment__id="visit-6", client__ref="c-6", client__phone=PHONE, **when))
    assert PHONE in {one.outgoing.to for one in (await counting.dispatch()).intents}
    counting.clock.advance(minutes=1)
    await Retention(counting.database).run()
    assert await counting.rows(NumberText) == []


@on_sqlite
async def test_a_phone_that_goes_and_comes_back_is_counted_once(counting: House) -> None:
    await family(counting, 0, 1, PHONE)
    await counting.dispatch()
    for turn in range(3):
        later = {"ref": "c-0", "time": f"2026-11-21T10:0{turn}:00Z"}
        await counting.take(updated(f"a-way-{turn}", phone="+447400123599", **later))
        await counting.take(updated(f"b-ack-{turn}", phone=PHONE, **later))
    await family(counting, 1, 1, PHONE)
    assert len((await counting.dispatch()).intents) == 1


async def test_codes_to_staff_and_texts_to_clients_are_one_count(counting: House) -> None:
    people = StaffBook(counting.database, number_cap=THREE)
    await people.put(CLINIC, "grace", phone=PHONE, asked_by="ada")
    await people.send_code(CLINIC, "grace", Medium.SMS, "ada")
    await family(counting, 0, 2, PHONE)
    assert len((await counting.dispatch()).intents) == 1
    with pytest.raises(TooMany, match="has got 3 texts within 24 hours: try again in 24 hours"):
        await people.send_code(CLINIC, "grace", Medium.SMS, "ada")
    await people.put(CLINIC, "hedy", phone="+447400123499", asked_by="ada")


async def test_an_erasure_waits_for_a_start_and_counts_what_it_texts(postgres_house: House) -> None:
    house = postgres_house
    await house.intake.stop()
    house.intake = Intake(house.database, shipped().protocols, number_cap=THREE)
    house.intake.start()
    house.clock.moment = TEN
    await family(house, 0, 1, PHONE)
    taken: list[asyncio.Task[Any]] = []

    async def and_erase(batch: Batch, connection: AsyncConnection) -> None:
        await batch.save(connection)
        taken.append(asyncio.create_task(house.take(gone(0))))
        await until_waiting(house.database)

    async with under_way(house, save=and_erase):
        pass
    await taken[0]
    assert len(await house.rows(NumberText)) == 1
    assert [row.recipient for row in await house.rows(Attempt)] == [""]
