"""What a client's text does: to the number, to those who have it, to reminders, to staff."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from service.dispatch import Starter
from service.errors import NotFound
from service.pages.choices import stop_everything
from service.pages.keeping import keep
from service.replies import ANSWERS_FOR, Replies
from service.store.client_pages import client_of
from service.store.tables import Alert, Attempt, Client, Consent, Recipient, Reminder, Reply, Sender, core
from service.types import Accepted, Medium
from tests.conftest import lent_database
from tests.dispatch.acting import TEN, change, day_one_due, on_sqlite, opened, says
from tests.dispatch.test_races import another_worker
from tests.replies.texting import ADA, heard, texts
from tests.support.house import House, clinic, visit
from tests.support.postgres import Server

GRACE = "+447400123457"
RECIPIENT = core(Recipient)


async def number(house: House, address: str = ADA, clinic: str = "glow") -> tuple[bool, str]:
    (row,) = await house.rows(Recipient, RECIPIENT.c.address == address, RECIPIENT.c.clinic == clinic)
    return row.suppressed_at is not None, row.suppressed_reason


async def stopped(house: House) -> dict[str, bool]:
    return {row.ref: row.sms_stopped_at is not None for row in await house.rows(Client)}


async def asked(house: House, **changes: object) -> None:
    """Ask somebody the question of day 2, by text, now."""
    house.clock.moment = max(house.clock.moment, TEN + timedelta(days=1))
    says(house, Medium.SMS, Accepted(f"SM{changes.get('client__ref', 'c-17')}"))
    await house.take(visit(**changes))
    await house.dispatch()


async def test_a_stop_suppresses_the_number_for_all_who_share_it_and_their_texts_take_another_way(house: House) -> None:
    await day_one_due(house)
    await house.take(visit(id="e-2", treatment__id="visit-2", client__ref="c-18", client__email=None,
                           client__first_name="Grace"))  # fmt: skip
    assert await texts(house, "stop please") == GONE
    assert (await number(house), await stopped(house)) == ((True, "stop"), {"c-17": True, "c-18": True})
    started = await house.dispatch()
    assert started.intents == []
    rows = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert {row.client: (row.state, row.medium, row.reason) for row in rows} == {
        "c-17": ("scheduled", "email", "suppressed"), "c-18": ("scheduled", "email", "suppressed")
    }  # fmt: skip
    await house.dispatch()
    rows = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert {row.client: (row.state, row.reason) for row in rows} == {
        "c-17": ("captured", ""), "c-18": ("skipped", "no-address")
    }  # fmt: skip
    assert await house.rows(Alert) == []


async def test_a_stop_binds_a_number_that_nobody_has_yet_and_no_event_lifts_it(house: House) -> None:
    assert await texts(house, "STOP", handled_keyword="STOP") == ""
    assert await number(house) == (True, "stop")
    await day_one_due(house)
    assert (await house.dispatch()).intents == []
    assert await number(house) == (True, "stop")


async def test_start_lifts_what_the_client_asked_for_and_an_old_one_posted_again_does_not(house: House) -> None:
    await day_one_due(house)
    start = heard("START", handled_keyword="START")
    take = Replies(house.database).take
    await texts(house, "STOP", handled_keyword="STOP")
    await take("glow.sms", start)
    assert (await number(house), await stopped(house)) == ((False, ""), {"c-17": False})
    await texts(house, "STOP", handled_keyword="STOP")
    await take("glow.sms", start)
    assert (await number(house), await stopped(house)) == ((True, "stop"), {"c-17": True})
    assert len(await house.rows(Reply)) == 3
    await texts(house, "yes", handled_keyword="START")
    assert [intent.outgoing.to for intent in (await house.dispatch()).intents] == [ADA]


async def test_start_brings_care_back_to_one_who_stopped_everything_and_nothing_else(
    house: House,
) -> None:
    await day_one_due(house)
    async with house.database.write() as connection:
        client = await client_of(connection, "glow", "c-17")
        await keep(connection, "glow", client, stop_everything(), house.clock(), ("sms", ADA))
    assert await texts(house, "start") == BACK
    granted = {(row.purpose, row.medium) for row in await house.rows(Consent) if row.granted}
    assert granted == {("care", "sms")}
    assert [intent.outgoing.to for intent in (await house.dispatch()).intents] == [ADA]


@on_sqlite
@pytest.mark.parametrize(
    ("reason", "lifted"),
    [("provider-opt-out", True), ("opted_out", True), ("unsubscribed", True), ("email_refused", False)],
)
async def test_start_lifts_only_an_opt_out(house: House, reason: str, lifted: bool) -> None:
    await house.take(visit())
    await change(house, Recipient, {"suppressed_at": TEN, "suppressed_reason": reason}, RECIPIENT.c.medium == "sms")
    await texts(house, "START", handled_keyword="START")
    assert (await number(house))[0] is not lifted


GONE = "Glow Clinic: you will get no more texts from us. To get them again, text START."
SE_ACABO = "Glow Clinic: no le enviaremos más mensajes de texto. Para volver a recibirlos, responda START."
BACK = "Glow Clinic: you will get our texts again. To stop them, text STOP."
HELP = (
    "Glow Clinic: we text you about your care. Please call +44 20 7946 0018 with any question. "
    "To get no more texts, text STOP."
)


@on_sqlite
@pytest.mark.parametrize(
    ("said", "locale", "before", "owed"),
    [
        ("STOP!!", "es-MX", "", SE_ACABO),
        ("baja", None, "", SE_ACABO),
        ("stop please", "fr", "", GONE),
        ("stop please", "en", "stop it now", ""),
        ("start please", "en", "stop please", BACK),
        ("start please", "en", "", ""),
        ("help!", "en", "", HELP),
        ("4", "en", "", ""),
    ],
)  # fmt: skip
async def test_what_twilio_did_not_answer_is_answered_once_in_the_clients_language(
    house: House, said: str, locale: str | None, before: str, owed: str
) -> None:
    await house.take(visit(client__locale=locale))
    if before:
        await texts(house, before)
    text = heard(said)
    take = Replies(house.database).take
    assert await take("glow.sms", text) == owed
    assert await take("glow.sms", text) == ""


async def test_an_answer_is_tied_to_the_newest_question_and_told_to_staff(house: House) -> None:
    await asked(house)
    await texts(house, "STOP, 4 \x00☹️", media=2)
    (reply,) = await house.rows(Reply)
    (question,) = await house.rows(Reminder, core(Reminder).c.step == "day-2-sensitivity-check")
    assert (reply.client, reply.reminder, reply.kind, reply.more) == ("c-17", question.id, "opt-out", True)
    assert (reply.text, reply.media, reply.address) == ("STOP, 4 ☹️", 2, ADA)
    (alert,) = await house.rows(Alert)
    assert (alert.kind, alert.about, alert.sent_at) == ("reply", str(reply.id), None)


async def test_where_people_share_a_phone_only_a_question_to_one_of_them_tells_who_writes(house: House) -> None:
    await house.take(visit(id="e-2", treatment__id="visit-2", client__ref="c-18", treatment__protocol="hydrafacial"))
    await asked(house)
    await texts(house, "3")
    await asked(house, id="e-3", treatment__id="visit-3", client__ref="c-18")
    await texts(house, "5")
    house.clock.advance(days=ANSWERS_FOR.days, seconds=1)
    await texts(house, "much better now")
    found = [(row.text, row.client, row.reminder is not None) for row in await house.rows(Reply)]
    assert found == [("3", "c-17", True), ("5", None, False), ("much better now", None, False)]
    assert len(await house.rows(Alert)) == 3


@on_sqlite
async def test_a_late_answer_and_one_to_nothing_belong_to_the_client_alone(house: House) -> None:
    await asked(house)
    house.clock.advance(days=ANSWERS_FOR.days, seconds=1)
    await texts(house, "4")
    await texts(house, "who is this?", sender=GRACE)
    found = [(row.text, row.client, row.reminder) for row in await house.rows(Reply)]
    assert found == [("4", "c-17", None), ("who is this?", None, None)]


@on_sqlite
async def test_a_text_reaches_only_the_clinic_it_was_written_to(migrated_url: str) -> None:
    async with opened(migrated_url, clinic(), clinic(id="lumen", senders=clinic().senders[1:])) as house:
        await change(house, Sender, {"messaging_service": "MG1"}, core(Sender).c.medium == "sms")
        for wrong in (
            {"name": "lumen.sms"}, {"name": "lumen.email"}, {"name": "glow.email"}, {"name": "glow"}, {"name": ""},
            {"to": GRACE}, {"to": ""}, {"to": GRACE, "messaging_service": "MG2"}, {"to": "", "messaging_service": ""},
        ):  # fmt: skip
            with pytest.raises(NotFound):
                await texts(house, "STOP", **wrong)
        assert [await house.rows(table) for table in (Reply, Recipient, Alert)] == [[], [], []]
        await texts(house, "STOP", to=GRACE, messaging_service="MG1")
        assert [(row.clinic, row.suppressed_reason) for row in await house.rows(Recipient)] == [("glow", "stop")]


async def test_no_intent_follows_a_stop_that_comes_amid_a_thousand_reminders_to_one_number(
    postgres_server: Server,
) -> None:
    """A thousand clients with one number, so that no cap of a client's own slows them; starts go on all the while."""
    texting = clinic(senders=clinic().senders[:1])
    async with lent_database(postgres_server) as url, opened(url, texting) as house, AsyncExitStack() as stack:
        house.clock.moment = TEN
        people = (visit(id=f"e-{n}", treatment__id=f"v-{n}", client__ref=f"c-{n}") for n in range(1000))
        await house.take(*people)
        starters = [await stack.enter_async_context(another_worker(house)) for _ in range(2)]
        enough, intents = asyncio.Event(), 0

        async def work(starter: Starter) -> None:
            nonlocal intents
            while (started := await starter.start(100)).intents or started.settled or await due():
                intents += len(started.intents)
                if intents >= 200:
                    enough.set()

        async def due() -> bool:
            return bool(await house.rows(Sender, core(Sender).c.next_due_at <= TEN))

        async def stop() -> int:
            await enough.wait()
            await texts(house, "STOP", handled_keyword="STOP")
            return len(await house.rows(Attempt))

        stopping = asyncio.create_task(stop())
        await asyncio.gather(*(work(starter) for starter in starters))
        at_commit = await stopping
        assert 200 <= at_commit < 1000
        assert len(await house.rows(Attempt)) == at_commit == intents
        assert len(await house.rows(Reminder, core(Reminder).c.reason == "suppressed")) == 1000 - at_commit
