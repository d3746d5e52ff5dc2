"""What a client texts back, through web, worker and providers as they run for real: heard, told, obeyed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from service import clock
from service.types import Json
from tests.acceptance.live import FIRST_NAME, Live, email, phone, visit
from tests.support.processes import until

CLINIC = "+15005550006"
DESK = "desk@glow.example"
ZENOBIA = phone(0)


def question(now: datetime) -> Json:
    """A visit of two days ago, whose question falls due this morning, where the client lives: there it is noon."""
    event = visit(0, now)
    event["data"]["treatment"] |= {"id": "visit-asked", "protocol": "microneedling"}
    event["data"]["treatment"]["ended_at"] = (now - timedelta(days=2)).isoformat()
    event["data"]["client"]["time_zone"] = noon_zone(now)
    return event


def noon_zone(now: datetime) -> str:
    """These zones count the other way round: at 10 UTC it is noon in Etc/GMT-2."""
    ahead = 12 - now.astimezone(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def at_once(number: int, protocol: str, now: datetime) -> Json:
    """A visit of the same client whose message is due at any hour."""
    event = visit(0, now)
    event["id"] = f"e-again-{number}"
    event["data"]["treatment"] |= {"id": f"visit-again-{number}", "protocol": protocol}
    event["data"]["client"]["time_zone"] = noon_zone(now)
    return event


async def test_an_answer_reaches_staff_and_stop_and_start_are_obeyed(live: Live) -> None:
    web, worker = await live.web(), await live.worker()
    await live.sandbox.post_texts_to(f"{live.url}/callbacks/twilio/inbound/glow.sms")

    async def message(to: str, *words: str) -> Json:
        """Wait for a message to this address that says these words."""

        async def there() -> Any:
            ledger = [line for line in await live.sandbox.ledger() if line["outcome"] == "accepted"]
            return next((one for one in ledger if one["to"] == to and all(word in str(one) for word in words)), None)

        return await until(there, f"{to} gets {words}")

    async def report(event: Json) -> None:
        status, answer = await live.post(event)
        assert status == 201, answer

    await report(question(clock.now()))
    await message(ZENOBIA, "number from 1")
    assert (await live.sandbox.text(number=ZENOBIA, body="4 and it burns", to=CLINIC))["status"] == 200
    told = await message(DESK, f"{FIRST_NAME} has written to Glow Clinic")
    letter = str(await live.sandbox.mail(told["id"]))
    assert "4 and it burns" in letter
    assert "day 2 sensitivity check" in letter
    assert told["from"] == "care@glow.example"

    stopped = await live.sandbox.text(number=ZENOBIA, body="stop, please!", to=CLINIC)
    assert "you will get no more texts from us" in stopped["answer"]
    await report(at_once(1, "hydrafacial", clock.now()))
    await message(email(0))
    back = await live.sandbox.text(number=ZENOBIA, body="START", to=CLINIC)
    assert back["answer"].endswith("<Response />")
    await report(at_once(2, "botulinum-toxin", clock.now()))
    await message(ZENOBIA, "upright")
    texts = [line for line in await live.sandbox.ledger() if line["to"] == ZENOBIA]
    assert len(texts) == 2
    assert len([line for line in await live.sandbox.ledger() if line["to"] == DESK]) == 1
    await worker.stops()
    await web.stops()
