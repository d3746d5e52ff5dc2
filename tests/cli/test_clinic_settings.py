"""`aftercare clinic set` and `sender cap`: where texts may go, how much a day, and how the clinic looks."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from service.cli.main import app
from service.errors import AftercareError
from service.store.clinics import houses
from service.store.tables import Audit, Clinic, Location, Sender, core
from service.types import Cap
from tests.dispatch.acting import on_sqlite
from tests.imports.importing import url_of
from tests.support.house import CLINIC, House

pytestmark = on_sqlite


async def said(house: House, *words: str) -> Result:
    env = {"DATABASE_URL": url_of(house), "LOGNAME": "deploy"}
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, [*words, "--clinic", CLINIC], env=env))


async def the_clinic(house: House) -> Any:
    (row,) = await house.rows(Clinic)
    return row


async def test_countries_and_brand_are_set_and_what_is_not_named_stays(house: House) -> None:
    assert (await said(house, "clinic", "set", "--sms-countries", "gb, IE", "--colour", "#0f766e")).exit_code == 0
    await said(house, "clinic", "set", "--logo", "https://glow.example/logo.png", "--care-consent", "explicit")
    row = await the_clinic(house)
    assert (row.sms_countries, row.care_consent) == (["GB", "IE"], "explicit")
    assert row.brand == {"colour": "#0f766e", "logo": "https://glow.example/logo.png"}
    await said(house, "clinic", "set", "--sms-countries", "")
    assert (await the_clinic(house)).sms_countries == []
    assert [(line.who, line.act, line.about) for line in await house.rows(Audit)] == [
        ("command:deploy", "clinic-changed", "brand sms_countries"),
        ("command:deploy", "clinic-changed", "brand care_consent"),
        ("command:deploy", "clinic-changed", "sms_countries"),
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--sms-countries", "GB,Atlantis"), "unknown-country"),
        (("--colour", "teal"), "invalid-colour"),
        (("--colour", "#0f766e;}body{"), "invalid-colour"),
        (("--logo", "http://glow.example/logo.png"), "invalid-address"),
        (("--logo", 'https://x/"onload='), "invalid-address"),
        (("--care-consent", "sometimes"), "unknown-policy"),
        (("--forget-after", "soon"), "invalid-forget-after"),
        (("--forget-after", "11 months"), "invalid-forget-after"),
        (("--cap", "care lots"), "invalid-cap"),
        (("--cap", "care 11 in 1 day"), "invalid-cap"),
        (("--cap", "care 0 in 1 day"), "invalid-cap"),
        (("--cap", "rebook 1 in 367 days"), "invalid-cap"),
        (("--cap", "fun 1 in 1 day"), "unknown-purpose"),
        (("--phone", "abc"), "invalid-number"),
        (("--urgent-phone", "+44 20 7946"), "invalid-number"),
    ],
)
async def test_what_cannot_be_is_told_and_nothing_is_changed(house: House, words: tuple[str, ...], code: str) -> None:
    before = await the_clinic(house)
    refused = await said(house, "clinic", "set", *words)
    assert isinstance(refused.exception, AftercareError)
    assert refused.exception.code == code
    assert await the_clinic(house) == before


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (("set", "--cap", "care lots", "--cap", "fun 1 in 1 day", "--forget-after", "soon", "--zone", "x"),
         ["--forget-after", "--cap", "--zone", "--cap"]),
        (("set", "--forget-after", "3 months", "--colour", "teal", "--phone", "x", "--cap", "care 99 in 1 day"),
         ["--forget-after", "--cap", "--colour", "--phone"]),
        (("location", "annexe", "--zone", "x", "--urgent-phone", "x"), ["--name", "--zone", "--urgent-phone"]),
    ],
)  # fmt: skip
async def test_all_that_is_wrong_is_told_at_once_by_the_options_that_were_typed(
    house: House, words: tuple[str, ...], places: list[str]
) -> None:
    refused = (await said(house, "clinic", *words)).exception
    assert isinstance(refused, AftercareError)
    assert [one.where for one in refused.problems] == places


async def test_a_clinic_that_lacks_everything_is_told_so_in_one_go(house: House) -> None:
    env = {"DATABASE_URL": url_of(house)}
    typed = ["clinic", "add", "Bright", "--sms-from", "+", "--email-from", "care"]
    refused = (await asyncio.to_thread(lambda: CliRunner().invoke(app, typed, env=env))).exception
    assert isinstance(refused, AftercareError)
    places = ["ID", "--country", "--name", "--phone", "--zone", "--sms-from", "--email-from"]
    assert [one.where for one in refused.problems] == places
    needed = ["--name", "B", "--zone", "Europe/London", "--phone", "020 7946 0018", "--country", "GB"]
    typed = ["clinic", "add", "bright", *needed, "--sms-from", "+447400123400"]
    again = await asyncio.to_thread(lambda: CliRunner().invoke(app, typed, env=env))
    assert isinstance(again.exception, AftercareError)
    assert [one.where for one in again.exception.problems] == ["--sms-from"]


async def test_clients_who_do_not_come_are_forgotten_after_so_long_or_never(house: House) -> None:
    for written, months in (("7 years", 84), ("18 months", 18), ("1 year", 12), ("never", 0)):
        assert (await said(house, "clinic", "set", "--forget-after", written)).exit_code == 0
        assert (await the_clinic(house)).forget_after_months == months
        shown = (await said(house, "clinic", "show")).output
        assert f"forget after: {f'{months} months' if months else 'never'}\n" in shown.replace(":  ", ": ")


async def test_a_senders_day_is_capped_and_let_go(house: House) -> None:
    for a_day, cap in (("500", 500), ("0", None)):
        assert (await said(house, "sender", "cap", "sms", "--a-day", a_day)).exit_code == 0
        assert [row.daily_cap for row in await house.rows(Sender, core(Sender).c.id == "sms")] == [cap]


async def test_a_clinics_own_caps_are_set_shown_and_left_to_the_settings_again(house: House) -> None:
    await said(house, "clinic", "set", "--cap", "care 2 in 1 day", "--cap", "review 1 in 30 days")
    assert (await the_clinic(house)).caps == {"care": {"most": 2, "days": 1}, "review": {"most": 1, "days": 30}}
    assert "care 2 in 1 day, review 1 in 30 days" in (await said(house, "clinic", "show")).output
    await said(house, "clinic", "set", "--cap", "care default")
    async with house.database.read() as connection:
        (found,) = (await houses(connection, [CLINIC])).values()
    assert found.caps == {"review": Cap(1, timedelta(days=30))}


async def test_a_sender_and_a_location_are_set_up(house: House) -> None:
    assert (await said(house, "sender", "set", "sms", "--from", "+447400123401", "--rate", "5")).exit_code == 0
    row = next(one for one in await house.rows(Sender) if one.id == "sms")
    assert (row.address, row.rate) == ("+447400123401", 5)
    assert (await said(house, "clinic", "location", "annexe", "--name", "Annexe")).exit_code == 0
    wrong = await said(house, "clinic", "location", "annexe", "--phone", "ask")
    assert isinstance(wrong.exception, AftercareError)
    assert wrong.exception.code == "invalid-number"
    assert (await said(house, "clinic", "location", "soho", "--remove")).output == "Removed soho of glow.\n"
    assert [one.id for one in await house.rows(Location)] == ["annexe"]
    refused = await said(house, "sender", "set", "sms")
    assert isinstance(refused.exception, AftercareError)
    assert refused.exception.code == "nothing-to-set"
