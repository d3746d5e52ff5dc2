"""What providers report, or fail to: with real processes, real callbacks, and callbacks that never come."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import clock
from service.channels.registry import ChannelConfig, Mode, open_channels
from service.intake.group import Intake
from service.store.tables import Alert, Recipient, Worker, core
from service.types import Accepted, Medium, SenderAddress
from tests.acceptance.gate import gate_before
from tests.acceptance.live import (
    AT_ONCE,
    ATTEMPT,
    DECISION,
    REMINDER,
    Live,
    email,
    phone,
    quick,
    sent_to,
    visit,
)
from tests.channels.people import outgoing
from tests.support import house
from tests.support.house import CLINIC
from tests.support.processes import until
from tests.support.sandbox import Sandbox

SOON = {"AFTERCARE_RECEIPTS__POLL_AFTER": "1 second", "AFTERCARE_RECEIPTS__POLL_ALONE_AFTER": "1 second"}
UNDELIVERED = {"fault": "undelivered", "provider": "twilio"}


async def reaches(live: Live, number: int, state: str, medium: str) -> None:
    """Client `number`'s message gets there."""
    statement = sa.select(REMINDER.c.state, REMINDER.c.medium).where(
        REMINDER.c.client == f"c-{number}", REMINDER.c.step == AT_ONCE
    )

    async def there() -> bool:
        return (state, medium) in [tuple(row) for row in await live.rows(statement)]

    await until(there, f"client {number}'s message is {state} by {medium}")


async def test_callbacks_that_never_come_are_made_up_for_by_asking(live: Live) -> None:
    await live.sandbox.set_faults("twilio:silent=1", {**UNDELIVERED, "to": phone(1), "detail": "30005"})
    worker = await live.worker(quick() | SOON)
    await live.seed(2)
    await reaches(live, 0, "delivered", "sms")
    await reaches(live, 1, "sent", "email")
    await worker.stops()


async def test_a_number_that_takes_no_texts_is_texted_once_and_a_phone_that_is_off_three_times_before_a_letter_goes(
    live: Live,
) -> None:
    await live.sandbox.set_faults(
        {**UNDELIVERED, "to": phone(0), "detail": "30006"}, {**UNDELIVERED, "to": phone(1), "detail": "30003"}
    )
    await live.sandbox.send_events_to(f"{live.url}/callbacks/sendgrid/events/email")
    web, worker = (
        await live.web({"AFTERCARE_RECEIPTS__TRY_AGAIN_AFTER": "100 milliseconds"}),
        await live.worker(quick()),
    )
    await live.seed(2)
    await reaches(live, 0, "delivered", "email")
    again = visit(0, clock.now())
    again["id"], again["data"]["treatment"]["id"] = "e-again", "visit-again"
    assert (await live.post(again))[0] == 201
    await reaches(live, 1, "delivered", "email")
    await until(lambda: letters(live.sandbox, 2), "the first client's second message goes by letter")
    assert sent_to(await live.sandbox.ledger()) == {phone(0): 1, email(0): 2, phone(1): 3, email(1): 1}
    (number,) = await live.rows(sa.select(core(Recipient)).where(core(Recipient).c.address == phone(0)))
    assert number.unusable_reason == "not_textable"
    decisions = await live.decisions()
    assert (decisions["c-0"][0], decisions["c-0"][-1]) == ("other-channel", "address-unusable")
    assert decisions["c-1"] == ["try-later", "try-later", "other-channel"]
    await worker.stops()
    await web.stops()


async def letters(sandbox: Sandbox, count: int) -> bool:
    return sent_to(await sandbox.ledger())[email(0)] == count


async def test_callbacks_that_come_before_our_own_commit_repeated_and_in_disorder_end_where_all_others_do(
    live: Live,
) -> None:
    """The worker is held up as it writes down what the provider accepted; the receipts overtake it."""
    await live.sandbox.set_faults("twilio:repeated=1", "twilio:reordered=1")
    web = await live.web()
    async with gate_before(live.dsn) as gate:
        worker = await live.worker(quick(deadline=8), dsn=gate.dsn)
        held = gate.when("UPDATE attempt", then=worker.pause)
        await live.seed(1)
        await held.comes()
        await live.until_all(1, "delivered")
        worker.resume()
        await worker.stops()
    (attempt,) = await live.rows(sa.select(ATTEMPT))
    assert attempt.state == "delivered"
    assert await live.rows(sa.select(REMINDER.c.state).where(REMINDER.c.state == "sent")) == []
    assert sent_to(await live.sandbox.ledger()) == {phone(0): 1}
    assert await live.rows(sa.select(DECISION)) == []
    await web.stops()


async def test_after_an_outage_a_message_that_nobody_here_sent_stops_its_sender_until_a_person_resumes_it(
    live: Live,
) -> None:
    worker = await live.worker(quick())
    await live.seed(1)
    await live.until_all(1, "sent", "delivered")
    await worker.stops()
    await three_hours_pass(live)
    await somebody_else_texts(live)

    worker = await live.worker(quick())
    await worker.says("unknown-messages")
    await take(live, 1)
    paused = await live.processes.command("sender", "list", "--clinic", CLINIC, "--json", settings=live.settings())
    assert '"reason": "unknown-messages"' in paused.out
    assert sent_to(await live.sandbox.ledger())[phone(1)] == 0
    (alert,) = await live.rows(sa.select(core(Alert)))
    assert (alert.kind, alert.about, alert.detail["messages"]) == ("unknown-messages", "sms", 1)

    resumed = await live.processes.command("sender", "resume", "sms", "--clinic", CLINIC, settings=live.settings())
    assert resumed.code == 0, resumed.err
    await live.until_all(2, "sent", "delivered")
    assert sent_to(await live.sandbox.ledger())[phone(1)] == 1
    await worker.stops()


async def somebody_else_texts(live: Live) -> None:
    """From the clinic's own number."""
    sandbox = live.sandbox
    config = ChannelConfig(
        mode=Mode.LIVE,
        twilio_account_sid=sandbox.account_sid,
        twilio_auth_token=sandbox.auth_token,
        twilio_base_url=sandbox.url,
    )
    channels = open_channels(config)
    sender = SenderAddress(CLINIC, "sms", Medium.SMS, "+15005550006")
    sent = await channels.by_medium[Medium.SMS].send(outgoing(sender=sender, to=phone(99), status_callback=None))
    assert isinstance(sent, Accepted)
    await channels.close()


async def take(live: Live, number: int) -> None:
    """One more client's visit is reported."""
    intake = Intake(live.database, house.shipped().protocols)
    intake.start()
    now = clock.now()
    await intake.take_all(CLINIC, [house.read(visit(number, now), now)])
    await intake.stop()


async def three_hours_pass(live: Live) -> None:
    """As far as heartbeats go."""
    table = core(Worker)

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(table.update().values(seen_at=clock.now() - timedelta(hours=3)))

    await live.database.transact(work)
