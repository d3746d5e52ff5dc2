"""The application of a house behind a real server, and the few requests that tests make."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr
from pyreqwest.client import Client, ClientBuilder

from service.http.limits import RateLimit
from service.settings import Channels, Settings
from service.settings.model import Api
from service.settings.model import Intake as IntakeLimits
from service.store.keys import issue_key
from service.types import Json
from service.web import WebServer
from service.wiring.web import build_web
from tests.support.house import CLINIC, House, shipped

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 20
FRESH = timedelta(seconds=30)
DOCS = Path(__file__).parents[2] / "docs"
CODES = (DOCS / "api.md").read_text("utf-8").partition("## Error codes")[2] + (DOCS / "templates.md").read_text("utf-8")
UNLIMITED = RateLimit(1_000_000, 1_000_000)


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
        assert f"`{found['code']}`" in CODES, "docs/api.md lists it (or templates.md, of words)"
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
async def serving(house: House, limit: RateLimit = UNLIMITED) -> AsyncIterator[Web]:
    """The web process of a house, and a key of its clinic."""
    async with serving_without_key(house, limit) as web:
        yield replace(web, key=await web.issue())


@asynccontextmanager
async def serving_without_key(house: House, limit: RateLimit = UNLIMITED) -> AsyncIterator[Web]:
    settings = Settings(
        secret_keys=(SecretStr("k" * 40),),
        channels=Channels.OUTBOX,
        intake=IntakeLimits(body_limit=BODY_LIMIT, batch_limit=BATCH_LIMIT),
        api=Api(rate=limit.rate, burst=limit.burst),
    )
    app = build_web(settings, house.database, shipped(), house.intake, house.due.append)
    server = WebServer(app, "127.0.0.1", 0)
    running = asyncio.create_task(server.run())
    try:
        async with ClientBuilder().no_proxy().build() as client:
            yield Web(house, server.port, "", client)
    finally:
        server.stop()
        await running
