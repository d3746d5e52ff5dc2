"""Texts that nobody posted to us are asked for: nothing that a client writes is lost."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from service.channels.http import HttpPool
from service.channels.twilio_sms import TwilioSms
from service.pages.choices import stop_everything
from service.pages.keeping import keep
from service.replies import MissedTexts, Replies
from service.store.client_pages import client_of
from service.store.tables import Alert, Consent, Recipient, Reply, Sender, SenderWatch, core
from service.types import Accepted, Medium
from tests.dispatch.acting import TEN, change, on_sqlite, says
from tests.replies.texting import ADA, CLINIC, heard
from tests.support.house import House, visit
from tests.support.processes import free_port
from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def twilio(sandbox: Sandbox) -> AsyncIterator[TwilioSms]:
    pool = HttpPool(deadline=30.0, size=5)
    yield TwilioSms(pool, account_sid=sandbox.account_sid, auth_token=sandbox.auth_token, base_url=sandbox.url,
                    retry_after_cap=60)  # fmt: skip
    await pool.close()


async def writes(sandbox: Sandbox, body: str) -> None:
    """A client texts while our web process is down."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    await sandbox.send_inbound(nowhere, number=ADA, body=body, to=CLINIC)


def round_of(house: House, twilio: TwilioSms) -> MissedTexts:
    return MissedTexts(house.database, twilio, Replies(house.database))


async def test_a_text_that_was_never_posted_to_us_is_asked_for_and_told_to_staff(
    house: House, sandbox: Sandbox, twilio: TwilioSms
) -> None:
    await house.take(visit())
    await writes(sandbox, "my cheek is swelling")
    missed = round_of(house, twilio)
    assert not await missed.run()
    (reply,) = await house.rows(Reply)
    assert (reply.text, reply.client, reply.kind) == ("my cheek is swelling", "c-17", "answer")
    assert [row.kind for row in await house.rows(Alert)] == ["reply"]
    house.clock.advance(hours=1)
    await missed.run()
    assert len(await house.rows(Reply)) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("heard_live", "missed", "stopped"),
    [
        ([], [("STOP", 10)], True),
        ([], [("START", 10), ("STOP", 20)], True),
        ([], [("STOP", 10), ("START", 20)], False),
        ([("STOP", 20)], [("START", 10)], True),
        ([("START", 20)], [("STOP", 10)], False),
        ([("STOP", 10)], [("START", 20)], False),
        ([("START", 10)], [("STOP", 20)], True),
        ([("STOP", 10)], [("START", 11)], True),
    ],
    ids=str,
)
async def test_what_is_told_late_counts_by_when_it_was_written(
    house: House, heard_live: list[tuple[str, int]], missed: list[tuple[str, int]], stopped: bool
) -> None:
    """Seconds after noon; texts too close to be told apart stop."""
    await house.take(visit())
    noon, replies = house.clock(), Replies(house.database)
    for word, second in heard_live:
        house.clock.moment = noon + timedelta(seconds=second)
        await replies.take("glow.sms", heard(word, handled_keyword=word))
    house.clock.moment = noon + timedelta(hours=1)
    for word, second in missed:
        await replies.take("glow.sms", heard(word, handled_keyword=word, at=noon + timedelta(seconds=second)))
    (number,) = await house.rows(Recipient, core(Recipient).c.medium == Medium.SMS.value)
    assert (number.suppressed_at is not None) is stopped


@on_sqlite
async def test_a_start_that_is_told_late_undoes_no_newer_refusal_on_the_clients_own_page(house: House) -> None:
    await house.take(visit())
    written_at = house.clock()
    house.clock.advance(minutes=30)
    async with house.database.write() as connection:
        client = await client_of(connection, "glow", "c-17")
        await keep(connection, "glow", client, stop_everything(), house.clock(), ("sms", ADA))
    house.clock.advance(minutes=30)
    await Replies(house.database).take("glow.sms", heard("START", handled_keyword="START", at=written_at))
    assert not any(row.granted for row in await house.rows(Consent) if row.medium == "sms")


@on_sqlite
async def test_an_answer_that_is_told_late_answers_no_question_that_was_asked_after_it(house: House) -> None:
    await house.take(visit())
    written_at = house.clock()
    house.clock.moment = TEN + timedelta(days=1)
    says(house, Medium.SMS, Accepted("SM1"), Accepted("SM2"))
    while (await house.dispatch()).intents:
        pass
    await Replies(house.database).take("glow.sms", heard("4", at=written_at))
    (reply,) = await house.rows(Reply)
    assert (reply.reminder, reply.received_at) == (None, written_at)


@on_sqlite
async def test_each_number_has_its_turn_once_an_hour_and_again_where_the_list_could_not_be_read(
    house: House, sandbox: Sandbox, twilio: TwilioSms
) -> None:
    await house.take(visit())
    missed = round_of(house, twilio)
    await sandbox.set_faults("lookup:5xx=1")
    await missed.run()
    assert await house.rows(SenderWatch) == []
    await sandbox.clear_faults()
    await missed.run()
    asked = house.clock()
    house.clock.advance(minutes=59)
    await missed.run()
    assert {row.texts_until for row in await house.rows(SenderWatch)} == {asked}
    house.clock.advance(minutes=1)
    await missed.run()
    assert {row.texts_until for row in await house.rows(SenderWatch)} == {house.clock()}


@on_sqlite
async def test_a_messaging_services_texts_are_not_asked_for(house: House, sandbox: Sandbox, twilio: TwilioSms) -> None:
    await change(house, Sender, {"messaging_service": "MG" + "0" * 32}, core(Sender).c.medium == Medium.SMS.value)
    await writes(sandbox, "hello")
    await round_of(house, twilio).run()
    assert await house.rows(Reply) == []
