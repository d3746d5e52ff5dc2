"""One poison row, clinic or sender stops only itself, and shows."""

import sqlalchemy as sa

from service.clinics import NewSender
from service.store.tables import Clinic, Reminder, Sender, core
from service.types import Medium
from tests.dispatch.acting import change, many_due, on_sqlite, opened, the
from tests.support.house import House, clinic

sender, reminder = core(Sender), core(Reminder)

_REFUSED = "+447401000001"
_ON_SQLITE = (
    (
        f"CREATE TRIGGER refuse BEFORE INSERT ON attempt WHEN NEW.recipient = '{_REFUSED}' "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    ),
)
_ON_POSTGRESQL = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
    (
        f"CREATE TRIGGER refuse BEFORE INSERT ON attempt FOR EACH ROW WHEN (NEW.recipient = '{_REFUSED}') "
        "EXECUTE FUNCTION refuse()"
    ),
)


async def execute(house: House, *statements: str) -> None:
    async with house.database.write() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))


async def test_what_the_database_refuses_waits_for_a_person_and_the_others_go(house: House) -> None:
    await many_due(house, 3)
    await execute(house, *(_ON_POSTGRESQL if house.database.is_postgresql else _ON_SQLITE))
    try:
        assert len((await house.dispatch()).intents) == 2
    finally:
        if house.database.is_postgresql:  # the next test gets the same database
            await execute(house, "DROP FUNCTION refuse CASCADE")
    poison = await the(house, client="c-1")
    assert (poison.state, poison.reason) == ("needs_review", "internal-error")


@on_sqlite
async def test_a_clinic_that_nothing_can_be_made_of_stops_only_itself(migrated_url: str) -> None:
    senders = (NewSender(Medium.SMS, "+447400123401", 100.0), NewSender(Medium.EMAIL, "b@other.example", 100.0))
    async with opened(migrated_url, clinic(), clinic(id="other", senders=senders)) as house:
        await many_due(house, 2)
        await many_due(house, 2, clinic="other")
        await change(house, Clinic, {"quiet_start": "half past"}, core(Clinic).c.id == "glow")
        assert {intent.clinic for intent in (await house.dispatch()).intents} == {"other"}
        held = await house.rows(Reminder, reminder.c.clinic == "glow", reminder.c.state == "needs_review")
        assert [row.reason for row in held] == ["internal-error"] * 2


@on_sqlite
async def test_a_sender_without_a_rate_is_neither_read_nor_woken_for(house: House) -> None:
    await many_due(house, 2)
    await change(house, Sender, {"rate": 0.0}, sender.c.id == "sms")
    started = await house.dispatch()
    assert not started.intents
    assert started.wake_up is None or started.wake_up > house.clock.moment
