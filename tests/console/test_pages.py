"""The pages: what they say, whose they are, and what they allow a browser to do."""

import re
from datetime import timedelta
from typing import Any

import pytest

from service.errors import NotFound, Problem
from service.store import views
from service.store.tables import Attempt, Client, Reminder, Treatment, Wording, core
from service.types import Message
from tests.console.conftest import DAY, HOUR, Console
from tests.console.visitor import Answer, Visitor
from tests.support import seed
from tests.support.seed import ADA, NOW, Line, Person

ADAS_VISIT = "/console/treatments/visit%20of%20Ada"


def links(answer: Answer, to: str) -> list[str]:
    return re.findall(rf'href="({re.escape(to)}[^"?#]+)', answer.text)


async def opened(visitor: Visitor, words: str, address: str = "/console") -> Answer:
    """The page of the list's line that holds these words."""
    page = await visitor.get(address)
    line = next(part for part in page.text.split("<li ")[1:] if words in part)
    found = re.search(r'href="([^"]+)"', line)
    assert found is not None
    return await visitor.get(found[1].replace("&amp;", "&"))


async def test_the_first_page_lists_what_went_out_and_says_what_is_next(either_console: Console) -> None:
    page = (await (await either_console.signed_in()).get("/console")).text
    assert page.index("Day 1 sunscreen") < page.index("Same day aftercare")
    assert "in 23 hours" in page
    assert "Ada, day 2 sensitivity check" in page
    assert "1 in the next 24 hours" in page
    assert "Delivered" in page
    assert "In the outbox" in page


async def test_a_text_is_shown_word_for_word_with_its_local_time_and_length(console: Console) -> None:
    answer = await opened(await console.signed_in(), "Day 1 sunscreen")
    assert "Glow: hi Ada, this is your day 1 sunscreen note. Questions? Call 020 7946 0123." in answer.text
    assert "Sat 21 Nov, 10:42 in London" in answer.text
    assert "1 segment, 79 characters, GSM-7" in answer.text
    assert "+44 7400 123456" in answer.text


async def test_a_phone_shows_the_texts_before(either_console: Console) -> None:
    async with either_console.database.write() as connection:
        earlier = [Line(f"note-{number}", NOW - number * DAY, "sent", attempt="sent") for number in (2, 3, 4)]
        failed = Line("never-left", NOW - 2 * DAY, "failed", attempt="failed")
        await seed.add_treatment(connection, "glow", ADA, NOW - 5 * DAY, [*earlier, failed])
    thread = (await opened(await either_console.signed_in(), "Day 1 sunscreen")).text.split('class="thread"')[1]
    assert thread.index("note 3 note") < thread.index("note 2 note") < thread.index("day 1 sunscreen note")
    assert "note 4" not in thread
    assert "never left" not in thread.split("</figure>")[0]


async def test_a_letter_is_shown_with_its_subject_preview_and_pages_of_its_own(console: Console) -> None:
    visitor = await console.signed_in()
    answer = await opened(visitor, "Same day aftercare")
    assert "Glow: same day aftercare" in answer.text
    assert "A short note for Ada." in answer.text
    (frame,) = re.findall(r'<iframe[^>]* src="([^"]+)" sandbox="allow-same-origin"', answer.text)
    letter = await visitor.get(frame)
    assert "This is your same day aftercare letter." in letter.text
    assert '<head><base target="_blank">' in letter.text
    policy = letter.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-same-origin; default-src 'none'")
    assert "script" not in policy
    assert "frame-ancestors 'self'" in policy


async def test_a_text_has_no_letter(console: Console) -> None:
    visitor = await console.signed_in()
    (text,) = set(links(await visitor.get("/console?medium=sms"), "/console/messages/"))
    assert (await visitor.get(f"{text}/letter")).status == 404


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("", ["Day 1 sunscreen", "Same day aftercare"], ["Day 6 actives"]),
        ("?medium=sms", ["Day 1 sunscreen"], ["Same day aftercare"]),
        ("?medium=email", ["Same day aftercare"], ["Day 1 sunscreen"]),
        ("?show=coming", ["Day 2 sensitivity check", "Next session, 2nd time"], ["Day 1 sunscreen", "Day 6 actives"]),
        ("?show=coming&medium=email", ["Next session"], ["Day 2 sensitivity check<"]),
        ("?show=not-sent", ["Day 6 actives", "Its time was over."], ["Day 1 sunscreen"]),
        ("?show=not-sent&medium=email", ["Nothing was held back"], ["Day 6 actives"]),
    ],
)
async def test_the_list_shows_what_is_asked_for(
    console: Console, query: str, there: list[str], absent: list[str]
) -> None:
    page = (await (await console.signed_in()).get(f"/console{query}")).text
    listed = page.split('id="list"')[1].split('id="sheet"')[0]
    assert all(words in listed for words in there)
    assert not [words for words in absent if words in listed]


async def test_what_should_have_arrived_stands_before_what_did_not_apply(either_console: Console) -> None:
    async with either_console.database.write() as connection:
        states = ("cancelled", "undelivered", "needs_review", "expired", "failed")
        lines = [Line(f"{state}-note", NOW - DAY, state) for state in states]
        await seed.add_treatment(connection, "glow", ADA, NOW - 2 * DAY, lines)
    page = (await (await either_console.signed_in()).get("/console?show=not-sent")).text
    arrive, apply = page.split('id="list"')[1].split("Did not apply")
    assert all(words in arrive for words in ("Undelivered note", "Needs_review note", "Expired note", "Failed note"))
    assert all(words in apply for words in ("Cancelled note", "Day 6 actives"))


async def test_what_waits_for_a_sender_is_not_lost_sight_of(either_console: Console) -> None:
    reminder = core(Reminder)
    async with either_console.database.write() as connection:
        await connection.execute(reminder.update().where(reminder.c.medium == "email").values(sender=None))
    page = (await (await either_console.signed_in()).get("/console?show=coming")).text
    assert page.index("Day 2 sensitivity check") < page.index("Next session<") < page.index("Next session, 2nd time")


@pytest.mark.parametrize("query", ["?show=everything", "?medium=fax", "?before=soon"])
async def test_an_unknown_filter_is_a_page_that_does_not_exist(console: Console, query: str) -> None:
    assert (await (await console.signed_in()).get(f"/console{query}")).status == 404


async def test_long_lists_go_on_where_the_page_before_ended(either_console: Console) -> None:
    async with either_console.database.write() as connection:
        lines = [Line(f"note-{number}", NOW - number * HOUR, "sent", attempt="sent") for number in range(100)]
        await seed.add_treatment(connection, "glow", ADA, NOW - 5 * DAY, lines)
    visitor, address, found = await either_console.signed_in(), "/console?", list[str]()
    while address:
        page = await visitor.get(address)
        listed = page.text.split('id="list"')[1].split('id="sheet"')[0]
        found += re.findall(r'data-key="([^"]+)"', listed)
        older = re.search(r'href="([^"]+before=[^"]+)"', listed)
        address = older[1].replace("&amp;", "&") if older else ""
    assert len(found) == len(set(found)) == 102


async def test_a_reminder_to_come_says_when_and_that_its_words_come_later(console: Console) -> None:
    answer = await opened(await console.signed_in(), "Day 2 sensitivity check", "/console?show=coming")
    assert "In 23 hours" in answer.text
    assert "Sun 22 Nov, 10:42 in London" in answer.text
    assert "The words are put together when it is due" in answer.text
    assert "quiet hours and was put off, due on Sun 22 Nov, 10:42." in answer.text.replace("&#39;", "'")


async def test_a_skipped_reminder_says_why_in_a_sentence(console: Console) -> None:
    answer = await opened(await console.signed_in(), "Day 6 actives", "/console?show=not-sent")
    assert "Its time was over." in answer.text


async def test_a_reminder_that_was_sent_opens_its_message(console: Console) -> None:
    visitor = await console.signed_in()
    async with console.database.read() as connection:
        rows = (await views.plans(connection, "glow", ["visit of Ada"]))["visit of Ada"]
    sent = next(row for row in rows if row.step == "day-1-sunscreen")
    assert (
        "hi Ada, this is your day 1 sunscreen note" in (await visitor.get(f"/console/reminders/{sent.reminder}")).text
    )


async def test_treatments_are_listed_with_their_next_message(console: Console) -> None:
    page = (await (await console.signed_in()).get("/console/treatments")).text
    assert "Micro-needling, cheeks" in page
    assert "Session\xa02\xa0of\xa04" in page
    assert "Day 2 sensitivity check" in page
    assert page.count("<circle") == 1 + 6 + 3  # the line of one treatment, and the mark


async def test_treatments_go_on_where_the_page_before_ended(either_console: Console) -> None:
    async with either_console.database.write() as connection:
        for number in range(35):
            await seed.add_treatment(connection, "glow", ADA, NOW - number * HOUR, [], id=f"many {number}")
    visitor = await either_console.signed_in()
    first = await visitor.get("/console/treatments")
    (older,) = re.findall(r'href="([^"]+before=[^"]+)"', first.text)
    second = await visitor.get(older)
    found = [*links(first, "/console/treatments/"), *links(second, "/console/treatments/")]
    assert len(found) == len(set(found)) == 36


async def test_a_plan_is_a_line_with_its_dates_states_and_reasons(either_console: Console) -> None:
    page = (await (await either_console.signed_in()).get(ADAS_VISIT)).text
    line = page.split('id="line"')[1].split("</ol>")[0]
    order = ["The visit ended", "Same day aftercare", "Day 1 sunscreen", "Today", "Day 2 sensitivity", "Day 6 actives"]
    places = [line.index(words) for words in order]
    assert places == sorted(places)
    assert "Fri 20 Nov, 10:42 in London" in line
    assert "Its time was over." in line
    assert "Skipped" in line
    assert "hi Ada, this is your day 1 sunscreen note" in page  # the latest that went out is open


async def test_a_step_on_the_line_opens_its_message(console: Console) -> None:
    visitor = await console.signed_in()
    page = (await visitor.get(ADAS_VISIT)).text
    link = re.search(r'href="([^"]+#sheet)" data-open>(?:(?!</a>).)*Same day aftercare', page, re.DOTALL)
    assert link is not None
    sheet = (await visitor.get(link[1].partition("#")[0])).text.split('id="sheet"')[1]
    assert "Glow: same day aftercare" in sheet


@pytest.mark.parametrize("identity", ["visit/7 & 8", "Besuch #1?", "50%", "🙂", "a/b/c"])
async def test_a_clinics_own_ids_may_hold_anything(console: Console, identity: str) -> None:
    async with console.database.write() as connection:
        await seed.add_treatment(connection, "glow", ADA, NOW + HOUR, [], id=identity)
    visitor = await console.signed_in()
    first = links(await visitor.get("/console/treatments"), "/console/treatments/")[0]
    assert "No messages for this visit" in (await visitor.get(first)).text


async def test_visits_that_no_protocol_covers_are_listed_with_their_code(either_console: Console) -> None:
    async with either_console.database.write() as connection:
        for number in range(3):
            await seed.add_treatment(
                connection, "glow", ADA, NOW - number * DAY, [], id=f"odd {number}", protocol="MN-90", state="unmapped"
            )
    visitor = await either_console.signed_in()
    page = (await visitor.get("/console/treatments")).text
    assert "<code>MN-90</code> 3 visits, the latest Sat 21 Nov" in page
    assert "odd%20" not in page
    assert "<code>MN-90</code>, which no protocol covers" in (await visitor.get("/console/treatments/odd%200")).text


async def test_a_new_clinic_reads_what_to_do_first(either_console: Console) -> None:
    async with either_console.database.write() as connection:
        await seed.add_clinic(connection, "fresh", "Fresh Clinic")
    visitor = await either_console.signed_in("fresh")
    home = (await visitor.get("/console")).text
    assert "Nothing is waiting to go out" in home
    assert "Nothing has gone out yet" in home
    assert "Nothing is waiting" in (await visitor.get("/console?show=coming")).text
    assert "No treatments yet" in (await visitor.get("/console/treatments")).text


async def test_one_message_that_cannot_be_shown_spoils_no_page(console: Console) -> None:
    def no_texts(attempt: Any, wording: Any) -> Message:
        if attempt.medium == "sms":
            raise NotFound(Problem("values-gone", "", "erased"))
        return seed.show(attempt, wording)

    console.show = no_texts
    visitor = await console.signed_in()
    answer = await opened(visitor, "Day 1 sunscreen")
    assert "This text can no longer be shown." in answer.text
    assert "Glow: same day aftercare" in answer.text


async def test_a_message_whose_words_are_gone_says_so(console: Console) -> None:
    wording = core(Wording)
    async with console.database.write() as connection:
        await connection.execute(wording.delete().where(wording.c.clinic == "glow"))
    visitor = await console.signed_in()
    assert "This letter can no longer be shown." in (await opened(visitor, "Same day aftercare")).text


async def test_what_clients_and_clinics_wrote_is_text_never_markup(console: Console) -> None:
    evil = Person("<b>ref</b>", "<script>alert(1)</script>")
    async with console.database.write() as connection:
        line = Line("day-1-sunscreen", NOW - HOUR, "captured", attempt="captured")
        area = '"><img src=x onerror=alert(1)>'
        await seed.add_treatment(connection, "glow", evil, NOW - DAY, [line], id="'><svg onload=1>", area=area)
    visitor = await console.signed_in()
    pages = [await visitor.get("/console"), await visitor.get("/console/treatments")]
    pages += [await visitor.get(links(pages[0], "/console/messages/")[0])]
    pages += [await visitor.get(links(pages[1], "/console/treatments/")[0])]
    for page in pages:
        assert page.status == 200
        assert "&lt;script&gt;" in page.text
        assert not re.search(r"<script>|<b>ref|<img|<svg onload", page.text)


async def everything_of(console: Console, clinic: str) -> list[str]:
    """The address of every page about something of this clinic."""
    found = []
    async with console.database.read() as connection:
        for table, column, form in (
            (core(Attempt), "id", "/console/messages/{}"),
            (core(Attempt), "id", "/console/messages/{}/letter"),
            (core(Reminder), "id", "/console/reminders/{}"),
            (core(Treatment), "id", "/console/treatments/{}"),
        ):
            rows = await connection.execute(table.select().where(table.c.clinic == clinic))
            found += [form.format(getattr(row, column)).replace(" ", "%20") for row in rows]
    return found


async def test_another_clinics_things_are_as_unknown_as_what_does_not_exist(either_console: Console) -> None:
    stranger = await either_console.signed_in("blush")
    unknown = await stranger.get("/console/nothing/here")
    assert unknown.status == 404
    addresses = await everything_of(either_console, "glow")
    assert len(addresses) == 2 + 2 + 6 + 1
    for address in addresses:
        answer = await stranger.get(address)
        assert (answer.status, answer.text) == (404, unknown.text), address


async def test_lists_hold_only_what_is_the_clinics_own(either_console: Console) -> None:
    stranger = await either_console.signed_in("blush")
    shelves = ("/console", "/console?show=coming", "/console?show=not-sent", "/console/treatments")
    for address in shelves:
        page = (await stranger.get(address)).text
        assert "Bea" in page, address
        assert "Ada" not in page
        assert "c-17" not in page


async def test_another_clinics_reminder_or_message_is_no_place_to_start_from(console: Console) -> None:
    stranger = await console.signed_in("blush")
    theirs = [address.rpartition("/")[2] for address in await everything_of(console, "glow")]
    for identity in theirs:
        for address in (f"/console/treatments/visit%20of%20Bea?reminder={identity}", f"/console?before={identity}"):
            answer = await stranger.get(address)
            assert "Ada" not in answer.text
    reminder = next(address for address in await everything_of(console, "glow") if "reminders" in address)
    identity = reminder.rpartition("/")[2]
    assert (await stranger.get(f"/console/treatments/visit%20of%20Bea?reminder={identity}")).status == 404


@pytest.mark.parametrize(
    "address",
    [
        "/console/nothing",
        "/console/messages/12",
        "/console/messages/00000000-0000-0000-0000-000000000000",
        "/console/reminders/00000000-0000-0000-0000-000000000000",
        "/console/treatments/no-such-visit",
        "/console/static/secrets.txt",
    ],
)
async def test_what_does_not_exist_is_the_same_page(console: Console, address: str) -> None:
    answer = await (await console.signed_in()).get(address)
    assert answer.status == 404
    assert "Nothing here" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("address", ["/console/treatments/a%00b", "/console/treatments?before=%00"])
async def test_a_nul_is_never_asked_of_the_database(either_console: Console, address: str) -> None:
    assert (await (await either_console.signed_in()).get(address)).status == 404


async def test_a_failure_of_ours_shows_nothing_of_what_it_met(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object, **__: object) -> Any:
        raise RuntimeError("row of Ada +447400123456")

    visitor = await console.signed_in()
    monkeypatch.setattr(views, "messages", broken)
    answer = await visitor.get("/console")
    assert answer.status == 500
    assert "Something broke on our side" in answer.text
    assert "Ada" not in answer.text + "".join(capsys.readouterr())


async def test_a_database_that_cannot_answer_asks_for_patience(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> Any:
        raise ConnectionError

    visitor = await console.signed_in()
    monkeypatch.setattr(views, "messages", broken)
    assert (await visitor.get("/console")).status == 503


async def test_every_page_forbids_what_it_does_not_need(console: Console) -> None:
    visitor = await console.signed_in()
    addresses = ("/console", "/console/treatments", ADAS_VISIT, "/console/nothing", "/console/sign-in?token=x")
    for address in addresses:
        answer = await visitor.get(address)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)", answer.text), address


async def test_styles_are_kept_by_browsers_until_they_change(console: Console) -> None:
    visitor = console.visitor()
    page = (await visitor.get("/console/sign-in")).text
    for address in re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page):
        kept = await visitor.get(address)
        assert kept.status == 200
        assert "immutable" in kept.headers["cache-control"]
        assert (await visitor.get(address.partition("?")[0])).headers["cache-control"] == "no-cache"


async def test_times_are_the_clients_own(console: Console) -> None:
    rosa = Person("c-5", "Rosa", zone="America/New_York")
    client = core(Client)
    async with console.database.write() as connection:
        line = Line("day-1-sunscreen", NOW - HOUR, "captured", attempt="captured")
        await seed.add_treatment(connection, "glow", rosa, NOW - DAY, [line], id="ny", location="ny")
        await connection.execute(client.update().where(client.c.ref == "c-5").values(time_zone=""))
    visitor = await console.signed_in()
    assert "05:42 <span>New York</span>" in (await visitor.get("/console")).text
    assert "Fri 20 Nov, 06:42 in New York" in (await visitor.get("/console/treatments/ny")).text


async def test_the_newest_comes_first_when_time_goes_on(console: Console) -> None:
    console.clock.now += timedelta(days=1)
    visitor = await console.signed_in()
    async with console.database.write() as connection:
        line = Line("day-2-note", console.clock.now, "captured", attempt="captured")
        await seed.add_treatment(connection, "glow", ADA, NOW, [line])
    page = (await visitor.get("/console")).text
    listed = page.split('id="list"')[1]
    assert listed.index("Day 2 note") < listed.index("Day 1 sunscreen")
    assert listed.index(">Today<") < listed.index("Day 2 note") < listed.index(">Yesterday<")
