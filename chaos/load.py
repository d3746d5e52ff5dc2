"""What clinics report meanwhile: visits, corrections of them, and clients who say STOP. Reported again until heard."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from sqlalchemy.ext.asyncio import AsyncConnection

from chaos.clinics import NORTH, NUMBERS, PAUSED, RESUMED, SOUTH, STEPS
from chaos.stage import Stage
from chaos.values import Stop
from service import clock
from service.store.session import TROUBLE
from service.store.tables import Recipient, core
from service.types import Json

RECIPIENT = core(Recipient)
_WEIGHTS = {NORTH: 5, SOUTH: 4, PAUSED: 1, RESUMED: 2}
_PROTOCOLS = {"resend": 4, "hold": 3, "both": 2}
_CORRECTED, _SHARED = 0.1, 0.08
_STOP_EVERY = 40
"""Visits."""


@dataclass(frozen=True, slots=True)
class Visit:
    clinic: str
    number: int
    protocol: str
    phone: int
    ended_at: datetime

    @property
    def treatment(self) -> str:
        return f"visit-{self.number}"

    def event(self, version: int, ended_at: datetime) -> Json:
        return {
            "specversion": "1.0",
            "id": f"e-{self.number}-{version}",
            "source": f"/pms/{self.clinic}",
            "type": "treatment.completed",
            "time": self.ended_at.isoformat(),
            "data": {
                "treatment": {
                    "id": self.treatment,
                    "protocol": self.protocol,
                    "ended_at": ended_at.isoformat(),
                    "version": version,
                },
                "course": {"id": f"course-{self.number}"},
                "client": {
                    "ref": f"c-{self.phone}",
                    "first_name": "Ada",
                    "phone": phone(self.phone),
                    "email": f"c{self.phone}@example.com",
                    "time_zone": "Europe/London",
                    "locale": "en",
                },
            },
        }


def phone(number: int) -> str:
    return f"+4474001{number:05}"


@dataclass
class Load:
    """`rate`: visits a second. Everything acknowledged is in `planned`."""

    stage: Stage
    seed: int
    rate: float
    planned: set[tuple[str, str, str]] = field(default_factory=set)
    earliest: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """By (clinic, treatment), the earliest time that was told of its end."""
    stops: list[Stop] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Answers that a clinic's system could make nothing of: there should be none."""
    posts: int = 0
    texted: int = 0
    """Of the stops, those that came as texts."""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        self._recent: deque[Visit] = deque(maxlen=60)
        self._posting: set[asyncio.Task[None]] = set()

    async def run(self, seconds: float) -> None:
        """Report visits for so long; returns when all of them have been heard."""
        ends = clock.monotonic() + seconds
        number = 0
        async with ClientBuilder().no_proxy().timeout(timedelta(seconds=10)).build() as client:
            while clock.monotonic() < ends:
                number += 1
                visit = self._visit(number)
                self._recent.append(visit)
                self._soon(self._report(client, visit))
                if number % _STOP_EVERY == 0:
                    self._soon(self._stop(self._dice.choice(self._recent)))
                await asyncio.sleep(self._dice.expovariate(self.rate))
            while self._posting:
                await asyncio.wait(self._posting)

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    def _visit(self, number: int) -> Visit:
        clinic = self._dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        protocol = self._dice.choices(list(_PROTOCOLS), list(_PROTOCOLS.values()))[0]
        known = [visit for visit in self._recent if visit.clinic == clinic]
        shared = known and self._dice.random() < _SHARED
        who = self._dice.choice(known).phone if shared else number
        return Visit(clinic, number, protocol, who, clock.now() + timedelta(seconds=self._dice.uniform(0, 12)))

    async def _report(self, client: Client, visit: Visit) -> None:
        corrected = self._dice.random() < _CORRECTED
        moved, wait = self._dice.uniform(-5, 10), self._dice.uniform(0, 8)
        await self._post(client, visit, 1, visit.ended_at)
        if corrected:
            await asyncio.sleep(wait)
            await self._post(client, visit, 2, visit.ended_at + timedelta(seconds=moved))

    async def _post(self, client: Client, visit: Visit, version: int, ended_at: datetime) -> None:
        """Again and again, as a clinic's system must, until it is acknowledged."""
        event, key = visit.event(version, ended_at), (visit.clinic, visit.treatment)
        self.earliest[key] = min(ended_at, self.earliest.get(key, ended_at))
        while True:
            self.posts += 1
            try:
                status, answer = await self._try(client, visit, event)
            except PyreqwestError:
                status, answer = 0, ""
            if status in {200, 201}:
                self.planned |= {(visit.clinic, visit.treatment, step) for step in STEPS[visit.protocol]}
                return
            if 400 <= status < 500 and status != 429:
                self.refused.append(f"{visit.treatment}: {status} {answer}")
                return
            await asyncio.sleep(0.5)

    async def _try(self, client: Client, visit: Visit, event: Json) -> tuple[int, str]:
        headers = {
            "authorization": f"Bearer {self.stage.keys[visit.clinic]}",
            "content-type": "application/cloudevents+json",
        }
        request = client.post(f"{self.stage.url}/v1/events").headers(headers).body_bytes(orjson.dumps(event)).build()
        response = await request.send()
        return response.status, await response.text()

    async def _stop(self, visit: Visit) -> None:
        """Somebody texts STOP; or takes consent away as a STOP does, by the recipient's row alone."""
        await (self._text_stop(visit) if self._dice.random() < 0.5 else self._suppress(visit))

    async def _text_stop(self, visit: Visit) -> None:
        """Posted again until it is heard, by a provider more patient than ours."""
        sid, address = "SM" + self._dice.randbytes(16).hex(), phone(visit.phone)
        url = f"{self.stage.url}/callbacks/twilio/inbound/{visit.clinic}.sms"
        while True:
            told = await self.stage.sandbox.send_inbound(
                url, number=address, body="STOP", to=NUMBERS[visit.clinic], sid=sid
            )
            if told["status"] == 200:
                self.texted += 1
                self.stops.append(Stop(visit.clinic, "sms", address, clock.now()))
                return
            await asyncio.sleep(0.5)

    async def _suppress(self, visit: Visit) -> None:
        address = phone(visit.phone)
        while True:
            try:
                stopped = await self.stage.database.transact(partial(_suppress, clinic=visit.clinic, address=address))
            except TROUBLE:
                await asyncio.sleep(0.5)
                continue
            if stopped:
                self.stops.append(Stop(visit.clinic, "sms", address, clock.now()))
            return


async def _suppress(connection: AsyncConnection, *, clinic: str, address: str) -> bool:
    done = await connection.execute(
        RECIPIENT.update()
        .where(RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == "sms", RECIPIENT.c.address == address)
        .values(suppressed_at=clock.now(), suppressed_reason="stop")
    )
    return done.rowcount > 0
