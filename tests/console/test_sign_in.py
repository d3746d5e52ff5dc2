"""Coming in: a link works once, a session lasts half a day, and nobody is let in on another's behalf."""

from datetime import timedelta

import pytest

from service.console.address import sign_in_path
from service.errors import NotFound
from service.store.sign_ins import consume, issue_sign_in
from service.store.tables import Staff, core
from tests.console.conftest import Console
from tests.support.seed import NOW

WAY_OUT = "aftercare clinic sign-in --clinic NAME"


async def test_looking_at_a_link_does_not_use_it_up(console: Console) -> None:
    token, scanner, person = await console.link(), console.visitor(), console.visitor()
    for _ in range(3):
        assert (await scanner.get(sign_in_path(token))).status == 200
    answer = await person.sign_in(token)
    assert (answer.status, answer.headers["location"]) == (303, "/console")
    assert (await person.get("/console")).status == 200


async def test_a_link_lets_one_in_and_then_says_how_to_get_another(either_console: Console) -> None:
    token = await either_console.link()
    await either_console.visitor().sign_in(token)
    late = either_console.visitor()
    answer = await late.post("/console/sign-in", token=token)
    assert answer.status == 410
    assert WAY_OUT in answer.text
    assert not late.cookies


@pytest.mark.parametrize("token", ["", "glow~made-up", "glow", "\x00~x", "~", "ü" * 50])
async def test_a_made_up_token_is_answered_like_a_used_one(either_console: Console, token: str) -> None:
    answer = await either_console.visitor().post("/console/sign-in", token=token)
    assert answer.status == 410
    assert WAY_OUT in answer.text


async def test_a_link_ends_with_its_lifetime(either_console: Console) -> None:
    token = await either_console.link()
    either_console.clock.now += timedelta(hours=1)
    assert (await either_console.visitor().post("/console/sign-in", token=token)).status == 410


async def test_a_huge_form_is_not_read(console: Console) -> None:
    assert (await console.visitor().post("/console/sign-in", token="x" * 100_000)).status == 404


async def test_two_at_once_use_a_link_once(either_console: Console) -> None:
    token = await either_console.link()
    async with either_console.database.write() as connection:
        first = await consume(connection, token, NOW)
        second = await consume(connection, token, NOW)
    assert first is not None
    assert (first.clinic, first.staff) == ("glow", "owner")
    assert second is None


async def test_a_link_for_nobody_is_refused(either_console: Console) -> None:
    async with either_console.database.write() as connection:
        with pytest.raises(NotFound, match="nobody of that name"):
            await issue_sign_in(connection, "glow", "stranger", NOW, timedelta(hours=1))


async def test_a_guess_waits_for_no_turn_at_writing(console: Console) -> None:
    visitor = console.visitor()
    async with console.database.write():
        for guess in ("", "glow~guess", "glow~\x00", "\x00"):
            assert (await visitor.post("/console/sign-in", token=guess)).status == 410


async def test_without_a_session_every_page_leads_to_the_door(console: Console) -> None:
    visitor = console.visitor()
    for address in ("/console", "/console/treatments", "/console/treatments/visit%20of%20Ada"):
        answer = await visitor.get(address)
        assert (answer.status, answer.headers["location"]) == (303, "/console/sign-in")
    assert WAY_OUT in (await visitor.get("/console/sign-in")).text


async def test_the_root_leads_to_the_console(console: Console) -> None:
    assert (await console.visitor().get("/")).headers["location"] == "/console"


@pytest.mark.parametrize(
    ("public_url", "name", "marks"),
    [
        ("", "aftercare", {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"}),
        ("https://care.example", "__Host-aftercare", {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200", "Secure"}),
    ],
)
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    console: Console, public_url: str, name: str, marks: set[str]
) -> None:
    console.public_url = public_url
    visitor = await console.signed_in()
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
async def test_a_form_sent_from_elsewhere_is_refused(console: Console, path: str, headers: dict[str, str]) -> None:
    token, visitor = await console.link(), await console.signed_in()
    before = dict(visitor.cookies)
    assert (await visitor.post(path, headers, token=token)).status == 403
    assert visitor.cookies == before


async def test_a_browser_that_names_only_its_origin_is_let_in(console: Console) -> None:
    visitor, token = console.visitor(), await console.link()
    answer = await visitor.post("/console/sign-in", {"origin": "http://console.example"}, token=token)
    assert answer.status == 303
    assert visitor.cookies


async def test_who_signs_out_is_out_with_every_copy_of_the_cookie_and_may_come_in_again(console: Console) -> None:
    visitor = await console.signed_in()
    copy = console.visitor()
    copy.cookies |= visitor.cookies
    assert (await copy.get("/console")).status == 200
    assert (await visitor.post("/console/sign-out")).headers["location"] == "/console/sign-in"
    assert (await visitor.get("/console")).status == 303
    assert (await copy.get("/console")).status == 303
    console.clock.now += timedelta(seconds=1)
    assert (await (await console.signed_in()).get("/console")).status == 200


async def test_who_is_given_a_name_that_somebody_had_inherits_no_session(console: Console) -> None:
    visitor = await console.signed_in()
    staff = core(Staff)
    console.clock.now += timedelta(minutes=1)
    async with console.database.write() as connection:
        await connection.execute(staff.update().where(staff.c.clinic == "glow").values(created_at=console.clock.now))
    assert (await visitor.get("/console")).status == 303


async def test_a_session_ends_after_twelve_hours(console: Console) -> None:
    visitor = await console.signed_in()
    console.clock.now += timedelta(hours=12, seconds=-1)
    assert (await visitor.get("/console")).status == 200
    console.clock.now += timedelta(seconds=1)
    assert (await visitor.get("/console")).status == 303


async def test_someone_who_left_the_staff_is_out_at_once(console: Console) -> None:
    visitor = await console.signed_in()
    staff = core(Staff)
    async with console.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM sign_in")
        await connection.execute(staff.delete().where(staff.c.clinic == "glow"))
    assert (await visitor.get("/console")).status == 303


async def test_a_changed_cookie_is_worthless(console: Console) -> None:
    visitor = await console.signed_in()
    value = visitor.cookies["aftercare"]
    for changed in (value[:-1] + ("A" if value[-1] != "A" else "B"), value[1:], "", "x.y", value.split(".")[0]):
        visitor.cookies["aftercare"] = changed
        assert (await visitor.get("/console")).status == 303


async def test_keys_are_rotated_without_signing_anyone_out(console: Console) -> None:
    visitor = await console.signed_in()
    console.keys = ["n" * 40, "k" * 40]
    renewed = console.visitor()
    renewed.cookies = visitor.cookies
    assert (await renewed.get("/console")).status == 200
    console.keys = ["n" * 40]
    gone = console.visitor()
    gone.cookies = visitor.cookies
    assert (await gone.get("/console")).status == 303
