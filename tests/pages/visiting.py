"""A clinic whose messages carry links, and a client who opens them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI

from service.clinics import NewClinic, NewPlace
from service.dispatch import Lease, Starter
from service.links import Links
from service.pages import PageParts, pages_router
from service.store.tables import Attempt
from service.types import Email, Outgoing, Sms
from service.words import Words
from tests.console.visitor import Answer, Visitor
from tests.dispatch.acting import TEN
from tests.support.house import House, clinic, close_house, open_house, shipped, visit

BASE = "https://care.example"
SECRETS = ("a-newer-secret-of-more-than-32-characters", "an-older-secret-of-more-than-32-characters")
KINDS = [f"{purpose}-{medium}" for purpose in ("care", "rebook", "review") for medium in ("sms", "email")]


def glow(**changes: Any) -> NewClinic:
    """A clinic with a colour, an urgent number and a place with a number of its own."""
    place = NewPlace("soho", "Glow Soho", phone="020 7946 0123", address="5 Frith Street, London")
    changes = {"urgent_phone": "020 7946 0999", "places": (place,), "brand": {"colour": "#d8b4a0"}} | changes
    return clinic(**changes)


@dataclass
class Clients:
    """The house, its links, and what its clients were sent."""

    house: House
    links: Links
    app: FastAPI
    sent: list[Outgoing] = field(default_factory=list)

    async def take_and_send(self, *events: Any) -> list[Outgoing]:
        """Take events in and send what is due; returns that."""
        if events:
            await self.house.take(*events)
        found = []
        for _ in range(4):
            found += [intent.outgoing for intent in (await self.house.dispatch()).intents]
        self.sent += found
        return found

    async def opened_text(self, **changes: Any) -> str:
        """The token in a care text whose words have the link to the page."""
        treatment = {"protocol": "ipl", "ended_at": (TEN - timedelta(days=1)).isoformat(), "location": "soho"}
        event = visit(**{f"treatment__{name}": value for name, value in treatment.items()} | changes)
        self.house.clock.moment = max(TEN, self.house.clock.moment)
        sms = [one for one in await self.take_and_send(event) if isinstance(one.message, Sms)]
        return token_in(sms[-1].message.text)

    async def opened_letter(self, purpose: str = "rebook", **changes: Any) -> Outgoing:
        """A letter of this purpose, by email: care of the next day, or the nudge to come again."""
        consent = {"care": ["email"], "rebook": ["email"]}
        event = visit(client__consent=consent, **changes)
        await self.house.take(event)
        self.house.clock.moment = TEN + timedelta(days=27 if purpose == "rebook" else 0)
        letters = await self.take_and_send()
        return letters[-1]

    def reader(self, links: Links | None = None) -> "Reader":
        return Reader(Visitor(self.app if links is None else app_of(self.house, links)))

    async def newest(self) -> Any:
        return max(await self.house.rows(Attempt), key=lambda row: row.created_at)


@dataclass
class Reader:
    """Someone with a link."""

    visitor: Visitor

    async def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return await self.visitor._ask(method, path, b"", headers)

    async def post(self, path: str, form: list[tuple[str, str]] | bytes = b"", **headers: str) -> Answer:
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        return await self.visitor._ask("POST", path, body, headers)

    async def choose(self, token: str, *on: str, shown: list[str] | None = None, **more: str) -> Answer:
        """Send the preference page's form as a browser would."""
        form = [("shown", name) for name in (KINDS if shown is None else shown)] + [("on", name) for name in on]
        return await self.post(f"/p/{token}", [*form, *({"language": "en", "pause": ""} | more).items()])


def token_in(text: str) -> str:
    found = re.search(rf"{re.escape(BASE)}/[apu]/(\w+)", text)
    assert found, text
    return found[1]


def token_of(outgoing: Outgoing) -> str:
    """Of any message that shows a link."""
    match outgoing.message:
        case Sms(text):
            return token_in(text)
        case Email(html=html):
            return token_in(html)


def path_of(address: str | None) -> str:
    assert address
    return urlsplit(address).path


def linked(house: House, links: Links) -> House:
    """The same house, whose messages carry links."""
    words = Words(shipped().templates, shipped().protocols, links)
    lease = Lease(timedelta(seconds=15), timedelta(seconds=60))
    return replace(house, starter=Starter(house.database, words, lease, lambda _medium, _token: None))


def app_of(house: House, links: Links) -> FastAPI:
    words = Words(shipped().templates, shipped().protocols, links)
    app = FastAPI()
    app.include_router(pages_router(PageParts(house.database, words, shipped().protocols, links)))
    return app


@asynccontextmanager
async def visited(url: str, *clinics: NewClinic) -> AsyncIterator[Clients]:
    house = await open_house(url, *(clinics or (glow(),)))
    links = Links(BASE, SECRETS)
    house = linked(house, links)
    try:
        yield Clients(house, links, app_of(house, links))
    finally:
        await close_house(house)
