"""Web and worker as processes of their own, on PostgreSQL, with providers that call back."""

import pytest
import sqlalchemy as sa

from service import clock
from tests.acceptance.live import AT_ONCE, ATTEMPT, Live, email, phone, visit
from tests.support.processes import until

NO_TICK = {"AFTERCARE_WORKER__TICK": "10 minutes"}
"""Longer than any test waits: what is sent was woken for."""
TALKATIVE = {"AFTERCARE_LOG_LEVEL": "debug"}
"""All that is logged is looked through for clients and secrets, here and after every test with processes."""


@pytest.mark.usefixtures("cold")
async def test_an_event_is_sent_at_once_and_the_provider_s_report_is_believed(live: Live) -> None:
    await live.sandbox.send_events_to(f"{live.url}/callbacks/sendgrid/events/email")
    web = await live.web(TALKATIVE)
    worker = await live.worker(NO_TICK | TALKATIVE)
    await until(live.listeners, "the worker listens")

    for number, medium in enumerate(("sms", "email")):
        status, answer = await live.post(visit(number, clock.now(), medium))
        assert status == 201
        assert [line["medium"] for line in answer["plan"] if line["step"] == AT_ONCE] == [medium]
    await live.until_all(2, "delivered")

    lines = {line["to"]: line for line in await live.sandbox.ledger()}
    attempts = {attempt.recipient: attempt for attempt in await live.rows(sa.select(ATTEMPT))}
    assert lines.keys() == attempts.keys() == {phone(0), email(1)}
    for to, attempt in attempts.items():
        assert (lines[to]["outcome"], lines[to]["id"]) == ("accepted", attempt.provider_id)
        assert attempt.state == "delivered"
    await live.sandbox.settle()
    assert {told["status"] for told in await live.sandbox.callbacks()} == {204}
    await worker.stops()
    await web.stops()
    assert live.key not in web.out + web.err
