"""Unsubscribing by a mail program's one click (RFC 8058), and by the page's button."""

from service.store.attempts import suppress
from service.store.tables import Attempt, Client, Consent, Recipient, core
from service.types import Email
from tests.dispatch.acting import TEN, change, on_sqlite
from tests.pages.visiting import BASE, Clients, path_of, token_of
from tests.support.house import visit

CONSENT, RECIPIENT = core(Consent), core(Recipient)
FORM = "application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"
AS_PARTS = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


async def refused(clients: Clients) -> set[tuple[str, str, str]]:
    rows = await clients.house.rows(Consent, CONSENT.c.source == "client")
    return {(row.purpose, row.medium, str(row.granted)) for row in rows}


@on_sqlite
async def test_letters_that_suggest_something_carry_the_address_and_care_letters_do_not(clients: Clients) -> None:
    care = await clients.opened_letter("care")
    clients.house.clock.advance(days=27)
    (nudge,) = await clients.take_and_send()
    assert nudge.unsubscribe_url == f"{BASE}/u/{token_of(nudge)}"
    assert not care.unsubscribe_url
    assert isinstance(care.message, Email)
    assert f"{BASE}/p/{token_of(care)}" in care.message.html
    assert f"{BASE}/p/{token_of(care)}" in care.message.text


async def test_one_click_acts_at_once_without_a_page_or_a_question(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    path = path_of(letter.unsubscribe_url)
    for body, kind in ((AS_PARTS, "multipart/form-data; boundary=x"), (ONE_CLICK, FORM), (b"", "")):
        answer = await clients.reader().post(path, body, **{"content-type": kind})
        assert answer.status == 200
        assert await refused(clients) == {("rebook", "email", "False")}
    again = visit(id="e-2", treatment__id="visit-2", time="2026-12-18T12:00:00Z", client__consent={"rebook": ["email"]})
    await clients.house.take(again)
    assert await refused(clients) == {("rebook", "email", "False")}


@on_sqlite
async def test_looking_changes_nothing(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    for method in ("GET", "HEAD"):
        for page in "apu":
            answer = await clients.reader().get(f"/{page}/{token_of(letter)}", method)
            assert answer.status == 200
    assert await refused(clients) == set()


@on_sqlite
async def test_the_page_has_a_button_and_says_what_it_did(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    path = path_of(letter.unsubscribe_url)
    asked = await clients.reader().get(path)
    assert f'<form method="post" action="{token_of(letter)}">' in asked.text
    assert "Then Glow Clinic will send you no more emails about “Your next visit”." in asked.text
    done = await clients.reader().post(path, [("List-Unsubscribe", "One-Click")])
    assert "Glow Clinic sends you no more emails about “Your next visit”." in done.text
    assert f'href="../p/{token_of(letter)}"' in done.text


async def test_from_a_mailbox_that_is_no_longer_the_client_s_only_that_mailbox_is_silenced(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    await change(clients.house, Client, {"email": "grace@example.com"})
    answer = await clients.reader().post(path_of(letter.unsubscribe_url), ONE_CLICK)
    assert answer.status == 200
    assert "../p/" not in answer.text
    assert await refused(clients) == set()
    (row,) = await clients.house.rows(Recipient, RECIPIENT.c.medium == "email")
    assert (row.address, row.suppressed_reason) == ("ada@example.com", "unsubscribed")


@on_sqlite
async def test_unsubscribing_leaves_a_stop_as_it_is(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    async with clients.house.database.write() as connection:
        await suppress(connection, "glow", "email", "ada@example.com", reason="spam-report", now=TEN)
    await clients.reader().post(path_of(letter.unsubscribe_url), ONE_CLICK)
    (row,) = await clients.house.rows(Recipient, RECIPIENT.c.medium == "email")
    assert row.suppressed_reason == "spam-report"


@on_sqlite
async def test_an_overlong_post_is_refused_unread(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    answer = await clients.reader().post(path_of(letter.unsubscribe_url), b"x" * 20_000)
    assert answer.status == 400
    assert await refused(clients) == set()


@on_sqlite
async def test_an_old_letter_still_unsubscribes_when_it_is_forgotten_where_it_went(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    await change(clients.house, Attempt, {"recipient": "", "pinned": {}})
    assert (await clients.reader().post(path_of(letter.unsubscribe_url), ONE_CLICK)).status == 200
    assert await refused(clients) == {("rebook", "email", "False")}
