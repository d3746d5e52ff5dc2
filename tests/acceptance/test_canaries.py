"""Canaries: what is known of a person appears in nothing that is written beside the database, whatever goes wrong."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import orjson
import sqlalchemy as sa

from service import clock
from service.store.tables import Clinic, core
from service.types import Json
from tests.acceptance.live import AT_ONCE, FIRST_NAME, NOTE, REMINDER, Live, email, phone, quick, visit
from tests.support.processes import until

SAID = "my saffron cheeks burn"
"""What a client texts."""
CANARIES = (FIRST_NAME, "saffron", phone(0)[1:7], "people.example", NOTE, SAID)
LOUD = {"AFTERCARE_LOG_LEVEL": "debug"}


async def test_what_is_known_of_a_person_appears_in_no_log_metric_tag_or_error_page(live: Live, tmp_path: Path) -> None:
    """From the event to the crash: sent, tried again, refused, answered, forged, and a clinic that cannot be read."""
    web, worker = await live.web(LOUD), await live.worker(quick() | LOUD)
    await live.sandbox.post_texts_to(f"{live.url}/callbacks/twilio/inbound/glow.sms")
    await live.sandbox.set_faults(
        {"fault": "429", "provider": "twilio", "to": phone(1), "count": 1},
        {"fault": "refused", "provider": "twilio", "to": phone(2), "detail": "21610"},
        {"fault": "undelivered", "provider": "twilio", "to": phone(3), "detail": "30007"},
    )
    now = clock.now()
    for number in range(4):
        assert (await live.post(visit(number, now)))[0] == 201
    await live.post(visit(4, now, medium="email"))
    await tried(live, 5)
    assert (await live.sandbox.text(number=phone(0), body=SAID, to="+15005550006"))["status"] == 200

    told = [await asked(live, *one) for one in whatever_is_wrong(now)]
    told.append(await asked(live, "POST", "/v1/events", visit(8, now), key=f"ac_{FIRST_NAME}"))
    await clinic_breaks(live)
    told += [await asked(live, "GET", path) for path in (await a_link(live), f"/console/messages/{FIRST_NAME}")]
    told.append(await asked(live, "POST", "/v1/events", visit(9, now)))
    assert {status for status, _ in told} >= {401, 403, 404, 409, 422, 500}, [status for status, _ in told]
    await web.says("clinic unreadable")
    await web.stops()
    await worker.stops()

    for where, text in [*written(tmp_path), *((f"answer {status}", text) for status, text in told)]:
        for canary in CANARIES:
            assert canary not in text, f"{where} holds {canary!r}"
            assert quote(canary) not in text, f"{where} holds {canary!r}"
    for where, text in await tags(live):
        assert [canary for canary in CANARIES if canary in text] == [], where


async def tried(live: Live, count: int) -> None:
    """Wait until everybody's message has been tried, whatever came of it."""

    async def done() -> bool:
        rows = await live.rows(
            sa.select(REMINDER.c.client).where(
                REMINDER.c.step == AT_ONCE, REMINDER.c.state.not_in(["scheduled", "sending"])
            )
        )
        return len(rows) == count

    await until(done, "all have been tried")


def whatever_is_wrong(now: datetime) -> list[tuple[str, str, Json | str]]:
    """Requests with personal data in them that are refused, by every door: method, address, body."""
    wrong, other = visit(0, now), visit(0, now)
    wrong["data"]["treatment"]["ended_at"] = NOTE
    other["data"]["client"]["first_name"] = f"{FIRST_NAME} the Second"
    forged = f"From=%2B{phone(0)[1:]}&Body={quote(SAID)}&MessageSid=SM{'0' * 32}&To=%2B15005550006"
    return [
        ("POST", "/v1/events", wrong),
        ("POST", "/v1/events", other),
        ("POST", "/v1/events", f'{{"name": "{FIRST_NAME}", "saffron'),
        ("GET", f"/v1/clients/{email(0)}", ""),
        ("GET", f"/v1/reminders?client={quote(FIRST_NAME)}&limit={FIRST_NAME}", ""),
        ("GET", f"/p/{FIRST_NAME}?done={quote(NOTE)}", ""),
        ("POST", "/callbacks/twilio/inbound/glow.sms", forged),
        ("POST", f"/callbacks/twilio/status/{FIRST_NAME}", forged),
        ("POST", "/callbacks/sendgrid/events/x", orjson.dumps([{"email": email(0), "event": SAID}]).decode()),
        ("GET", "/metrics", ""),
    ]


async def asked(live: Live, method: str, path: str, body: Json | str = "", *, key: str = "") -> tuple[int, str]:
    kind = "application/x-www-form-urlencoded" if "/twilio/" in path else "application/json"
    headers = {"authorization": f"Bearer {key or live.key}", "content-type": kind}
    request = live.sandbox.client.request(method, live.url + path).headers(headers)
    data = body.encode() if isinstance(body, str) else orjson.dumps(body)
    response = await (request.body_bytes(data) if data else request).build().send()
    return response.status, await response.text()


async def a_link(live: Live) -> str:
    """Into a client's own pages, as a letter had it."""
    letter = next(line for line in await live.sandbox.ledger() if line["provider"] == "sendgrid")
    found = re.search(r"/[pu]/[\w-]{10,}", str(await live.sandbox.mail(letter["id"])))
    assert found
    return found[0]


async def clinic_breaks(live: Live) -> None:
    """Whoever reads the clinic now fails, with words of a person in the exception."""
    async with live.database.write() as connection:
        await connection.execute(core(Clinic).update().values(quiet_start=f"{FIRST_NAME}, {NOTE}"))


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file that the processes left: what they said, and whatever else."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


async def tags(live: Live) -> list[tuple[str, str]]:
    """What providers are told of a message beside where it goes and what it says."""
    found = []
    for line in await live.sandbox.ledger():
        if line.get("what") == "send":
            found.append((f"line {line['n']}", str(_without(line, "to", "body", "subject"))))
        if line["provider"] == "sendgrid" and line["outcome"] == "accepted":
            mail = _without(await live.sandbox.mail(line["id"]), "content", "subject")
            mail["personalizations"] = [_without(one, "to", "subject") for one in mail["personalizations"]]
            found.append((f"mail {line['id']}", str(mail)))
    assert any(where.startswith("mail") for where, _ in found)
    return found


def _without(value: Json, *names: str) -> Json:
    return {name: one for name, one in value.items() if name not in names}
