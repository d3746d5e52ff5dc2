"""`aftercare run` in an empty folder: what a person sees who tries it, and what is still there the next time."""

import re
import signal
import socket
import sys
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import psutil
import pytest
from pyreqwest.client import Client

from service import clock
from service.types import Json
from tests.acceptance.live import AT_ONCE, answers, post_event, visit
from tests.acceptance.trial import FALL_DUE_AT_ONCE, trial
from tests.support.processes import Processes, free_port, until

OF_THE_DOCUMENTATION: Json = {
    "specversion": "1.0",
    "id": "e-90211",
    "source": "/pms/glow",
    "type": "treatment.completed",
    "time": "2026-11-20T15:05:00Z",
    "data": {
        "treatment": {
            "id": "visit-8812",
            "protocol": "microneedling",
            "ended_at": "2026-11-20T15:00:00Z",
            "version": 1,
            "area": "face",
            "kind": "session",
            "location": "soho",
            "provider": "Dr Lee",
            "note": "no retinol for 10 days",
        },
        "course": {"session": 2, "of": 4},
        "client": {
            "ref": "c-17",
            "first_name": "Ada",
            "phone": "+447400123456",
            "email": "ada@example.com",
            "time_zone": "Europe/London",
            "locale": "en",
            "consent": {"care": ["sms", "email"], "rebook": ["email"]},
        },
    },
}


@dataclass
class Person:
    """Someone with a browser who got the sign-in link."""

    client: Client
    site: str
    cookie: str = field(default="", repr=False)

    async def sign_in(self, link: str) -> None:
        token = parse_qs(urlsplit(link).query)["token"][0]
        assert token in await self.read(link.removeprefix(self.site))
        headers = {"origin": self.site, "content-type": "application/x-www-form-urlencoded"}
        form = urlencode({"token": token}).encode()
        answer = await self.client.post(f"{self.site}/console/sign-in").headers(headers).body_bytes(form).build().send()
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    async def read(self, path: str) -> str:
        answer = await self.client.get(f"{self.site}{path}").headers({"cookie": self.cookie}).build().send()
        assert answer.status == 200
        return await answer.text()


@pytest.mark.usefixtures("cold")
async def test_the_sample_clinic_s_messages_are_in_the_outbox_and_in_the_console_within_a_minute(
    processes: Processes, client: Client
) -> None:
    run = await trial(processes, client)
    await run.until_captured(*FALL_DUE_AT_ONCE)

    person = Person(client, run.site)
    await person.sign_in(run.sign_in)
    page = await person.read("/console")
    for words in ("Day 1 sunscreen", "Day 2 sensitivity check", "Day 30 results check", "Next session", "Maintenance"):
        assert words in page
    newest = re.findall(r'href="(/console/messages/[0-9a-f-]+)', page)[0]
    assert "Glow Skin Clinic" in await person.read(newest)
    assert "Ada" in await person.read("/console/treatments")

    first, again = [await post_event(client, run.site, run.key, OF_THE_DOCUMENTATION) for _ in range(2)]
    assert (first[0], again[0]) == (201, 200)
    plan, same_plan = (
        [(line["id"], line["step"], line["due_at"]) for line in answer["plan"]] for _, answer in (first, again)
    )
    assert plan == same_plan
    assert {step for _, step, _ in plan} >= set(FALL_DUE_AT_ONCE)

    run.process.signal(signal.SIGINT)
    assert await run.process.ended(within=20) == 0


async def test_started_again_it_keeps_everything_and_sends_nothing_twice(processes: Processes, client: Client) -> None:
    run = await trial(processes, client)
    await run.until_captured(*FALL_DUE_AT_ONCE)
    run.process.signal(signal.SIGINT)
    assert await run.process.ended(within=20) == 0
    events, messages = run.rows("SELECT * FROM event"), run.rows("SELECT id, token FROM attempt")

    again = await trial(processes, client)
    assert again.site != run.site
    assert "aftercare key add" in again.key
    assert again.rows("SELECT * FROM event") == events
    assert set(again.rows("SELECT id, token FROM attempt")) >= set(messages)
    assert again.rows("SELECT reminder FROM attempt GROUP BY 1 HAVING count(*) > 1") == []
    await again.process.stops()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a running process cannot be given a limit")
async def test_while_the_disk_is_full_it_says_so_and_takes_nothing_in_and_then_goes_on(
    processes: Processes, client: Client
) -> None:
    """A limit on what the process may write to files does to it what a full disk does."""
    run = await trial(processes, client)
    limits = psutil.Process(run.process.pid)
    room = limits.rlimit(psutil.RLIMIT_FSIZE)
    limits.rlimit(psutil.RLIMIT_FSIZE, (1, room[1]))

    event = visit(1, clock.now())
    status, problem = await post_event(client, run.site, run.key, event)
    assert (status, problem["code"]) == (503, "database-unavailable")
    await until(lambda: refuses_writes(client, run.site), "readiness turns red")

    limits.rlimit(psutil.RLIMIT_FSIZE, room)
    await until(lambda: answers(client, f"{run.site}/readyz", run.process), "it is ready again")
    assert (await post_event(client, run.site, run.key, event))[0] == 201
    await run.until_captured(AT_ONCE)
    await run.process.stops()


async def refuses_writes(client: Client, site: str) -> bool:
    answer = await client.get(f"{site}/readyz").build().send()
    return answer.status == 503 and "database-refuses-writes" in await answer.text()


async def test_a_port_that_is_taken_is_told_in_a_sentence(processes: Processes) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await processes.command("run", settings={"PORT": str(port)})
    assert ended.code == 2
    assert ended.err.startswith(f"aftercare: PORT: cannot listen on port {port} (address already in use)")
    assert ended.err.count("\n") == 1
