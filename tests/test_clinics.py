"""Making a clinic: everything that is wrong is said at once, and nothing of it is stored."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.clinic_fields import phone_problems
from service.clinics import NewPlace, NewSender, add_clinic
from service.errors import BadInput, Conflict
from service.settings import Settings
from service.store.clinics import houses
from service.store.tables import Clinic, Location, Sender, Staff, core
from service.types import Medium
from service.wiring.shared import inbound_address
from tests.support.house import House, clinic

SMS = NewSender(Medium.SMS, "+447400123400", 10)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"id": "Glow"}, [("invalid-clinic", "id")]),
        ({"id": "g"}, [("invalid-clinic", "id")]),
        ({"id": "glow\n"}, [("invalid-clinic", "id")]),
        ({"country": "gb"}, [("unknown-country", "country")]),
        ({"country": "XX"}, [("unknown-country", "country")]),
        ({"locale": "english"}, [("invalid-locale", "locale")]),
        ({"name": "  "}, [("empty-field", "name")]),
        ({"time_zone": "Europe/Lodnon"}, [("unknown-zone", "time_zone")]),
        ({"time_zone": ""}, [("unknown-zone", "time_zone")]),
        ({"places": (NewPlace("ny", "NY", "America/NewYork"),)}, [("unknown-zone", "locations.0.time_zone")]),
        ({"places": (NewPlace("ny\n", "NY"),)}, [("invalid-location", "locations.0.id")]),
        ({"phone": "abc"}, [("invalid-number", "phone")]),
        ({"phone": "123"}, [("invalid-number", "phone")]),
        ({"phone": "call 020 7946 0018"}, [("invalid-number", "phone")]),
        ({"phone": "+44 20 7946"}, [("invalid-number", "phone")]),
        ({"phone": "020 7946 0018 / 0019"}, [("invalid-number", "phone")]),
        ({"phone": "+999 20 7946 0018"}, [("invalid-number", "phone")]),
        ({"urgent_phone": "12"}, [("invalid-number", "urgent_phone")]),
        ({"country": "XX", "phone": "020 7946 0018"}, [("unknown-country", "country")]),
        ({"places": (NewPlace("ny", "NY", phone="x", urgent_phone="y"),)},
         [("invalid-number", "locations.0.phone"), ("invalid-number", "locations.0.urgent_phone")]),
        ({"forget_after_months": 11}, [("invalid-forget-after", "forget_after_months")]),
        ({"caps": {"care": {"most": 11, "days": 1}}}, [("invalid-cap", "caps.care")]),
        ({"places": (NewPlace("ny", "A"), NewPlace("ny", "B"))}, [("given-twice", "locations.1.id")]),
        ({"senders": (NewSender(Medium.SMS, "+447400123400", 0),)}, [("invalid-rate", "senders.sms.rate")]),
        ({"senders": (NewSender(Medium.EMAIL, "a@b.example", -1),)}, [("invalid-rate", "senders.email.rate")]),
        ({"senders": (NewSender(Medium.SMS, "60123", float("nan")),)}, [("invalid-rate", "senders.sms.rate")]),
        *(({"senders": (NewSender(Medium.SMS, wrong, 1),)}, [("invalid-number", "senders.sms.address")])
          for wrong in ("12", "a\nb", "Glow\u202eClinic", "a name too long", "+0400123400")),
        ({"senders": (NewSender(Medium.SMS, "", 1, messaging_service="MG1"),)},
         [("invalid-number", "senders.sms.messaging_service")]),
        ({"senders": (NewSender(Medium.EMAIL, "a@b.example", 1, messaging_service="MG" + "0" * 32),)},
         [("invalid-number", "senders.email.messaging_service")]),
        ({"senders": (SMS, SMS)}, [("given-twice", "senders.sms")]),
        ({"id": "", "name": "", "country": ""},
         [("invalid-clinic", "id"), ("unknown-country", "country"), ("empty-field", "name")]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
async def test_a_wrong_clinic_is_refused_with_every_problem(house: House, changes: Any, problems: Any) -> None:
    with pytest.raises(BadInput) as refused:
        async with house.database.write() as connection:
            await add_clinic(connection, clinic(**{"id": "bright"} | changes), house.clock())
    assert [(problem.code, problem.where) for problem in refused.value.problems] == problems
    assert len(await house.rows(Clinic)) == 1


@pytest.mark.parametrize(
    ("country", "phone", "urgent"),
    [
        ("GB", "020 7946 0018", "111"),
        ("GB", "(020) 7946-0018", "999"),
        ("GB", "+353 1 234 5678", "07400 123456"),
        ("DE", "030/901820", "116117"),
        ("ES", "+34 915 55 01 23", "061"),
        ("US", "(212) 555-0123", "911"),
        ("IT", "06 698 1234", "112"),
        ("EG", "19123", "123"),
    ],
)
def test_whatever_can_be_called_is_a_clinics_phone(country: str, phone: str, urgent: str) -> None:
    assert phone_problems({"phone": phone, "urgent_phone": urgent}, country) == []


async def test_a_clinic_is_stored_with_its_places_senders_and_owner(house: House) -> None:
    async with house.database.write() as connection:
        await add_clinic(connection, clinic(id="bright"), house.clock())
        found = (await houses(connection, ["bright", "nowhere"]))["bright"]
    assert (found.name, list(found.places), sorted(found.senders)) == ("Glow Clinic", ["soho"], ["email", "sms"])
    assert found.zone_for("", "soho") == "Europe/London"
    lanes = await house.rows(Sender)
    assert {(row.clinic, row.tokens, row.next_due_at) for row in lanes} == {
        ("glow", 1000, None), ("bright", 1000, None),
    }  # fmt: skip
    assert len(await house.rows(Location)) == len(await house.rows(Staff)) == 2


@pytest.mark.parametrize("own", [{"address": "+447400123456"}, {"address": "", "messaging_service": "MG" + "1" * 32}])
async def test_two_clinics_never_text_from_one_number(house: House, own: dict[str, Any]) -> None:
    """A STOP must find the clinic that it is meant for."""
    sender = NewSender(Medium.SMS, rate=1.0, **own)
    async with house.database.write() as connection:
        await add_clinic(connection, clinic(id="first", senders=(sender,)), house.clock())
    with pytest.raises(Conflict) as conflict:
        async with house.database.write() as connection:
            await add_clinic(connection, clinic(id="second", senders=(sender,)), house.clock())
    assert conflict.value.code == "sender-taken"


async def test_a_second_clinic_of_the_same_name_is_a_conflict_and_changes_nothing(house: House) -> None:
    before = await house.rows(Sender)
    house.clock.moment += timedelta(days=1)
    with pytest.raises(Conflict) as conflict:
        async with house.database.write() as connection:
            await add_clinic(connection, clinic(name="Another"), house.clock())
    assert conflict.value.code == "clinic-exists"
    assert await house.rows(Sender) == before
    (row,) = await house.rows(Clinic)
    assert row.name == "Glow Clinic"


async def test_of_two_clinics_that_want_one_number_at_once_one_gets_it(house: House) -> None:
    sender = NewSender(Medium.SMS, "+447400123456", 1)

    async def add(name: str) -> None:
        async with house.database.write() as connection:
            await add_clinic(connection, clinic(id=name, senders=(sender,)), house.clock())

    ends = await asyncio.gather(*(add(f"bright-{n}") for n in range(4)), return_exceptions=True)
    assert [end.code for end in ends if isinstance(end, Conflict)] == ["sender-taken"] * 3
    assert len(await house.rows(Sender, core(Sender).c.address == sender.address)) == 1


def test_where_texts_are_to_be_posted_follows_from_the_public_address() -> None:
    live = Settings(public_url="https://a.example", twilio_account_sid="AC" + "0" * 32, twilio_auth_token="token")
    assert inbound_address(live, "glow") == "https://a.example/callbacks/twilio/inbound/glow.sms"
    assert inbound_address(Settings(), "glow") is None
