"""Staff are told: once, soon, at least once, and never in silence when it fails."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from service.alerts.record import RECENT
from service.alerts.sending import AlertRules, Alerts
from service.alerts.words import ToldReply, _tables, letter_about
from service.clinics import house_of
from service.content import LOCALES
from service.http.health import Readiness
from service.metrics import alert_age_seconds
from service.receipts import Receipts
from service.store.alerts import hurry_alerts
from service.store.tables import Alert, Clinic, Reply, Sender, core
from service.types import (
    Accepted,
    AttemptState,
    Email,
    FailureClass,
    Medium,
    Outcome,
    Outgoing,
    Receipt,
    Rejected,
    Retry,
    Unknown,
)
from tests.alerts.raising import raise_alert
from tests.dispatch.acting import TEN, Scripted, change, on_sqlite
from tests.replies.texting import ADA, texts
from tests.support.house import House, clinic, visit

MINUTE = timedelta(minutes=1)


def teller(house: House, *outcomes: Outcome, **rules: Any) -> tuple[Alerts, Scripted]:
    channel = Scripted(Medium.EMAIL, *outcomes)
    return Alerts(house.database, channel, AlertRules(**rules)), channel


def letter(outgoing: Outgoing) -> Email:
    assert isinstance(outgoing.message, Email)
    return outgoing.message


async def test_what_a_client_wrote_is_mailed_once_to_the_alert_address(house: House) -> None:
    await house.take(visit(client__first_name="Ada\r\nBcc: x"))
    await texts(house, "<b>4</b> & it burns\nreally", media=1)
    alerts, channel = teller(house, Accepted("m1"))
    assert await alerts.send_due() == 60
    assert await alerts.send_due() == 60
    (outgoing,) = channel.sent
    assert (outgoing.to, outgoing.sender.address) == ("desk@glow.example", "care@glow.example")
    told = letter(outgoing)
    assert told.subject == "Ada Bcc: x has written to Glow Clinic"
    assert "    <b>4</b> & it burns\n    really\n" in told.text
    assert "Client c-17, phone +447400123456." in told.text
    assert "Pictures or files that came with it: 1." in told.text
    assert "<blockquote><strong>&lt;b&gt;4&lt;/b&gt; &amp; it burns<br>\nreally</strong></blockquote>" in told.html
    (row,) = await house.rows(Alert)
    assert (row.sent_at, row.tries, row.code) == (house.clock(), 1, "")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Retry(FailureClass.NOT_PROCESSED, "429"), "429"),
        (Rejected(FailureClass.MALFORMED, "400"), "400"),
        (Unknown("answer-timed-out"), "answer-timed-out"),
    ],
)
@on_sqlite
async def test_what_could_not_be_sent_is_tried_again_with_growing_pauses_until_it_went(
    house: House, outcome: Outcome, code: str
) -> None:
    await raise_alert(house, "route-closed", "sms", {"code": "21408"})
    alerts, channel = teller(house, *[outcome] * 9, Accepted("m1"))
    pauses = []
    for _ in range(9):
        await alerts.send_due()
        (row,) = await house.rows(Alert)
        assert (row.sent_at, row.code) == (None, code)
        pauses.append(row.due_at - house.clock())
        house.clock.moment = row.due_at
    assert pauses[0] <= timedelta(seconds=5) < pauses[-1] <= timedelta(minutes=15)
    await alerts.send_due()
    (row,) = await house.rows(Alert)
    assert (len(channel.sent), row.sent_at, row.code) == (10, house.clock(), "")


@on_sqlite
async def test_an_alert_that_a_worker_took_and_never_settled_is_sent_by_another(house: House) -> None:
    await raise_alert(house, "other")
    dead, _ = teller(house, Accepted("m0"))
    await house.database.transact(dead._take)
    alive, channel = teller(house, Accepted("m1"))
    await alive.send_due()
    assert channel.sent == []
    house.clock.advance(seconds=60)
    await alive.send_due()
    assert len(channel.sent) == 1


@on_sqlite
async def test_a_worker_sends_what_it_is_woken_for_whatever_went_wrong_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts, channel = teller(house, Accepted("m1"), look_every=timedelta(hours=1))
    pauses: asyncio.Queue[float] = asyncio.Queue()
    broken, look = True, alerts._look

    async def take(connection: AsyncConnection) -> list[Any]:
        if broken:
            raise ZeroDivisionError
        return await Alerts._take(alerts, connection)

    async def looked() -> float:
        pauses.put_nowait(await look())
        return 3600

    monkeypatch.setattr(alerts, "_take", take)
    monkeypatch.setattr(alerts, "_look", looked)
    running = asyncio.create_task(alerts.run())
    async with asyncio.timeout(20):
        assert await pauses.get() == 1
        broken = False
        await raise_alert(house, "other")
        alerts.wake()
        assert await pauses.get() == 3600
    running.cancel()
    assert len(channel.sent) == 1
    await Alerts(house.database, None, AlertRules()).run()  # without an email channel it says so and ends


async def test_an_alert_that_bounced_is_sent_again_once_for_each_time(house: House) -> None:
    await raise_alert(house, "other")
    alerts, channel = teller(house, Accepted("m1"))
    receipts = Receipts(house.database)

    async def report(outgoing: Outgoing, state: AttemptState) -> None:
        await receipts.take([Receipt("m1", state, house.clock(), outgoing.token, FailureClass.EMAIL_DEAD)])

    await alerts.send_due()
    await report(channel.sent[0], AttemptState.DELIVERED)
    assert (await house.rows(Alert))[0].sent_at is not None
    await report(channel.sent[0], AttemptState.UNDELIVERED)
    (row,) = await house.rows(Alert)
    assert (row.sent_at, row.code, row.due_at) == (None, "email_dead", house.clock() + timedelta(hours=1))
    house.clock.advance(hours=1)
    await alerts.send_due()
    await report(channel.sent[0], AttemptState.UNDELIVERED)
    assert (await house.rows(Alert))[0].sent_at == house.clock()
    assert len(channel.sent) == 2
    await report(replace(channel.sent[0], token="alert"), AttemptState.FAILED)
    await report(replace(channel.sent[0], token="alert glow x 1"), AttemptState.FAILED)


async def test_the_same_news_is_told_once_while_it_waits_or_is_fresh(house: House) -> None:
    assert await raise_alert(house, "sender-paused", "sms")
    assert not await raise_alert(house, "sender-paused", "sms")
    assert await raise_alert(house, "sender-paused", "email")
    house.clock.moment += RECENT + MINUTE
    assert not await raise_alert(house, "sender-paused", "sms")
    await change(house, Alert, {"sent_at": house.clock()})
    assert await raise_alert(house, "sender-paused", "sms")
    assert len(await house.rows(Alert)) == 3


@on_sqlite
async def test_a_clinic_without_address_or_sender_shows_and_catches_up_once_it_has_them(house: House) -> None:
    await change(house, Clinic, {"alert_email": ""})
    await raise_alert(house, "other")
    alerts, channel = teller(house, Accepted("m1"))
    await alerts.send_due()
    assert (await house.rows(Alert))[0].code == "no-alert-address"
    await change(house, Clinic, {"alert_email": "desk@glow.example"})
    await change(house, Sender, {"address": ""}, core(Sender).c.medium == "email")
    house.clock.advance(minutes=15)
    await alerts.send_due()
    assert ((await house.rows(Alert))[0].code, channel.sent) == ("no-email-sender", [])
    await Readiness(house.database, MINUTE).problems()
    assert alert_age_seconds._value.get() == 15 * 60
    async with house.database.write() as connection:
        await hurry_alerts(connection, "glow", house.clock())
    platform, channel = teller(house, Accepted("m1"), platform_sender="alerts@platform.example")
    await platform.send_due()
    assert [(one.sender.address, one.sender.name) for one in channel.sent] == [
        ("alerts@platform.example", "Glow Clinic")
    ]
    await Readiness(house.database, MINUTE).problems()
    assert alert_age_seconds._value.get() == 0


@on_sqlite
async def test_why_a_sender_is_paused_is_said_in_words(house: House) -> None:
    await raise_alert(house, "sender-paused", "sms", {"reason": "credential", "medium": "sms"})
    alerts, channel = teller(house, Accepted("m1"))
    await alerts.send_due()
    assert letter(channel.sent[0]).subject == "Glow Clinic: a sender is paused"
    assert "from your “sms” sender: the account's credentials are not accepted." in letter(channel.sent[0]).text


@on_sqlite
@pytest.mark.parametrize(
    ("said", "locale", "expected"),
    [
        ("STOP, 4", "en", "no more texts: none will be sent"),
        ("cancel", "es", "Se ha entendido que no quiere más mensajes"),
        ("help!", "en", "They asked for help and were sent your number."),
        ("", "en", "(no words)"),
        ("¿y ahora?", "es-MX", "    ¿y ahora?"),
    ],
)
async def test_staff_read_what_was_made_of_a_text_in_their_language(
    house: House, said: str, locale: str, expected: str
) -> None:
    await change(house, Clinic, {"locale": locale})
    await house.take(visit())
    await texts(house, said)
    alerts, channel = teller(house, Accepted("m1"))
    await alerts.send_due()
    assert expected in letter(channel.sent[0]).text


@pytest.mark.parametrize(
    ("locale", "country", "day"),
    [("en", "GB", "20 November"), ("en", "US", "November 20"), ("en-US", "GB", "November 20"), ("pl", "GB", "20 Nov")],
)
def test_the_day_of_a_treatment_is_written_as_where_the_clinic_is(locale: str, country: str, day: str) -> None:
    said = SimpleNamespace(
        received_at=TEN, first_name="Ada", client="c-17", address=ADA, step="day-1-sunscreen", location="", media=0,
        ended_at=TEN - timedelta(days=1), kind="none", text="ouch",
    )  # fmt: skip
    where = house_of(clinic(locale=locale, country=country), TEN)
    alert = SimpleNamespace(kind="reply", about="7", detail={})
    assert f"about the treatment of {day}" in letter_about(alert, where, ToldReply(said, ())).text


@on_sqlite
async def test_who_wrote_is_said_as_far_as_it_is_known_and_not_after_an_erasure(house: House) -> None:
    await texts(house, "hello?", sender="+447400123999")
    await house.take(visit(), visit(id="e-2", treatment__id="visit-2", client__ref="c-18", client__first_name=None))
    await texts(house, "4")
    async with house.database.write() as connection:
        blank = core(Reply).update().where(core(Reply).c.text == "hello?").values(text="", address="")
        await connection.execute(blank)
    alerts, channel = teller(house, Accepted("m1"))
    await alerts.send_due()
    told = {letter(one).text.splitlines()[2].strip(): letter(one).text for one in channel.sent}
    assert set(told) == {"(no words)", "4"}
    assert f"Several clients have this number ({ADA}): Ada (c-17), c-18." in told["4"]


def test_every_kind_has_its_words_in_every_language_and_an_unknown_one_is_told_too() -> None:
    tables = _tables()
    detail = {"code": "1", "step": "day-1", "refused": 3, "reason": "credential", "messages": 2, "numbers": 50}
    for locale in (*LOCALES, "fr"):
        house = house_of(clinic(locale=locale), TEN)
        for kind in (*set(tables["en"]) - {"day", "foot", "nobody", "reply", "reasons"}, "something-new"):
            told = letter_about(SimpleNamespace(kind=kind, about="sms", detail=detail), house, None)
            assert told.subject.startswith("Glow Clinic")
            assert "?" not in told.text
    for locale in LOCALES:
        assert {kind: set(words) for kind, words in tables[locale].items() if isinstance(words, dict)} == {
            kind: set(words) for kind, words in tables["en"].items() if isinstance(words, dict)
        }
