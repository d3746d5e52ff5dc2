"""What is told of clients: the newest word on each field counts, the future follows it, and their own no stays a no."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from service.intake.answer import Standing
from service.store.attempts import suppress
from service.store.clients import record_choices
from service.store.tables import Client, Consent, Event, Recipient, Reminder, core
from tests.dispatch.acting import TEN, change, on_sqlite
from tests.intake.changes import agreed, coming, told, updated
from tests.support.house import CLINIC, House, visit

MINUTES = [f"2026-11-20T15:0{minute}:00Z" for minute in range(1, 10)]


async def test_a_new_phone_is_where_the_rest_goes(house: House) -> None:
    await house.take(visit())
    (taken,) = await house.take(updated(phone="+447400123457"))
    assert (taken.standing, taken.treatment, taken.changes) == (Standing.RECORDED, None, ())
    house.clock.moment = TEN
    assert [intent.outgoing.to for intent in (await house.dispatch()).intents] == ["+447400123457"]


async def test_a_stop_stays_on_the_client_whose_number_changes(house: House) -> None:
    await house.take(visit())
    async with house.database.write() as connection:
        await suppress(connection, CLINIC, "sms", "+447400123456", reason="stop", now=house.clock())
    await change(house, Client, {"sms_stopped_at": house.clock()})
    await house.take(updated(phone="+447400123457"))
    house.clock.moment = TEN
    assert (await house.dispatch()).intents == []
    (email,) = (await house.dispatch()).intents
    assert email.outgoing.to == "ada@example.com"
    (row,) = await house.rows(Recipient, core(Recipient).c.address == "+447400123456")
    assert row.suppressed_at is not None


async def test_a_new_zone_moves_all_that_is_to_come(house: House) -> None:
    await house.take(visit())
    (taken,) = await house.take(updated(time_zone="Asia/Tokyo"))
    assert (("moved", "day-1-sunscreen", "client-changed")) in told(taken)
    assert (await coming(house))["visit-8812", "day-1-sunscreen", 0] == datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert (await house.take(updated(time_zone="Asia/Tokyo")))[0].as_json() == taken.as_json()


async def test_a_number_that_can_be_texted_at_last_takes_the_channel_back(house: House) -> None:
    await house.take(visit(client__phone="ask her"))
    assert {row.medium for row in await house.rows(Reminder)} == {"email"}
    (taken,) = await house.take(updated(phone="+447400123457"))
    assert ("moved", "day-1-sunscreen", "client-changed") in told(taken)
    (row,) = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert (row.medium, row.sender) == ("sms", "sms")


async def test_an_empty_phone_takes_the_stored_one_away_and_an_older_event_does_not_bring_it_back(house: House) -> None:
    await house.take(visit(), updated(phone=""))
    await house.take(visit(id="e-2", treatment__id="visit-2", time="2026-11-20T15:01:00Z"))
    (client,) = await house.rows(Client)
    assert (client.phone, client.phone_given, client.email) == (None, "", "ada@example.com")
    await house.take(updated("e-new", time="2026-11-20T15:08:00Z", phone="+447400123457"))
    (client,) = await house.rows(Client)
    assert client.phone == "+447400123457"


async def test_each_field_goes_by_the_newest_event_that_told_it_in_any_order(house: House) -> None:
    """An event that tells nothing of a phone must not make an older phone count."""
    events = [
        updated("e-1", time=MINUTES[0], phone="+447400123451", locale="es"),
        updated("e-2", time=MINUTES[1], first_name="Ada"),
        updated("e-3", time=MINUTES[2], phone="+447400123453", email=""),
        updated("e-4", time=MINUTES[2], first_name="Augusta", email="a@example.com"),
    ]
    found = set()
    for number, order in enumerate(permutations(range(4))):
        ref = f"c-{number}"
        for place in order:
            value = {**events[place], "id": f"{events[place]['id']} {ref}"}
            value["data"] = {"client": events[place]["data"]["client"] | {"ref": ref}}
            await house.take(value)
        (row,) = await house.rows(Client, core(Client).c.ref == ref)
        found.add((row.first_name, row.phone, row.email, row.locale, row.as_of))
    assert found == {("Augusta", "+447400123453", "a@example.com", "es", datetime(2026, 11, 20, 15, 3, tzinfo=UTC))}


async def test_an_update_of_which_nothing_is_news_is_outdated(house: House) -> None:
    await house.take(visit())
    (taken,) = await house.take(updated(time="2026-11-20T15:01:00Z", first_name="Augusta"))
    assert taken.standing is Standing.OUTDATED
    assert (await house.take(updated(time="2026-11-20T15:01:00Z", first_name="Augusta")))[0].standing == "outdated"
    (row,) = await house.rows(Event, core(Event).c.id == "e-updated")
    assert (row.state, row.client, row.treatment) == ("outdated", "c-17", "")


async def test_a_consent_changes_what_may_be_sent(house: House) -> None:
    await house.take(visit())
    assert (await house.take(agreed(care=[])))[0].standing is Standing.RECORDED
    assert (await house.take(agreed("e-old", time="2026-11-20T15:01:00Z", care=["sms"])))[0].standing == "outdated"
    house.clock.moment = TEN
    while (await house.dispatch()).settled:
        pass
    (row,) = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert (row.state, row.reason) == ("skipped", "no-consent")


async def test_what_clients_withdrew_themselves_no_event_gives_back(house: House) -> None:
    await house.take(visit())
    async with house.database.write() as connection:
        row = {"clinic": CLINIC, "client": "c-17", "purpose": "care", "granted": False, "at": house.clock()}
        await record_choices(connection, [row | {"medium": medium} for medium in ("sms", "email")])
    (taken,) = await house.take(agreed(time="2026-11-21T15:00:00Z", care=["sms"]))
    assert taken.standing is Standing.OVERRULED
    (kept,) = await house.rows(Consent, core(Consent).c.medium == "sms", core(Consent).c.purpose == "care")
    assert (kept.granted, kept.source) == (False, "client")


@on_sqlite
@pytest.mark.parametrize("first", ["e-a", "e-b"])
async def test_of_two_words_of_the_same_time_one_counts_whichever_comes_first(house: House, first: str) -> None:
    events = {"e-a": agreed("e-a", care=["sms"]), "e-b": agreed("e-b", care=[])}
    await house.take(visit(), events.pop(first))
    await house.take(*events.values())
    (row,) = await house.rows(Consent, core(Consent).c.medium == "sms", core(Consent).c.purpose == "care")
    assert row.granted is False
