"""Staff: an address is theirs once its code was read back, and test messages go there and nowhere else."""

import asyncio
import re
from typing import Any

import pytest

from service.authoring import Change, TemplateBook
from service.errors import AftercareError, BadInput, Conflict, NotFound, TooMany
from service.links import LENGTH
from service.receipts import Receipts
from service.render import SAMPLES
from service.staff import Post, PostRules, StaffBook, Trials
from service.store.tables import (
    Attempt,
    Clinic,
    Recipient,
    Reminder,
    Sender,
    Staff,
    StaffAddress,
    StaffMessage,
    TemplateSeen,
)
from service.store.templates import TemplateKey
from service.types import (
    Accepted,
    AttemptState,
    Captured,
    Email,
    FailureClass,
    Medium,
    Outcome,
    Outgoing,
    Receipt,
    Rejected,
    Retry,
    Sms,
    Unknown,
)
from tests.dispatch.acting import Scripted, change, on_sqlite
from tests.support.house import CLINIC, House, clinic, close_house, open_house, shipped

PHONE = "+447400123411"
KEY = TemplateKey("microneedling", "day-1-sunscreen", Medium.SMS, "en")
LETTER = KEY._replace(medium=Medium.EMAIL)
OURS = "{{ clinic.name }}: sunscreen from today, please. Worried? Call {{ location.urgent_phone }}"


class Office:
    """A clinic's staff, and a worker that writes to them: SMS and email by what a test says happens."""

    def __init__(self, house: House, *outcomes: Outcome) -> None:
        self.house = house
        self.people = StaffBook(house.database)
        self.book = TemplateBook(house.database, shipped())
        self.trials = Trials(house.database, self.book)
        self.channels = {medium: Scripted(medium, *outcomes) for medium in Medium}
        self.post = Post(house.database, self.channels, PostRules())

    async def hire(self, staff: str = "grace", **given: Any) -> None:
        await self.people.put(CLINIC, staff, asked_by="ada", **({"phone": PHONE} | given))

    async def sent(self, medium: Medium = Medium.SMS) -> list[Outgoing]:
        await self.post.send_due()
        return self.channels[medium].sent

    async def code(self) -> str:
        message = (await self.sent())[-1].message
        assert isinstance(message, Sms)
        return str(re.findall(r"\d{6}", message.text)[0])

    async def with_phone(self, staff: str = "grace") -> None:
        await self.hire(staff)
        await self.people.confirm(CLINIC, staff, await self.code(), "ada")

    async def test(self, key: TemplateKey = KEY, to: str = "grace", **how: Any) -> None:
        await self.trials.send(CLINIC, key, to, asked_by="ada", **how)

    async def fate(self) -> tuple[str, str]:
        row = (await self.house.rows(StaffMessage))[-1]
        return row.state, row.code


def office(house: House, *outcomes: Outcome) -> Office:
    return Office(house, *(outcomes or [Accepted("m")] * 40))


async def test_a_number_is_theirs_once_the_code_that_was_sent_to_it_is_read_back(house: House) -> None:
    glow = office(house)
    await glow.hire(name="Grace Hopper", role="editor", email="grace@example.com")
    (text,), (letter,) = await glow.sent(), await glow.sent(Medium.EMAIL)
    assert (text.to, text.sender.address, letter.to) == (PHONE, "+447400123400", "grace@example.com")
    code = await glow.code()
    assert isinstance(text.message, Sms)
    assert text.message.text.startswith(f"Glow Clinic: your code is {code}.")
    with pytest.raises(BadInput, match="not the code"):
        await glow.people.confirm(CLINIC, "grace", "12345x", "ada")
    assert await glow.people.confirm(CLINIC, "grace", f" {code} ", "ada") == [Medium.SMS]
    owner, grace = sorted(await glow.people.all(CLINIC), key=lambda one: one.id != "owner")
    assert (grace.name, grace.role, owner.id) == ("Grace Hopper", "editor", "owner")
    assert grace.addresses[Medium.SMS].confirmed_at == house.clock()
    assert grace.addresses[Medium.EMAIL].confirmed_at is None
    assert [row.text for row in await house.rows(StaffMessage)] == ["", ""]  # a code that has left is not kept
    await glow.hire(phone="+447400123412")
    assert (await glow.people.all(CLINIC))[0].addresses[Medium.SMS].confirmed_at is None


@on_sqlite
@pytest.mark.parametrize(("guesses", "minutes"), [(5, 0), (0, 15)])
async def test_a_code_ends_after_five_guesses_or_a_quarter_of_an_hour(house: House, guesses: int, minutes: int) -> None:
    glow = office(house)
    await glow.hire()
    code = await glow.code()
    for _ in range(guesses):
        with pytest.raises(BadInput):
            await glow.people.confirm(CLINIC, "grace", "000000" if code != "000000" else "1", "ada")
    house.clock.advance(minutes=minutes)
    with pytest.raises(BadInput):
        await glow.people.confirm(CLINIC, "grace", code, "ada")


async def test_whoever_reads_a_code_back_before_it_is_written_down_that_it_went_has_shown_enough(house: House) -> None:
    glow = office(house)

    class Quick(Scripted):
        async def send(self, outgoing: Outgoing) -> Outcome:
            assert isinstance(outgoing.message, Sms)
            if code := re.findall(r"\d{6}", outgoing.message.text):
                await glow.people.confirm(CLINIC, "grace", code[0], "ada")
            return await super().send(outgoing)

    glow.channels[Medium.SMS] = Quick(Medium.SMS, *[Accepted("m")] * 4)
    await glow.hire()
    await glow.sent()
    await glow.test()
    await glow.sent()
    assert await glow.fate() == ("sent", "")


@on_sqlite
async def test_five_codes_an_hour_are_enough(house: House) -> None:
    glow = office(house)
    await glow.hire()
    for _ in range(4):
        await glow.people.send_code(CLINIC, "grace", Medium.SMS, "ada")
    with pytest.raises(TooMany, match="try again in 60 minutes"):
        await glow.people.send_code(CLINIC, "grace", Medium.SMS, "ada")
    house.clock.advance(hours=1)
    await glow.people.send_code(CLINIC, "grace", Medium.SMS, "ada")


@on_sqlite
async def test_whoever_invents_members_of_staff_cannot_text_the_world(house: House) -> None:
    glow = office(house)
    with pytest.raises(Conflict, match="of a country that the clinic does not text"):
        await glow.hire(phone="+34 612 345 678")
    for number in range(30):
        await glow.hire(f"member-{number}", phone=f"+4474001235{number:02}")
    with pytest.raises(TooMany, match="the staff has been sent 30 in the last hour"):
        await glow.hire("one-more", phone="+447400123599")


async def test_whoever_removes_members_and_adds_them_anew_is_counted_on(house: House) -> None:
    glow = office(house)
    for _ in range(5):
        await glow.hire()
        await glow.people.remove(CLINIC, "grace", "ada")
    with pytest.raises(TooMany, match="grace has been sent 5 in the last hour"):
        await glow.hire()


async def test_members_that_are_added_at_once_are_counted_one_by_one(house: House) -> None:
    glow = office(house)
    for number in range(28):
        await glow.hire(f"member-{number}", phone=f"+4474001235{number:02}")
    hired = (glow.hire(f"more-{number}", phone=f"+4474001236{number:02}") for number in range(6))
    asked = await asyncio.gather(*hired, return_exceptions=True)
    assert [type(one) for one in asked if one is not None] == [TooMany] * 4


@on_sqlite
@pytest.mark.parametrize("why", ["paused-by-hand", "many-new-numbers", "clinic-paused", "sender-paused"])
async def test_what_a_person_or_a_suspicion_has_paused_holds_what_staff_are_sent(house: House, why: str) -> None:
    glow = office(house)
    await glow.with_phone()
    await glow.test()
    table, values = (Clinic, {}) if why == "clinic-paused" else (Sender, {"paused_reason": why})
    await change(house, table, {"paused_at": house.clock(), **values})
    held = why != "sender-paused"  # a fault of the provider's; staff may see by a test whether it is over
    assert len(await glow.sent()) == 1 + (not held)
    assert await glow.fate() == (("waiting", why) if held else ("sent", ""))
    if held:
        with pytest.raises(Conflict) as refused:
            await glow.test()
        assert refused.value.code == why
    await change(house, table, {"paused_at": None})
    house.clock.advance(seconds=20)
    assert len(await glow.sent()) == 2


@on_sqlite
async def test_what_no_channel_takes_waits_until_it_expires(house: House) -> None:
    glow = office(house)
    await glow.hire()
    glow.channels.clear()
    await glow.post.send_due()
    assert await glow.fate() == ("waiting", "no-channel")
    house.clock.advance(minutes=15)
    await glow.post.send_due()
    assert await glow.fate() == ("failed", "no-channel")
    assert await glow.post.send_due() == 60


async def test_a_test_goes_to_staff_alone_marked_and_counts_as_no_reminder(house: House) -> None:
    glow = office(house)
    await glow.with_phone()
    await glow.test()
    (_, test) = await glow.sent()
    assert isinstance(test.message, Sms)
    assert test.to == PHONE
    assert test.message.text.startswith("TEST: Glow Clinic: Hi Ada, from today")
    assert (await house.rows(Reminder), await house.rows(Attempt)) == ([], [])
    assert await glow.fate() == ("sent", "")
    report = Receipt("m", AttemptState.FAILED, house.clock(), test.token, FailureClass.HANDSET_GONE)
    await Receipts(house.database).take([report])  # nothing follows from it


@on_sqlite
async def test_a_letter_is_marked_in_its_subject_and_written_to_the_sample_that_is_asked_for(house: House) -> None:
    glow = office(house)
    await glow.hire(email="grace@example.com", phone=None)
    code = re.findall(r"\d{6}", (await glow.sent(Medium.EMAIL))[0].message.text)[0]
    await glow.people.confirm(CLINIC, "grace", code, "ada")
    await glow.test(LETTER, sample="long name")
    letter = (await glow.sent(Medium.EMAIL))[-1].message
    assert isinstance(letter, Email)
    assert letter.subject.startswith("TEST: ")
    assert letter.text.startswith("TEST: ")
    assert "Dear Maximiliana-Alexandrina" in letter.html


async def test_a_draft_that_was_sent_as_a_test_may_be_published(house: House) -> None:
    glow = office(house)
    await glow.with_phone()
    number, _ = await glow.book.save(CLINIC, KEY, OURS, Change("Grace"))
    await glow.test(number=number)
    with pytest.raises(Conflict, match="nobody has looked"):
        await glow.book.publish(CLINIC, KEY, number, Change("Grace", based_on=number))
    text = (await glow.sent())[-1].message
    assert isinstance(text, Sms)
    assert text.text.startswith("TEST: Glow Clinic: sunscreen from today, please.")
    assert [row.number for row in await house.rows(TemplateSeen)] == [number]
    assert (await glow.book.publish(CLINIC, KEY, number, Change("Grace", based_on=number))).touches == 0


async def test_ten_tests_an_hour_are_enough_whoever_asks_and_whatever_restarts(house: House) -> None:
    await office(house).with_phone()
    asked = await asyncio.gather(*(office(house).test() for _ in range(13)), return_exceptions=True)
    assert [type(one) for one in asked if one is not None] == [TooMany] * 3
    with pytest.raises(TooMany, match="grace has been sent 10 in the last hour"):
        await office(house).test()
    house.clock.advance(minutes=60)
    await office(house).test()


@on_sqlite
async def test_a_test_is_refused_where_it_could_reach_anybody_else(house: House) -> None:
    glow = office(house)
    await glow.hire()
    refusals: list[tuple[type[AftercareError], str, dict[str, Any]]] = [
        (Conflict, "grace has confirmed no phone number yet", {}),
        (Conflict, "grace has confirmed no email address yet", {"key": LETTER}),
        (NotFound, "nobody of that name", {"to": "ada"}),
        (NotFound, "there is no version 7", {"number": 7}),
        (BadInput, "the sample clients are ordinary, long name", {"sample": "Bob"}),
    ]
    for kind, sentence, how in refusals:
        with pytest.raises(kind, match=sentence):
            await glow.test(**how)
    assert len(await house.rows(StaffMessage)) == 1


@on_sqlite
async def test_what_is_not_theirs_any_more_by_the_time_of_sending_is_not_sent(house: House) -> None:
    glow = office(house)
    await glow.with_phone()
    for values, code in (
        ({"address": "+447400123499"}, "address-changed"),
        ({"address": PHONE, "confirmed_at": None}, "not-confirmed"),
        ({"confirmed_at": house.clock(), "proof": "captured"}, "not-confirmed"),
    ):
        await change(house, StaffAddress, {"confirmed_at": house.clock(), "address": PHONE, "proof": "sent"})
        await glow.test()
        await change(house, StaffAddress, values)
        assert len(await glow.sent()) == 1
        assert await glow.fate() == ("failed", code)


@on_sqlite
async def test_whoever_told_the_clinic_to_stop_is_sent_neither_code_nor_test(house: House) -> None:
    glow = office(house)
    await glow.with_phone()
    await glow.test()
    async with house.database.write() as connection:
        row = {"clinic": CLINIC, "medium": "sms", "address": PHONE, "suppressed_at": house.clock(),
               "suppressed_reason": "stop", "unusable_reason": "", "created_at": house.clock()}  # fmt: skip
        await connection.execute(Recipient.__table__.insert().values(**row))  # type: ignore[attr-defined]
    assert len(await glow.sent()) == 1
    assert await glow.fate() == ("failed", "address-stopped")
    with pytest.raises(Conflict, match="told the clinic to stop"):
        await glow.test()


@on_sqlite
async def test_what_the_provider_does_not_take_is_tried_again_for_an_hour(house: House) -> None:
    glow = office(house, Accepted("m"), *[Retry(FailureClass.NOT_PROCESSED, "429")] * 2, Accepted("m"))
    await glow.with_phone()
    await glow.test()
    for state in (("waiting", "429"), ("waiting", "429"), ("sent", "")):
        await glow.sent()
        assert await glow.fate() == state
        house.clock.advance(seconds=20)
    await glow.test()
    house.clock.advance(hours=1)
    await glow.sent()
    assert await glow.fate() == ("failed", "expired")


@on_sqlite
@pytest.mark.parametrize(
    ("outcome", "fate"),
    [
        (Captured(), ("captured", "")),
        (Unknown("answer-timed-out"), ("sent", "answer-timed-out")),
        (Rejected(FailureClass.MALFORMED, "21211"), ("failed", "21211")),
    ],
)
async def test_any_other_outcome_ends_it(house: House, outcome: Outcome, fate: tuple[str, str]) -> None:
    glow = office(house, Accepted("m"), outcome)
    await glow.with_phone()
    await glow.test()
    await glow.sent()
    assert await glow.fate() == fate
    assert await glow.post.send_due() == 60


@on_sqlite
async def test_a_message_that_a_worker_took_and_never_settled_is_sent_by_another(house: House) -> None:
    glow = office(house)
    await glow.hire()
    await house.database.transact(glow.post._take)
    assert await glow.sent() == []
    house.clock.advance(seconds=60)
    assert len(await glow.sent()) == 1


async def test_a_clinic_keeps_an_owner_and_what_was_said_to_whoever_leaves_goes_with_them(house: House) -> None:
    glow = office(house)
    with pytest.raises(Conflict, match="a clinic has an owner"):
        await glow.people.remove(CLINIC, "owner", "ada")
    with pytest.raises(Conflict, match="a clinic has an owner"):
        await glow.people.put(CLINIC, "owner", role="viewer", asked_by="ada")
    await glow.hire(role="owner")
    await glow.people.remove(CLINIC, "owner", "ada")
    await glow.hire("ada", phone="+447400123412")
    await glow.people.remove(CLINIC, "ada", "grace")
    assert [row.id for row in await house.rows(Staff)] == ["grace"]
    left = {row.staff: (row.text[:11], row.state, row.code) for row in await house.rows(StaffMessage)}
    assert left == {"grace": ("Glow Clinic", "waiting", ""), "ada": ("", "failed", "staff-removed")}
    assert [one.to for one in await glow.sent()] == [PHONE]
    with pytest.raises(NotFound):
        await glow.people.remove(CLINIC, "ada", "grace")


@on_sqlite
async def test_what_is_wrong_with_a_person_is_told_at_once(house: House) -> None:
    with pytest.raises(BadInput) as refused:
        await office(house).hire("Grace H", role="boss", phone="12", email="grace")
    codes = [problem.code for problem in refused.value.problems]
    assert codes == ["invalid-staff", "unknown-role", "invalid-number", "invalid-email"]
    assert await house.rows(StaffMessage) == []


@on_sqlite
async def test_no_clinic_sees_or_reaches_the_staff_of_another(migrated_url: str) -> None:
    house = await open_house(migrated_url, clinic(), clinic(id="blush", name="Blush"))
    try:
        glow = office(house)
        await glow.with_phone()
        assert [one.id for one in await glow.people.all("blush")] == ["owner"]
        for work in (
            glow.people.remove("blush", "grace", "ada"),
            glow.people.confirm("blush", "grace", "1", "ada"),
            glow.trials.send("blush", KEY, "grace", asked_by="ada"),
        ):
            with pytest.raises(NotFound, match="nobody of that name"):
                await work
    finally:
        await close_house(house)


def test_a_sample_client_has_links_as_long_as_real_ones() -> None:
    links = SAMPLES[0].links
    assert {len(address.rpartition("/")[2]) for address in (links.page, links.preferences)} == {LENGTH}
