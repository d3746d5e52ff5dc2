"""The preference page, on both databases: what a client chooses there holds, and only they take it back."""

from datetime import UTC, datetime
from typing import Any

from service.preview import preview
from service.store.attempts import suppress
from service.store.clinics import houses
from service.store.known import known_of
from service.store.tables import Client, Consent, Decision, Recipient, Reminder, Sender, core
from service.types import Email, Sms
from tests.dispatch.acting import TEN, change, on_sqlite, the
from tests.pages.visiting import KINDS, Clients, glow, token_of, visited
from tests.support.house import read, shipped, visit

ALL = ("care-sms", "care-email", "rebook-email")
"""What Ada gets: the switches that are on before she touches any."""
LATER = {"id": "e-2", "treatment__id": "visit-2", "time": "2026-11-21T09:00:00Z"}
CONSENT, CLIENT, RECIPIENT, REMINDER = core(Consent), core(Client), core(Recipient), core(Reminder)


async def said(clients: Clients) -> dict[str, tuple[bool, str]]:
    return {f"{row.purpose}-{row.medium}": (row.granted, row.source) for row in await clients.house.rows(Consent)}


async def the_client(clients: Clients) -> Any:
    (row,) = await clients.house.rows(Client)
    return row


async def test_what_is_switched_off_is_not_sent_and_no_event_switches_it_on_again(clients: Clients) -> None:
    token = await clients.opened_text()
    answer = await clients.reader().choose(token, "care-email", "rebook-email")
    assert (answer.status, answer.headers["location"]) == (303, f"{token}?done=saved")
    assert (await said(clients))["care-sms"] == (False, "client")

    again = visit(id="e-2", treatment__id="visit-2", time="2026-11-21T11:00:00Z", client__consent={"care": ["sms"]})
    still = visit(id="e-3", treatment__id="visit-3", time="2026-11-21T12:00:00Z", client__consent={"care": []})
    last = visit(id="e-4", treatment__id="visit-4", time="2026-11-21T13:00:00Z", client__consent={"care": ["sms"]})
    clients.house.clock.advance(hours=4)
    for event in (again, still, last):
        await clients.house.take(event)
    assert (await said(clients))["care-sms"] == (False, "client")
    clients.house.clock.advance(days=1)
    sent = await clients.take_and_send()
    assert sent == []
    assert {row.reason for row in await clients.house.rows(Reminder, REMINDER.c.purpose == "care")} >= {"no-consent"}

    await clients.reader().choose(token, *ALL)
    assert (await said(clients))["care-sms"] == (True, "client")


async def test_what_a_client_switched_on_the_clinic_may_note_as_withdrawn(clients: Clients) -> None:
    token = await clients.opened_text()
    await clients.reader().choose(token, *ALL, "review-email")
    assert (await said(clients))["review-email"] == (True, "client")
    no = visit(id="e-2", treatment__id="visit-2", time="2026-11-21T11:00:00Z", client__consent={"review": []})
    clients.house.clock.advance(hours=2)
    await clients.house.take(no)
    granted, source = (await said(clients))["review-email"]
    assert (granted, source) == (False, "event /pms/glow e-2")


async def test_saving_what_was_shown_agrees_to_nothing(clients: Clients) -> None:
    token = await clients.opened_text()
    before = await said(clients)
    assert (await clients.reader().choose(token, *ALL)).status == 303
    assert await said(clients) == before


async def test_stopping_everything_stops_everything(clients: Clients) -> None:
    token = await clients.opened_text()
    answer = await clients.reader().post(f"/p/{token}", [("stop", "everything")])
    assert answer.headers["location"] == f"{token}?done=stopped"
    assert await said(clients) == dict.fromkeys(KINDS, (False, "client"))
    clients.house.clock.advance(days=60)
    assert await clients.take_and_send() == []
    page = await clients.reader().get(f"/p/{token}?done=stopped")
    assert "You will get no more messages from Glow Clinic." in page.text
    assert " checked" not in page.text


async def test_who_stopped_everything_gets_nothing_under_another_name_either(clients: Clients) -> None:
    token = await clients.opened_text()
    await clients.reader().post(f"/p/{token}", [("stop", "everything")])
    other = visit(id="e-2", treatment__id="visit-2", client__ref="c-2")
    clients.house.clock.advance(days=1)
    assert await clients.take_and_send(other) == []
    await clients.reader().choose(token, *ALL)
    assert await clients.take_and_send(visit(id="e-3", treatment__id="visit-3", client__ref="c-2")) != []


async def test_a_chosen_language_is_written_in_whatever_events_say(clients: Clients) -> None:
    token = await clients.opened_text()
    reader = clients.reader()
    await reader.choose(token, *ALL, language="es")
    page = await reader.get(f"/p/{token}")
    assert (page.headers["content-language"], '<html lang="es">' in page.text) == ("es", True)
    clients.house.clock.advance(hours=2)
    event = visit(id="e-2", treatment__id="visit-2", treatment__ended_at="2026-11-20T12:00:00Z",
                  time="2026-11-21T11:00:00Z", client__locale="en")  # fmt: skip
    sent = await clients.take_and_send(event)
    texts = [one.message.text for one in sent if isinstance(one.message, Sms)]
    assert [text for text in texts if "Hola Ada" in text] == texts != []
    assert ((await the_client(clients)).locale, (await the_client(clients)).locale_chosen) == ("en", "es")


async def test_a_pause_skips_what_would_come_too_late_and_defers_the_rest(clients: Clients) -> None:
    token = await clients.opened_text()
    answer = await clients.reader().choose(token, *ALL, pause="2026-12-20")
    assert answer.status == 303
    assert (await the_client(clients)).paused_until == datetime(2026, 12, 20, tzinfo=UTC)
    assert "20 December 2026" in (await clients.reader().get(f"/p/{token}")).text, "as in its clinic's country"
    for day in (datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 12, 19, 12, tzinfo=UTC)):
        clients.house.clock.moment = day
        assert await clients.take_and_send() == []
    paused = await clients.house.rows(Reminder, REMINDER.c.reason == "client-paused")
    states = {(row.step, row.state) for row in paused}
    assert ("day-3-darker-spots", "skipped") in states
    assert {row.due_at for row in paused if row.state == "scheduled"} <= {datetime(2026, 12, 20, tzinfo=UTC)}
    assert {line.code for line in await clients.house.rows(Decision)} == {"client-paused"}
    assert 'value="2026-12-20"' in (await clients.reader().get(f"/p/{token}")).text


@on_sqlite
async def test_what_waits_for_a_pause_to_end_goes_out_when_it_is_ended_early(clients: Clients) -> None:
    letter = await clients.opened_letter("care")
    token = token_of(letter)
    await clients.reader().choose(token, *ALL, pause="2026-12-20")
    clients.house.clock.moment = datetime(2026, 12, 18, 10, tzinfo=UTC)
    assert await clients.take_and_send() == []
    nudge = await the(clients.house, "next-session", occurrence=0)
    assert (nudge.state, nudge.reason, nudge.due_at) == (
        "scheduled", "client-paused", datetime(2026, 12, 20, tzinfo=UTC),
    )  # fmt: skip
    clients.house.clock.advance(hours=3)
    await clients.reader().choose(token, *ALL, pause="")
    (lane,) = await clients.house.rows(Sender, core(Sender).c.id == nudge.sender)
    assert lane.next_due_at <= clients.house.clock()
    assert [one.message.subject for one in await clients.take_and_send() if isinstance(one.message, Email)] == [
        "It is a good time for your next session"
    ]


@on_sqlite
async def test_a_day_that_can_not_be_chosen_is_said_and_nothing_is_changed(clients: Clients) -> None:
    token = await clients.opened_text()
    answer = await clients.reader().choose(token, "care-email", pause="2026-11-21")
    assert answer.status == 422
    assert "Please choose a day from tomorrow on" in answer.text
    assert answer.text.count(" checked") == 1  # what was chosen with it is still there, to be sent again
    assert (await said(clients))["care-sms"] == (True, "event /pms/glow e-90211")


@on_sqlite
async def test_a_stop_by_phone_is_shown_with_the_way_back_and_can_not_be_lifted_here(clients: Clients) -> None:
    token = await clients.opened_text()
    async with clients.house.database.write() as connection:
        await suppress(connection, "glow", "sms", "+447400123456", reason="stop", now=TEN)
    page = await clients.reader().get(f"/p/{token}")
    assert "You stopped texts from us. To get them again, send START to +447400123400." in page.text
    assert 'value="care-sms"' not in page.text
    assert (await clients.reader().choose(token, *ALL, "review-sms")).status == 303
    (row,) = await clients.house.rows(Recipient, RECIPIENT.c.medium == "sms")
    assert row.suppressed_at is not None
    assert "review-sms" not in await said(clients)


@on_sqlite
async def test_a_sender_without_a_number_is_answered_by_reply(clients: Clients) -> None:
    token = await clients.opened_text()
    await change(clients.house, Client, {"sms_stopped_at": TEN})
    await change(clients.house, Sender, {"address": ""}, core(Sender).c.medium == "sms")
    assert "reply START to one of our texts" in (await clients.reader().get(f"/p/{token}")).text


async def test_the_owner_of_a_mailbox_lifts_its_suppression_by_a_link_that_came_there(clients: Clients) -> None:
    text, letter = await clients.opened_text(), token_of(await clients.opened_letter(**LATER))
    async with clients.house.database.write() as connection:
        await suppress(connection, "glow", "email", "ada@example.com", reason="spam-report", now=TEN)
    page = await clients.reader().get(f"/p/{text}")
    assert "To get them again, open the link at the foot of one of our emails" in page.text
    assert 'value="care-email"' not in page.text
    before = await said(clients)
    await clients.reader().choose(text, "care-sms", "care-email")
    (row,) = await clients.house.rows(Recipient, RECIPIENT.c.medium == "email")
    assert (row.suppressed_reason, (await said(clients))["care-email"]) == ("spam-report", before["care-email"])

    assert "Switch on what you would like to get again." in (await clients.reader().get(f"/p/{letter}")).text
    await clients.reader().choose(letter, "care-email")
    (row,) = await clients.house.rows(Recipient, RECIPIENT.c.medium == "email")
    assert (row.suppressed_at, row.suppressed_reason) == (None, "")
    found = await said(clients)
    assert (found["care-email"], found["rebook-email"]) == ((True, "client"), (False, "client"))


async def test_what_a_letter_unsubscribed_from_no_text_gives_back(clients: Clients) -> None:
    text, letter = await clients.opened_text(), token_of(await clients.opened_letter(**LATER))
    reader = clients.reader()
    await reader.post(f"/u/{letter}")
    page = await reader.get(f"/p/{text}")
    assert "Some of our emails were switched off from an email." in page.text
    assert ('value="rebook-email"' in page.text, 'value="care-email"' in page.text) == (False, True)
    await reader.post(f"/p/{text}", [("stop", "everything")])
    await reader.choose(text, *KINDS)
    assert (await said(clients))["rebook-email"] == (False, "client")
    await reader.choose(letter, *KINDS)
    assert (await said(clients))["rebook-email"] == (True, "client")
    assert "switched off from" not in (await reader.get(f"/p/{text}")).text


async def test_what_a_text_s_link_switches_off_by_email_any_link_switches_on(clients: Clients) -> None:
    text = await clients.opened_text()
    await clients.reader().choose(text, "care-sms")
    assert (await said(clients))["care-email"] == (False, "client")
    await clients.reader().choose(text, *ALL)
    assert (await said(clients))["care-email"] == (True, "client")


@on_sqlite
async def test_what_was_stopped_by_a_text_s_link_is_taken_back_for_each_address_by_its_own(clients: Clients) -> None:
    text, letter = await clients.opened_text(), token_of(await clients.opened_letter(**LATER))
    await clients.reader().post(f"/p/{text}", [("stop", "everything")])
    page = await clients.reader().get(f"/p/{letter}?done=stopped")
    assert "To get them again, send START to +447400123400." in page.text
    await clients.reader().choose(letter, *ALL)
    rows = await clients.house.rows(Recipient)
    assert {row.medium: row.suppressed_reason for row in rows} == {"sms": "stopped-on-page", "email": ""}


async def test_a_link_that_went_to_another_number_opens_nothing(clients: Clients) -> None:
    token = await clients.opened_text()
    await change(clients.house, Client, {"phone": "+447400123999"})
    before = await said(clients)
    for answer in (await clients.reader().get(f"/p/{token}"), await clients.reader().choose(token)):
        assert answer.status == 410
        assert "checkbox" not in answer.text
    assert await said(clients) == before
    assert "../p/" not in (await clients.reader().get(f"/a/{token}")).text


@on_sqlite
async def test_clients_of_one_number_choose_each_for_themselves(clients: Clients) -> None:
    token = await clients.opened_text()
    sister = visit(id="e-2", treatment__id="visit-2", client__ref="c-2", client__first_name="Grace")
    await clients.take_and_send(sister)
    await clients.reader().post(f"/p/{token}", [("stop", "everything")])
    refused = {row.client for row in await clients.house.rows(Consent) if not row.granted and row.source == "client"}
    assert refused == {"c-17"}
    assert [row.suppressed_at for row in await clients.house.rows(Recipient)] == [None, None]


async def test_one_clinic_s_link_says_nothing_of_another_s_client(kind: str, migrated_url: str) -> None:
    """The same reference, number and address at two clinics: two people as far as each of them knows."""
    async with visited(migrated_url, glow(), glow(id="blush", name="Blush Clinic")) as clients:
        token = await clients.opened_text()
        await clients.house.take(visit(), clinic="blush")
        await clients.reader().post(f"/p/{token}", [("stop", "everything")])
        others = await clients.house.rows(Consent, CONSENT.c.clinic == "blush")
        assert {row.source for row in others} == {"event /pms/glow e-90211"}
        assert "Blush" not in (await clients.reader().get(f"/p/{token}")).text


@on_sqlite
async def test_what_is_no_form_of_ours_changes_nothing(clients: Clients) -> None:
    token = await clients.opened_text()
    before = await said(clients), (await the_client(clients))
    broken = (b"on=care", b"shown=care-fax", b"pause=soon", b"language=tlh", b"\xff\xfe", b"x=1&" * 70, b"a" * 9000)
    for body in broken:
        answer = await clients.reader().post(f"/p/{token}", body)
        assert (answer.status, "That could not be read" in answer.text) == (400, True), body
    assert (await said(clients), (await the_client(clients))) == before


@on_sqlite
async def test_nobody_is_named(clients: Clients) -> None:
    token = await clients.opened_text()
    for path in (f"/p/{token}", f"/a/{token}", f"/u/{token}"):
        text = (await clients.reader().get(path)).text
        assert not any(hidden in text for hidden in ("Ada", "447400123456", "ada@example", "c-17", "visit-8812"))


@on_sqlite
async def test_a_preview_sees_what_was_chosen(clients: Clients) -> None:
    token = await clients.opened_text()
    await clients.reader().choose(token, "care-email", "rebook-email", language="es", pause="2026-12-01")
    now = clients.house.clock()
    event = read(
        visit(id="e-2", treatment__id="v-2", time="2026-11-21T11:00:00Z", client__consent={"care": ["sms", "email"]}),
        now,
    )
    async with clients.house.database.read() as connection:
        glow = (await houses(connection, ["glow"]))["glow"]
        known = await known_of(connection, "glow", clients=["c-17"], treatments=["v-2"], appointments=[],
                               events=[], addresses=[])  # fmt: skip
    found = {message.step: message for message in preview(event, glow, known, shipped(), now).messages}
    assert found["day-2-sensitivity-check"].held_back == "client-paused"
    results = found["day-30-results-check"]
    assert (results.medium, results.held_back, [note.code for note in results.notes]) == ("email", "", ["no-consent"])
    assert results.written is not None
    assert results.written.locale == "es"
