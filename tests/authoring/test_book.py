"""A clinic's own words: written, looked at, published, and sent within a second by every process."""

from typing import Any

import pytest

from service import wordings
from service.authoring import Change, Stale, TemplateBook, WritingRules
from service.errors import AftercareError, BadInput, Conflict, NotFound
from service.links import Links
from service.store import templates as store
from service.store.tables import Attempt, Client, Decision, Reminder, TemplateCurrent, Wording, core
from service.store.templates import TemplateKey
from service.types import Medium, Sms
from tests.dispatch.acting import change, day_one_due, on_sqlite, opened, the
from tests.support.house import CLINIC, House, clinic, close_house, open_house, shipped

STEP = ("microneedling", "day-1-sunscreen")
KEY = TemplateKey(*STEP, Medium.SMS, "en")
OURS = "{{ clinic.name }}: sunscreen from today, please. Worried? Call {{ location.urgent_phone }}"
THEIRS = OURS.replace("please", "dear")


def book_of(house: House) -> TemplateBook:
    """A process of its own: it shares nothing with the worker but the database."""
    return TemplateBook(house.database, shipped())


def by(based_on: int = 0, note: str = "") -> Change:
    return Change("Grace", note, based_on)


async def published(book: TemplateBook, source: str, *, key: TemplateKey = KEY, based_on: int = 0, **more: Any) -> int:
    number, _ = await book.save(CLINIC, key, source, by(based_on), **more)
    await book.preview(CLINIC, key, number)
    return (await book.publish(CLINIC, key, number, by(number))).number


async def started(house: House) -> list[Any]:
    """The intents of a start, when the worker has had its second to notice."""
    house.clock.advance(seconds=2)
    return (await house.dispatch()).intents


async def text_of_day_one(house: House) -> str:
    (intent,) = await started(house)
    assert isinstance(intent.outgoing.message, Sms)
    return intent.outgoing.message.text


async def test_what_one_process_publishes_another_sends_within_a_second(house: House) -> None:
    await day_one_due(house)
    await published(book_of(house), OURS)
    assert (await text_of_day_one(house)).startswith("Glow Clinic: sunscreen from today, please.")
    (attempt,) = await house.rows(Attempt)
    (wording,) = await house.rows(Wording)
    assert (attempt.wording, wording.source) == (wording.version, OURS)
    (recipient,) = await book_of(house).recipients(CLINIC, KEY, attempt.wording)
    assert (recipient.client, recipient.state) == ("c-17", "captured")
    await published(book_of(house), THEIRS, based_on=2)
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2")
    assert "dear" in await text_of_day_one(house)


@on_sqlite
async def test_words_that_went_out_a_moment_ago_give_way_to_those_in_force_now(house: House) -> None:
    async def next_text(n: int) -> str:
        await day_one_due(house, id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n}")
        return await text_of_day_one(house)

    book = book_of(house)
    assert "from today please wear" in await next_text(1)
    number = await published(book, OURS)
    assert "sunscreen from today, please" in await next_text(2)
    await book.restore(CLINIC, KEY, 0, by(number))
    assert "from today please wear" in await next_text(3)


async def test_one_start_sees_what_each_of_several_clinics_has_decided(migrated_url: str) -> None:
    async with opened(migrated_url, clinic(), clinic(id="bright"), clinic(id="other")) as house:
        for each in (CLINIC, "bright", "other"):
            await day_one_due(house, clinic=each)
        book = book_of(house)
        await published(book, OURS)
        await book.hold("bright", {"protocol": STEP[0], "step": STEP[1], "medium": "", "locale": ""}, by())
        texts = {intent.clinic: intent.outgoing.message.text for intent in await started(house)}
    assert texts.keys() == {CLINIC, "other"}
    assert "sunscreen from today, please" in texts[CLINIC]
    assert "from today please wear" in texts["other"]


@on_sqlite
async def test_a_hold_is_kept_in_mind_while_the_words_of_others_crowd_in(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordings, "_CLINICS_KEPT", 2)
    async with opened(migrated_url, clinic(), clinic(id="bright"), clinic(id="other")) as house:
        book = book_of(house)
        for each in (CLINIC, "bright", "other"):
            what = {"protocol": STEP[0], "step": STEP[1], "medium": "", "locale": ""}
            await book.hold(each, what, by())
        for n, pair in enumerate(((CLINIC, "other"), (CLINIC, "bright"), (CLINIC, "other"))):
            for each in pair:
                new = {"id": f"e-{n}", "treatment__id": f"visit-{n}", "client__ref": f"c-{n}"}
                await day_one_due(house, clinic=each, **new)
            assert await started(house) == []


async def test_nothing_is_published_that_nobody_has_looked_at(house: House) -> None:
    book = book_of(house)
    number, _ = await book.save(CLINIC, KEY, OURS, by())
    with pytest.raises(Conflict, match="nobody has looked at version 1 yet"):
        await book.publish(CLINIC, KEY, number, by(number))
    await day_one_due(house)
    assert "adequate sunscreen" in await text_of_day_one(house)


async def test_publishing_says_how_many_scheduled_reminders_it_touches(house: House) -> None:
    await day_one_due(house)
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2", client__locale="es")
    book = book_of(house)
    number, _ = await book.save(CLINIC, KEY, OURS, by(), ["warn-missing-translation"])
    assert (await book.open(CLINIC, KEY)).touches == 2  # the clinic's English words come before shipped Spanish ones
    await published(book, OURS.replace("today", "hoy"), key=KEY._replace(locale="es"))
    await book.preview(CLINIC, KEY, number)
    assert (await book.publish(CLINIC, KEY, number, by(number))).touches == 1


async def test_a_stale_save_is_refused_with_the_newer_version(house: House) -> None:
    book = book_of(house)
    await book.save(CLINIC, KEY, OURS, by(note="shorter"))
    with pytest.raises(Stale) as refusal:
        await book.save(CLINIC, KEY, THEIRS, by())
    newer = refusal.value.newer
    assert (newer.number, newer.author, newer.note, newer.source) == (1, "Grace", "shorter", OURS)
    assert [row.number for row in (await book.open(CLINIC, KEY)).history] == [1]


@on_sqlite
async def test_a_draft_that_nobody_published_cannot_be_restored_into_force(house: House) -> None:
    book = book_of(house)
    number, _ = await book.save(CLINIC, KEY, OURS, by())
    with pytest.raises(Conflict) as refusal:
        await book.restore(CLINIC, KEY, number, by(number))
    assert refusal.value.code == "never-published"


@on_sqlite
async def test_history_is_added_to_and_never_changed(house: House) -> None:
    book = book_of(house)
    first = await published(book, OURS)
    second = await published(book, THEIRS, based_on=first)
    back = (await book.restore(CLINIC, KEY, first, by(second))).number
    out = (await book.restore(CLINIC, KEY, 0, by(back))).number
    sheet = await book.open(CLINIC, KEY)
    assert [(row.number, row.kind, row.based_on) for row in sheet.history] == [
        (out, "restored", 0),
        (back, "restored", first),
        (second, "published", 3),
        (3, "draft", 0),
        (first, "published", 1),
        (1, "draft", 0),
    ]
    assert sheet.standing.origin == "shipped"
    assert "-Glow" not in await book.diff(CLINIC, KEY, first, second)
    assert "sunscreen from today, dear" in await book.diff(CLINIC, KEY, first, second)
    assert "adequate sunscreen" in await book.diff(CLINIC, KEY, 0, second)


@on_sqlite
@pytest.mark.parametrize(
    ("key", "source", "codes"),
    [
        (KEY, "Hi {{ client.firstname }}", ["template-unknown-field"]),
        (KEY, "{{ clinic.name }", ["template-syntax"]),
        (KEY, " ", ["template-empty"]),
        (KEY._replace(medium=Medium.EMAIL), "---\nsubject: a\n---\n[b](javascript:alert(1))", ["template-link"]),
    ],
)
async def test_words_that_cannot_be_sent_are_not_even_kept(
    house: House, key: TemplateKey, source: str, codes: list[str]
) -> None:
    with pytest.raises(BadInput) as refusal:
        await book_of(house).save(CLINIC, key, source, by())
    assert [problem.code for problem in refusal.value.problems] == codes
    assert all(problem.where.startswith("microneedling/day-1-sunscreen/en/") for problem in refusal.value.problems)
    assert (await book_of(house).open(CLINIC, key)).history == []


@on_sqlite
async def test_warnings_wait_until_they_are_accepted(house: House) -> None:
    book, careless = book_of(house), "{{ clinic.name }}: it’s time. Book now: {{ location.phone }}"
    number, checked = await book.save(CLINIC, KEY, careless, by())
    assert [one.code for one in checked.warnings] == ["warn-unicode", "warn-selling"]
    assert checked.plain == careless.replace("’", "'")
    await book.preview(CLINIC, KEY, number)
    with pytest.raises(BadInput) as refusal:
        await book.publish(CLINIC, KEY, number, by(number))
    codes = [problem.code for problem in refusal.value.problems]
    assert codes == ["warnings-not-accepted", "warn-unicode", "warn-selling"]
    assert await published(book, careless, based_on=number, accepted=codes[1:]) == 3


@on_sqlite
async def test_clients_who_would_lose_their_language_are_told_of(house: House) -> None:
    await day_one_due(house, client__locale="es-MX")
    _, checked = await book_of(house).save(CLINIC, KEY, OURS, by())
    assert [one.message for one in checked.warnings] == [
        "clients who read es would get these words: write them in es, too"
    ]


POISON = {
    "cannot be read any more": "Hi {{ clinic.nam",
    "fails for this client": OURS + " {{ provider.name }}",
    "leaves nothing": "{% if links.page %}a{% endif %}",
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
@on_sqlite
async def test_a_poison_version_gives_way_to_the_good_one_before_it(house: House, poison: str) -> None:
    """No author can publish one: this is what older rules let through, or a hand in the database."""
    book = book_of(house)
    good = await published(book, OURS)
    row = {"number": 9, "kind": "published", "version": "p", "source": poison, "accepted": [], "author": "?"}
    async with house.database.write() as connection:
        await store.add_version(connection, CLINIC, KEY, {**row, "created_at": house.clock()})
        await store.set_current(connection, CLINIC, KEY, 9, good, house.clock())
        await store.touch(connection, CLINIC)
    await day_one_due(house)
    assert (await text_of_day_one(house)).startswith("Glow Clinic: sunscreen from today, please.")


@on_sqlite
async def test_what_is_stored_for_a_step_that_is_gone_disturbs_nobody(house: House) -> None:
    await published(book_of(house), OURS)
    await change(house, TemplateCurrent, {"step": "gone"})
    await day_one_due(house)
    assert "adequate sunscreen" in await text_of_day_one(house)


HOLDS = [{}, {"medium": "sms"}, {"locale": "en"}, {"medium": "sms", "locale": "en"}]


@pytest.mark.parametrize("narrowed", HOLDS, ids=str)
@on_sqlite
async def test_a_held_message_waits_and_goes_on_when_it_is_released(house: House, narrowed: dict[str, str]) -> None:
    what = {"protocol": STEP[0], "step": STEP[1], "medium": "", "locale": ""} | narrowed
    await day_one_due(house)
    assert await book_of(house).hold(CLINIC, what, by(note="wrong number"))
    assert not await book_of(house).hold(CLINIC, what, by())
    assert await started(house) == []
    row = await the(house)
    assert (row.state, row.reason, row.due_at) == ("scheduled", "message-held", row.expires_at)
    house.clock.advance(hours=1)
    assert await started(house) == []
    await book_of(house).release(CLINIC, what)
    assert "adequate sunscreen" in await text_of_day_one(house)
    with pytest.raises(NotFound):
        await book_of(house).release(CLINIC, what)


@pytest.mark.parametrize(
    "narrowed", [{"medium": "email"}, {"locale": "es"}, {"step": "day-2-sensitivity-check"}], ids=str
)
@on_sqlite
async def test_a_hold_keeps_back_only_what_it_names(house: House, narrowed: dict[str, str]) -> None:
    what = {"protocol": STEP[0], "step": STEP[1], "medium": "", "locale": ""} | narrowed
    await day_one_due(house)
    await book_of(house).hold(CLINIC, what, by())
    assert "adequate sunscreen" in await text_of_day_one(house)


async def test_what_is_held_beyond_its_expiry_says_so(house: House) -> None:
    await day_one_due(house)
    await book_of(house).hold(CLINIC, {"protocol": STEP[0], "step": STEP[1], "medium": "", "locale": ""}, by())
    await started(house)
    house.clock.moment = (await the(house)).expires_at
    await house.dispatch()
    row = await the(house)
    assert (row.state, row.reason) == ("expired", "message-held")
    decided = await house.rows(Decision, core(Decision).c.reminder == row.id)
    assert [line.code for line in decided][-2:] == ["message-held", "message-held"]


async def test_one_clinics_words_and_holds_are_nothing_to_another(migrated_url: str) -> None:
    house = await open_house(migrated_url, clinic(), clinic(id="dusk", name="Dusk"))
    await published(book_of(house), OURS)
    await book_of(house).hold(CLINIC, {"protocol": STEP[0], "step": STEP[1], "medium": "", "locale": ""}, by())
    await day_one_due(house, clinic="dusk")
    assert (await text_of_day_one(house)).startswith("Dusk: Hi Ada, from today please wear")
    with pytest.raises(NotFound):
        await book_of(house).version("dusk", KEY, 1)
    rows = await house.rows(Reminder, core(Reminder).c.clinic == "dusk", core(Reminder).c.reason == "message-held")
    assert rows == []
    await close_house(house)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (("botox", "day-1", "sms", "en"), "there is no protocol botox"),
        (("microneedling", "day-1", "sms", "en"), "microneedling has no step day-1"),
        (("microneedling", "same-day-aftercare", "sms", "en"), "same-day-aftercare is sent by email, not by sms"),
        ((*STEP, "sms", "../en"), "write the language as en, es or es-MX"),
    ],
)
@on_sqlite
async def test_a_message_that_does_not_exist_is_answered_with_what_does(
    house: House, place: tuple[str, str, str, str], sentence: str
) -> None:
    with pytest.raises(AftercareError, match=sentence):
        book_of(house).key(*place)


@on_sqlite
async def test_a_preview_shows_each_sample_client_what_they_would_get(house: House) -> None:
    book = book_of(house)
    shown = await book.preview(CLINIC, KEY, source=OURS)
    assert [(one.sample, one.locale, one.origin) for one in shown] == [
        ("ordinary", "en", "draft"),
        ("long name", "en", "draft"),
        ("no first name", "en", "draft"),
        ("another language", "es", "draft"),
        ("right to left", "ar", "draft"),
    ]
    as_it_is = {one.sample: one.origin for one in await book.preview(CLINIC, KEY)}
    assert (as_it_is["ordinary"], as_it_is["another language"]) == ("shipped", "shipped")
    assert as_it_is["right to left"] == "shipped-default"
    await published(book, OURS, accepted=["warn-missing-translation"])
    spanish = await book.preview(CLINIC, KEY._replace(locale="es"))
    assert [one.origin for one in spanish][:4] == ["clinic-default"] * 4


async def test_who_chose_another_language_on_their_page_is_counted_by_that(house: House) -> None:
    await day_one_due(house)
    await day_one_due(house, id="e-2", treatment__id="visit-2", client__ref="c-2")
    await change(house, Client, {"locale_chosen": "es"}, core(Client).c.ref == "c-2")
    spanish = KEY._replace(locale="es")
    book = book_of(house)
    await published(book, OURS.replace("today", "hoy"), key=spanish)
    assert (await book.open(CLINIC, spanish)).touches == 1
    _, checked = await book.save(CLINIC, KEY, OURS, by())
    assert checked.warnings == ()  # whoever reads Spanish has words of their own


@on_sqlite
async def test_how_many_segments_are_too_many_is_a_setting(house: House) -> None:
    strict = TemplateBook(house.database, shipped(), WritingRules(segments=1))
    _, checked = await strict.save(CLINIC, KEY, OURS + " again" * 20, by())
    assert [warning.code for warning in checked.warnings] == ["warn-segments"]
    _, checked = await book_of(house).save(CLINIC, KEY, OURS + " again" * 20, by(1))
    assert checked.warnings == ()


@on_sqlite
async def test_links_in_previews_are_as_long_as_real_ones(house: House) -> None:
    ours = TemplateBook(house.database, shipped(), WritingRules(base="https://aftercare.example"))
    (ordinary, *_) = await ours.look(CLINIC, KEY, source="{{ clinic.name }}: {{ links.page | default: '' }}")
    assert isinstance(ordinary.message, Sms)
    real = Links("https://aftercare.example", ["k" * 40]).new().page
    assert len(ordinary.message.text) == len(f"Glow Clinic: {real}")
