"""Coming in: a link works once, a session lasts half a day, and nobody is let in on another's behalf."""

from datetime import timedelta

import pytest

from service.console import sign_in_path
from service.errors import NotFound
from service.store.sign_ins import consume, issue_sign_in
from service.store.tables import Staff, core
from tests.console.conftest import House
from tests.support.seed import NOW

WAY_OUT = "aftercare clinic sign-in --clinic NAME"


async def test_looking_at_a_link_does_not_use_it_up(house: House) -> None:
    token, scanner, person = await house.link(), house.visitor(), house.visitor()
    for _ in range(3):
        assert (await scanner.get(sign_in_path(token))).status == 200
    answer = await person.sign_in(token)
    assert (answer.status, answer.headers["location"]) == (303, "/console")
    assert (await person.get("/console")).status == 200


async def test_a_link_lets_one_in_and_then_says_how_to_get_another(either_house: House) -> None:
    token = await either_house.link()
    await either_house.visitor().sign_in(token)
    late = either_house.visitor()
    answer = await late.post("/console/sign-in", token=token)
    assert answer.status == 410
    assert WAY_OUT in answer.text
    assert not late.cookies


@pytest.mark.parametrize("token", ["", "glow~made-up", "glow", "\x00~x", "~", "ü" * 50])
async def test_a_made_up_token_is_answered_like_a_used_one(either_house: House, token: str) -> None:
    answer = await either_house.visitor().post("/console/sign-in", token=token)
    assert answer.status == 410
    assert WAY_OUT in answer.text


async def test_a_link_ends_with_its_lifetime(either_house: House) -> None:
    token = await either_house.link()
    either_house.clock.now += timedelta(hours=1)
    assert (await either_house.visitor().post("/console/sign-in", token=token)).status == 410


async def test_a_huge_form_is_not_read(house: House) -> None:
    assert (await house.visitor().post("/console/sign-in", token="x" * 100_000)).status == 404


async def test_two_at_once_use_a_link_once(either_house: House) -> None:
    token = await either_house.link()
    async with either_house.database.write() as connection:
        first = await consume(connection, token, NOW)
        second = await consume(connection, token, NOW)
    assert first is not None
    assert (first.clinic, first.staff) == ("glow", "owner")
    assert second is None


async def test_a_link_for_nobody_is_refused(either_house: House) -> None:
    async with either_house.database.write() as connection:
        with pytest.raises(NotFound, match="nobody of that name"):
            await issue_sign_in(connection, "glow", "stranger", NOW, timedelta(hours=1))


async def test_without_a_session_every_page_leads_to_the_door(house: House) -> None:
    visitor = house.visitor()
    for address in ("/console", "/console/treatments", "/console/treatments/visit%20of%20Ada"):
        answer = await visitor.get(address)
        assert (answer.status, answer.headers["location"]) == (303, "/console/sign-in")
    assert WAY_OUT in (await visitor.get("/console/sign-in")).text


async def test_the_root_leads_to_the_console(house: House) -> None:
    assert (await house.visitor().get("/")).headers["location"] == "/console"


@pytest.mark.parametrize(
    ("public_url", "name", "marks"),
    [
        ("", "aftercare", {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"}),
        ("https://care.example", "__Host-aftercare", {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200", "Secure"}),
    ],
)
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    house: House, public_url: str, name: str, marks: set[str]
) -> None:
    house.public_url = public_url
    visitor = await house.signed_in()
    value, *attributes = visitor.set_cookie.split("; ")
    assert value.startswith(f"{name}=")
    assert set(attributes) == marks


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/sign-out"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
)
async def test_a_form_sent_from_elsewhere_is_refused(house: House, path: str, headers: dict[str, str]) -> None:
    token, visitor = await house.link(), await house.signed_in()
    before = dict(visitor.cookies)
    assert (await visitor.post(path, headers, token=token)).status == 403
    assert visitor.cookies == before


async def test_a_browser_that_names_only_its_origin_is_let_in(house: House) -> None:
    visitor, token = house.visitor(), await house.link()
    answer = await visitor.post("/console/sign-in", {"origin": "http://console.example"}, token=token)
    assert answer.status == 303
    assert visitor.cookies


async def test_signing_out_ends_the_session_in_this_browser(house: House) -> None:
    visitor = await house.signed_in()
    assert (await visitor.post("/console/sign-out")).headers["location"] == "/console/sign-in"
    assert (await visitor.get("/console")).status == 303


async def test_a_session_ends_after_twelve_hours(house: House) -> None:
    visitor = await house.signed_in()
    house.clock.now += timedelta(hours=12, seconds=-1)
    assert (await visitor.get("/console")).status == 200
    house.clock.now += timedelta(seconds=1)
    assert (await visitor.get("/console")).status == 303


async def test_someone_who_left_the_staff_is_out_at_once(house: House) -> None:
    visitor = await house.signed_in()
    staff = core(Staff)
    async with house.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM sign_in")
        await connection.execute(staff.delete().where(staff.c.clinic == "glow"))
    assert (await visitor.get("/console")).status == 303


async def test_a_changed_cookie_is_worthless(house: House) -> None:
    visitor = await house.signed_in()
    value = visitor.cookies["aftercare"]
    for changed in (value[:-1] + ("A" if value[-1] != "A" else "B"), value[1:], "", "x.y", value.split(".")[0]):
        visitor.cookies["aftercare"] = changed
        assert (await visitor.get("/console")).status == 303


async def test_keys_are_rotated_without_signing_anyone_out(house: House) -> None:
    visitor = await house.signed_in()
    house.keys = ["n" * 40, "k" * 40]
    renewed = house.visitor()
    renewed.cookies = visitor.cookies
    assert (await renewed.get("/console")).status == 200
    house.keys = ["n" * 40]
    gone = house.visitor()
    gone.cookies = visitor.cookies
    assert (await gone.get("/console")).status == 303
