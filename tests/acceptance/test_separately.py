"""Web and worker as processes of their own, on PostgreSQL, with a provider that calls back."""

import pytest
import sqlalchemy as sa

from service.channels.registry import Mode
from tests.acceptance.live import ATTEMPT, AT_ONCE, REMINDER, Live, sent_to, phone, visit
from tests.support.processes import until
from service import clock

LONG_TICK = {"AFTERCARE_WORKER__TICK": "10 minutes"}
"""So long that it can wake nobody in a test: what is sent was woken for."""


@pytest.mark.parametrize("medium", ["sms", "email"])
async def test_an_event_is_sent_at_once_and_the_provider_s_report_is_believed(live: Live, medium: str) -> None:
    await live.sandbox.send_events_to(f"{live.url}/callbacks/sendgrid/events/email")
    await live.web(AFTERCARE_LOG_LEVEL="debug")
    await live.worker(AFTERCARE_LOG_LEVEL="debug", **LONG_TICK)
    await until(live.listeners, "the worker listens")
    status, answer = await live.post(visit(1, clock.now(), media=[medium]))
    assert status == 201
    assert [(line["step"], line["medium"]) for line in answer["plan"]][0] == (AT_ONCE, medium)
    await live.until_all(1, "delivered")
    (attempt,) = await live.rows(sa.select(ATTEMPT))
    assert attempt.state == "delivered"
    assert attempt.receipt_at is not None
    assert [status for status in (done["status"] for done in await live.sandbox.callbacks())] != []
    assert {done["status"] for done in await live.sandbox.callbacks()} == {204}
    (line,) = await live.sandbox.ledger()
    assert line["id"] == attempt.provider_id
    assert line["to"] == (phone(1) if medium == "sms" else "client1@people.example")
