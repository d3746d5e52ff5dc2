"""The pages about words: what is live, what waits, what is held or captured; and an owner who confirms a protocol."""

import re

import pytest

from service.authoring import Change
from service.authoring.reviews import reviews
from service.store import templates as store
from service.store.tables import Staff, StaffAddress, StaffMessage, core
from service.store.templates import TemplateKey
from service.types import Medium
from tests.console.conftest import Console, authors_of
from tests.console.visitor import FROM_HERE, Answer, Visitor
from tests.support.seed import NOW

BOOK = "/console/words/microneedling"
ONE = f"{BOOK}?locale=en&step=day-1-sunscreen&medium=sms"
KEY = TemplateKey("microneedling", "day-1-sunscreen", Medium.SMS, "en")
OURS = "{{ clinic.name }}: sunscreen, {{ client.first_name | default: 'you' }}. Call {{ location.urgent_phone }}"
FORM = {"locale": "en", "step": "day-1-sunscreen", "medium": "sms"}


async def drafted(console: Console) -> int:
    return (await authors_of(console.database).book.save("glow", KEY, OURS, Change("Grace")))[0]


async def role(console: Console, name: str) -> None:
    async with console.database.write() as connection:
        await connection.execute(core(Staff).update().values(role=name))


async def follow(visitor: Visitor, answer: Answer) -> Answer:
    assert answer.status == 303
    return await visitor.get(answer.headers["location"])


async def test_an_owner_confirms_a_protocol_in_a_language(console: Console) -> None:
    visitor = await console.signed_in()
    assert "Its messages in Spanish are kept in the outbox" in (await visitor.get(BOOK + "?locale=es")).text
    nameless = await visitor.post(BOOK + "/confirm", locale="es", clinician="Dr Lee", reader=" ")
    assert (nameless.status, "say who has read them" in nameless.text) == (422, True)
    page = await follow(visitor, await visitor.post(BOOK + "/confirm", locale="es", clinician="Dr Lee", reader="Inés"))
    assert "Confirmed in Spanish by Dr Lee, read by Inés" in page.text
    assert [(row.protocol, row.locale) for row in await reviews(console.database, "glow")] == [("microneedling", "es")]
    assert await reviews(console.database, "blush") == []
    assert "Spanish confirmed" in (await visitor.get("/console/words")).text


@pytest.mark.parametrize(
    ("name", "act", "status"), [("editor", "confirm", 403), ("editor", "hold", 303), ("viewer", "hold", 403)]
)
async def test_only_those_may_act_whose_role_says_so(console: Console, name: str, act: str, status: int) -> None:
    visitor = await console.signed_in()
    await role(console, name)
    answer = await visitor.post(f"{BOOK}/{act}", FROM_HERE, **FORM, clinician="a", reader="b")
    assert answer.status == status
    assert ('<form method="post" action="/console/words' in (await visitor.get(ONE)).text) is (name != "viewer")


async def test_a_draft_is_shown_beside_what_is_sent_which_changes_nothing(console: Console) -> None:
    number = await drafted(console)
    visitor = await console.signed_in()
    assert "1 draft waits" in (await visitor.get("/console/words")).text
    page = await visitor.get(ONE)
    assert "adequate sunscreen" in page.text
    assert "Draft 1 waits" in page.text
    async with console.database.read() as connection:
        assert not await store.was_seen(connection, "glow", KEY, number)
    assert "sunscreen, you." in (await visitor.get(ONE + "&draft=1&sample=no%20first%20name")).text
    async with console.database.read() as connection:
        assert not await store.was_seen(connection, "glow", KEY, number)


async def test_a_message_is_held_and_let_go_with_all_that_held_it(console: Console) -> None:
    visitor = await console.signed_in()
    page = await follow(visitor, await visitor.post(BOOK + "/hold", FROM_HERE, **FORM))
    assert "Let it go out again" in page.text
    what = {"protocol": KEY.protocol, "step": KEY.step, "medium": "", "locale": ""}
    await authors_of(console.database).book.hold("glow", what, Change("Grace"))
    assert "1 held" not in (await visitor.get("/console/words")).text  # both media and languages are
    page = await follow(visitor, await visitor.post(BOOK + "/release", FROM_HERE, **FORM))
    assert "Stop sending this one" in page.text
    assert await authors_of(console.database).book.holds("glow") == []


async def test_staff_send_themselves_a_test_once_their_number_is_confirmed(console: Console) -> None:
    visitor = await console.signed_in()
    assert "Send me a test" not in (await visitor.get(ONE)).text
    assert "has confirmed no phone number yet" in (await visitor.post(BOOK + "/test", FROM_HERE, **FORM)).text
    async with console.database.write() as connection:
        row = {"clinic": "glow", "staff": "owner", "medium": "sms", "address": "+447400123411", "confirmed_at": NOW}
        await connection.execute(core(StaffAddress).insert().values(**row, proof="sent", code_digest="", code_tries=0))
    assert "Send me a test" in (await visitor.get(ONE)).text
    page = await follow(visitor, await visitor.post(BOOK + "/test", FROM_HERE, **FORM, sample="long name"))
    assert "A test is on its way to you." in page.text
    assert "TEST: Glow Skin Clinic: Hi Maximiliana" in (await visitor.get("/console/words")).text
    async with console.database.read() as connection:
        (message,) = await connection.execute(core(StaffMessage).select())
    assert (message.recipient, message.asked_by) == ("+447400123411", "staff:owner")


async def test_a_letter_is_a_page_of_its_own(console: Console) -> None:
    visitor = await console.signed_in()
    letter = await visitor.get(ONE.replace("?", "/letter?").replace("sms", "email"))
    assert "script" not in letter.headers["content-security-policy"]
    assert "Dear Ada," in letter.text
    for path in (ONE.replace("?", "/letter?"), "/console/words/nothing", BOOK + "/letter?step=x&medium=email"):
        assert (await visitor.get(path)).status == 404
    assert "There is no such message." in (await visitor.get(BOOK + "?step=x&medium=sms")).text
    assert (await visitor.post(BOOK + "/shout", FROM_HERE, **FORM)).status == 404
    assert (await visitor.post(BOOK + "/hold", {}, **FORM)).status == 403


async def test_what_was_sent_before_is_looked_at_and_sent_again_and_so_are_the_shipped_words(console: Console) -> None:
    book = authors_of(console.database).book
    for number, words in ((0, OURS), (2, OURS + " Kindly.")):
        await book.save("glow", KEY, words, Change("Grace", based_on=number))
        await book.publish("glow", KEY, number + 1, Change("Grace", "softer", based_on=number + 1), shown=True)
    visitor = await console.signed_in()
    page = await visitor.get(ONE)
    assert ("Sent before" in page.text, "Version 2</a>" in page.text, "softer" in page.text) == (True, True, True)
    assert "Send these words again" not in page.text
    page = await visitor.get(ONE + "&version=2")
    assert re.search(r'name="number" value="2"><input type="hidden" name="newest" value="4"', page.text)
    assert ("Kindly." in page.text, "scheduled reminders go out in other words then" in page.text) == (False, True)
    late = await visitor.post(BOOK + "/restore", FROM_HERE, **FORM, newest="3", number="2")
    assert (late.status, "version 4 by Grace is newer" in late.text) == (412, True)
    page = await follow(visitor, await visitor.post(BOOK + "/restore", FROM_HERE, **FORM, newest="4", number="2"))
    assert "These words are sent again from now on." in page.text
    assert "5 is sent" in page.text
    assert "adequate sunscreen" in (await visitor.get(ONE + "&version=0")).text
    page = await follow(visitor, await visitor.post(BOOK + "/restore", FROM_HERE, **FORM, newest="5", number="0"))
    assert ("As shipped" in page.text, "again as in version 2" in page.text) == (True, True)
    async with console.database.read() as connection:
        assert [row.kind for row in await store.history_of(connection, "glow", KEY)][:2] == ["restored", "restored"]
    for form in ({"newest": "6"}, {"newest": "6", "number": "99"}):
        assert (await visitor.post(BOOK + "/restore", FROM_HERE, **FORM, **form)).status == 404
    assert (await visitor.get(ONE + "&version=99")).status == 404
    await role(console, "viewer")
    assert (await visitor.post(BOOK + "/restore", FROM_HERE, **FORM, newest="6", number="2")).status == 403
    assert "Send these words again" not in (await visitor.get(ONE + "&version=2")).text


async def test_words_are_written_accepted_and_published_from_the_page(console: Console) -> None:
    visitor = await console.signed_in()
    assert "{{ location.urgent_phone }}</textarea>" in (await visitor.get(ONE + "&write=1")).text
    wrong = await visitor.post(BOOK + "/save", FROM_HERE, **FORM, newest="0", source="Hi\r\n{{ client.frist_name }}!")
    assert wrong.status == 422
    assert "Line 2, column 4: there is no field client.frist_name; did you mean client.first_name?" in wrong.text
    assert "{{ client.frist_name }}!</textarea>" in wrong.text
    costly = OURS.replace("sunscreen", "“sunscreen”")
    page = await follow(visitor, await visitor.post(BOOK + "/save", FROM_HERE, **FORM, newest="0", source=costly))
    assert "turns this text into Unicode" in page.text
    early = await visitor.post(BOOK + "/publish", FROM_HERE, **FORM, newest="1", number="1")
    assert (early.status, "save them again with these warnings accepted" in early.text) == (422, True)
    page = await follow(visitor, await visitor.post(BOOK + "/accept", FROM_HERE, **FORM, newest="1"))
    assert "1 scheduled reminder goes" not in page.text
    assert "0 scheduled reminders go out in these words then." in page.text
    late = await visitor.post(BOOK + "/save", FROM_HERE, **FORM, newest="1", source=OURS)
    assert (late.status, "version 2 by owner is newer" in late.text) == (412, True)
    assert "Version 2 by owner</h3>" in late.text
    assert "“sunscreen”" in late.text.partition("<pre")[2], "the newer one beside the text typed"
    assert OURS.partition("'")[0] in late.text.partition("</textarea>")[0]
    based_on = re.findall(r'action="/console/words/microneedling/save">.*?name="newest" value="(\d+)"', late.text, re.S)
    again = await visitor.post(BOOK + "/save", FROM_HERE, **FORM, newest=based_on[0], source=costly)
    assert again.status == 303
    page = await follow(visitor, await visitor.post(BOOK + "/accept", FROM_HERE, **FORM, newest="3"))
    page = await follow(visitor, await visitor.post(BOOK + "/publish", FROM_HERE, **FORM, newest="4", number="4"))
    assert "These words are sent from now on." in page.text
    assert "Glow Skin Clinic: “sunscreen”, Ada. Call" in page.text
    sheet = await authors_of(console.database).book.open("glow", KEY)
    assert [(row.kind, row.author) for row in sheet.history] == [
        ("published", "owner"), *4 * [("draft", "owner")],
    ]  # fmt: skip
