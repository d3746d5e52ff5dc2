"""What no clinic has confirmed stays in the house, with a reason; what it has is sent."""

from datetime import timedelta
from typing import Any

import pytest

from service.authoring import Change, TemplateBook
from service.authoring.reviews import confirm, reviews, unconfirmed
from service.dispatch import Dispatcher, Slots
from service.dispatch.intent import Intent
from service.errors import BadInput, NotFound
from service.store.tables import Attempt
from service.types import Accepted, Captured, Medium, Outcome
from tests.dispatch.acting import day_one_due, on_sqlite, opened, says, the
from tests.support.house import CLINIC, House, clinic, shipped

pytestmark = on_sqlite
GERMAN = "{{ clinic.name }}: Bitte ab heute Sonnenschutz. Fragen? {{ location.urgent_phone }}"


async def outcome_of(house: House, intent: Intent) -> Outcome:
    """As a worker would send it."""
    slots = Slots(10, 10)
    return await Dispatcher(house.starter, house.settler, house.channels, slots, lambda _: None)._outcome(intent)


async def through_the_worker(house: House) -> Any:
    house.clock.advance(seconds=2)
    started = await house.starter.start(10)
    (intent,) = started.intents
    await house.settler._write([(intent, await outcome_of(house, intent))])
    return intent


async def yes(house: House, *protocols: str, locale: str = "en", clinician: str = "Dr Lee") -> None:
    await confirm(
        house.database, shipped(), CLINIC, protocols, locale, clinician=clinician, reader="Grace", doer="command:ada"
    )


async def test_an_unconfirmed_protocol_stays_in_the_outbox_although_the_channel_is_live(migrated_url: str) -> None:
    async with opened(migrated_url, clinic(confirmed=())) as house:
        channel = says(house, Medium.SMS, Accepted("SM1"))
        await day_one_due(house)
        await through_the_worker(house)
        row = await the(house)
        assert (row.state, row.reason) == ("captured", "protocol-unconfirmed")
        assert [attempt.state for attempt in await house.rows(Attempt)] == ["captured"]
        assert channel.sent == []


@pytest.mark.parametrize(
    ("protocol", "locale", "reader", "sent"),
    [
        ("microneedling", "en", "en", True),
        ("microneedling", "en", "en-GB", True),
        ("microneedling", "en-GB", "en", True),
        ("microneedling", "es", "en", False),
        ("microneedling", "en", "es-MX", False),
        ("microneedling", "es", "es-MX", True),
        ("hydrafacial", "en", "en", False),
    ],
)
async def test_a_confirmation_is_of_one_protocol_in_one_language(
    migrated_url: str, protocol: str, locale: str, reader: str, sent: bool
) -> None:
    async with opened(migrated_url, clinic(confirmed=())) as house:
        channel = says(house, Medium.SMS, Accepted("SM1"))
        await day_one_due(house, client__locale=reader)
        await yes(house, protocol, locale=locale)
        intent = await through_the_worker(house)
        assert ((await the(house)).state, len(channel.sent)) == (("sent", 1) if sent else ("captured", 0))
        assert await outcome_of(house, intent) == (Accepted("SM1") if sent else Captured())


async def test_who_confirmed_what_can_be_read(migrated_url: str) -> None:
    async with opened(migrated_url, clinic(confirmed=())) as house:
        await yes(house, "ipl", "microneedling")
        await yes(house, "ipl", clinician="Dr Wu")
        rows = await reviews(house.database, CLINIC)
        assert [(row.protocol, row.locale, row.clinician) for row in rows] == [
            ("ipl", "en", "Dr Wu"),
            ("microneedling", "en", "Dr Lee"),
        ]
        waiting = unconfirmed(shipped(), rows, ["en", "es"])
        assert (waiting["ipl"], waiting["hydrafacial"]) == (["es"], ["en", "es"])
        with pytest.raises(NotFound, match="there is no protocol botox"):
            await yes(house, "botox")
        with pytest.raises(BadInput, match="say who has read them"):
            await yes(house, "ipl", clinician=" ")
        assert rows[0].confirmed_at <= house.clock() + timedelta()


async def test_only_a_language_that_a_protocol_has_words_in_is_confirmed(migrated_url: str) -> None:
    async with opened(migrated_url, clinic(confirmed=())) as house:
        with pytest.raises(BadInput, match="ipl has no words in zz; it has them in en and es") as refused:
            await yes(house, "ipl", locale="zz")
        assert refused.value.code == "unknown-language"
        book = TemplateBook(house.database, shipped())
        await book.save(CLINIC, book.key("ipl", "day-1-sunscreen", "sms", "de-AT"), GERMAN, Change("Grace"))
        await yes(house, "ipl", locale="de")
        with pytest.raises(BadInput, match="microneedling has no words in de"):
            await yes(house, "ipl", "microneedling", locale="de")
        assert [(row.protocol, row.locale) for row in await reviews(house.database, CLINIC)] == [("ipl", "de")]
