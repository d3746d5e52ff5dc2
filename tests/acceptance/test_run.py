"""`aftercare run` in an empty folder: what a person sees who tries it, and what is still there the next time."""

import re
import signal
import socket
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psutil
import pytest
from pyreqwest.client import Client, ClientBuilder

from service import clock
from service.types import Json
from tests.acceptance.live import AT_ONCE, answers, post_event, visit
from tests.support.processes import Process, Processes, free_port, until

FALL_DUE_AT_ONCE = {
    "day-1-sunscreen",
    "day-2-sensitivity-check",
    "day-30-results-check",
    "next-session",
    "maintenance-due",
}

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


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with ClientBuilder().no_proxy().follow_redirects(False).build() as client:
        yield client


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


@dataclass(frozen=True)
class Greeting:
    site: str
    link: str
    key: str


async def start(processes: Processes, client: Client, port: int) -> tuple[Process, Greeting]:
    process = processes.start("run", settings={"PORT": str(port)})
    site = f"http://127.0.0.1:{port}"
    link = (await process.says(r"Sign in  (\S+)"))[1]
    key = (await process.says(r"API key  (.+)"))[1]
    await process.says(rf"Console  {site}/console\n")
    await until(lambda: answers(client, f"{site}/healthz", process), "the web answers")
    return process, Greeting(site, link, key)


def rows(processes: Processes, query: str) -> Sequence[Any]:
    file = processes.folder / ".aftercare" / "aftercare.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(query).fetchall()


def captured(processes: Processes) -> Counter[str]:
    """The outbox: how many messages of each step it holds."""
    query = "SELECT reminder.step FROM attempt JOIN reminder ON reminder.id = attempt.reminder"
    return Counter(step for (step,) in rows(processes, f"{query} WHERE attempt.state = 'captured'"))


async def until_captured(processes: Processes, *steps: str) -> None:
    async def all_there() -> bool:
        return captured(processes).keys() >= set(steps)

    await until(all_there, f"the outbox holds {', '.join(steps)}")


async def test_the_sample_clinic_s_messages_are_in_the_outbox_and_in_the_console_within_a_minute(
    processes: Processes, client: Client
) -> None:
    process, greeting = await start(processes, client, free_port())
    await until_captured(processes, *FALL_DUE_AT_ONCE)

    person = Person(client, greeting.site)
    await person.sign_in(greeting.link)
    page = await person.read("/console")
    for words in ("Day 1 sunscreen", "Day 2 sensitivity check", "Day 30 results check", "Next session", "Maintenance"):
        assert words in page
    texts = re.findall(r'href="(/console/messages/[0-9a-f-]+)', page)
    assert "Glow Skin Clinic" in await person.read(texts[0])
    assert "Ada" in await person.read("/console/treatments")

    first, again = [await post_event(client, greeting.site, greeting.key, OF_THE_DOCUMENTATION) for _ in range(2)]
    assert (first[0], again[0]) == (201, 200)
    plan, same_plan = (
        [(line["id"], line["step"], line["due_at"]) for line in answer["plan"]] for _, answer in (first, again)
    )
    assert plan == same_plan
    assert {step for _, step, _ in plan} >= FALL_DUE_AT_ONCE

    process.signal(signal.SIGINT)
    assert await process.ended(within=20) == 0


async def test_started_again_it_keeps_everything_and_sends_nothing_twice(processes: Processes, client: Client) -> None:
    process, _ = await start(processes, client, free_port())
    await until_captured(processes, *FALL_DUE_AT_ONCE)
    process.signal(signal.SIGINT)
    assert await process.ended(within=20) == 0
    events, messages = rows(processes, "SELECT * FROM event"), rows(processes, "SELECT id, token FROM attempt")

    other_port = free_port()
    process, greeting = await start(processes, client, other_port)
    assert "aftercare key add" in greeting.key
    await until(lambda: answers(client, f"{greeting.site}/readyz", process), "the worker works")
    assert rows(processes, "SELECT * FROM event") == events
    assert set(rows(processes, "SELECT id, token FROM attempt")) >= set(messages)
    assert rows(processes, "SELECT reminder FROM attempt GROUP BY 1 HAVING count(*) > 1") == []
    await process.stops()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a running process cannot be given a limit")
async def test_while_the_disk_is_full_it_says_so_and_takes_nothing_in_and_then_goes_on(
    processes: Processes, client: Client
) -> None:
    """A limit on what the process may write to files does to it what a full disk does."""
    process, greeting = await start(processes, client, free_port())
    readiness = f"{greeting.site}/readyz"
    await until(lambda: answers(client, readiness, process), "it is ready")
    limits = psutil.Process(process.pid)
    room = limits.rlimit(psutil.RLIMIT_FSIZE)
    limits.rlimit(psutil.RLIMIT_FSIZE, (1, room[1]))

    event = visit(1, clock.now())
    status, problem = await post_event(client, greeting.site, greeting.key, event)
    assert (status, problem["code"]) == (503, "database-unavailable")
    await until(lambda: refuses_writes(client, readiness), "readiness turns red")

    limits.rlimit(psutil.RLIMIT_FSIZE, room)
    await until(lambda: answers(client, readiness, process), "it is ready again")
    assert (await post_event(client, greeting.site, greeting.key, event))[0] == 201
    await until_captured(processes, AT_ONCE)
    await process.stops()


async def refuses_writes(client: Client, readiness: str) -> bool:
    answer = await client.get(readiness).build().send()
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
