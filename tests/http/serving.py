"""The application of a house behind a real server, and the few requests that tests make."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
from pyreqwest.client import Client, ClientBuilder

from service.acts import Acts
from service.authoring import TemplateBook
from service.console import ConsoleParts
from service.http.auth import Keys
from service.http.callbacks import callbacks_router
from service.http.events import EventLimits
from service.http.health import Readiness
from service.http.records import records_router
from service.http.reminders import reminders_router
from service.http.templates import templates_router
from service.reasons import SENTENCES
from service.receipts import Receipts
from service.store.keys import issue_key
from service.types import Json
from service.web import WebServer, web_app
from service.words import Words
from tests.support.house import CLINIC, House, shipped

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 20
FRESH = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.text)

    def is_problem(self, status: int, code: str) -> bool:
        """Whether it is a problem of this status and code, said in the one form that all errors have."""
        kind, found = self.headers["content-type"], self.json
        assert (kind, found["status"], found["type"]) == (
            "application/problem+json", self.status, f"urn:aftercare:problem:{found['code']}",
        )  # fmt: skip
        assert found["title"]
        assert found["detail"]
        assert found["errors"][0]["code"] == found["code"]
        return (self.status, found["code"]) == (status, code)


@dataclass(frozen=True, slots=True)
class Web:
    house: House
    port: int
    key: str
    client: Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def send(
        self, method: str, path: str, body: bytes | None = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """`key`: another than the clinic's own; empty for none."""
        key = self.key if key is None else key
        given = {"Authorization": f"Bearer {key}"} if key else {}
        request = self.client.request(method, self.url + path).headers(given | headers)
        response = await (request.body_bytes(body) if body is not None else request).build().send()
        return Answer(response.status, {**response.headers}, await response.text())

    async def post(self, value: Json | list[Any] | bytes, **how: Any) -> Answer:
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        return await self.send("POST", "/v1/events", body, **how)

    async def issue(self, scopes: str = "events:write", clinic: str = CLINIC) -> str:
        async with self.house.database.write() as connection:
            return await issue_key(connection, clinic, self.house.clock(), scopes=scopes)


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[Web]:
    """The web process of a house, and a key of its clinic."""
    async with serving_without_key(house) as web:
        yield replace(web, key=await web.issue())


@asynccontextmanager
async def serving_without_key(house: House) -> AsyncIterator[Web]:
    content = shipped()
    words = Words(content.templates, content.protocols)
    keys = Keys(house.database)
    app = web_app(
        house.intake,
        keys,
        EventLimits(BODY_LIMIT, BATCH_LIMIT, timedelta(hours=24)),
        Readiness(house.database, FRESH),
        callbacks_router({}, Receipts(house.database), ""),
        ConsoleParts(house.database, content.protocols, words.show, ["k" * 40], SENTENCES),
        templates_router(TemplateBook(house.database, content), keys),
        reminders_router(house.database, keys, Acts(house.database, house.due.append)),
        records_router(house.database, keys),
    )
    server = WebServer(app, "127.0.0.1", 0)
    running = asyncio.create_task(server.run())
    try:
        async with ClientBuilder().no_proxy().build() as client:
            yield Web(house, server.port, "", client)
    finally:
        server.stop()
        await running
