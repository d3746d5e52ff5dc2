"""`POST /v1/events` under wrk, beside a bare FastAPI route that reads the same event and stores nothing.

Each request carries events that nobody has reported before; what was answered with success must be in the database
afterwards. Everybody is a process of its own: the API, the bare route, PostgreSQL, and wrk with one thread.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from benchmarks.machine import cpu_seconds, quiet
from benchmarks.stage import Stage, python, until_ready
from benchmarks.visits import CLINIC, clinic, visits
from service import clock
from service.clinics import add_clinic
from service.store.keys import issue_key
from service.store.schema import migrate
from service.store.session import Database

_LOAD = Path(__file__).with_name("events.lua")
_WARMING_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """How many connections ask at once, and how many events each request carries."""

    connections: int
    batch: int

    def __str__(self) -> str:
        return f"{self.connections} connections, {self.batch} a request"


_SINGLE, _BATCHES = Load(64, 1), Load(4, 100)


@dataclass(frozen=True, slots=True)
class Serving:
    """What one route did in its turn. `lost`: events that were answered with success and are not stored."""

    who: str
    events_per_s: float
    p99_ms: float
    event_us: float
    """CPU of the serving process."""
    refused: int
    lost: int


def can_be_loaded() -> bool:
    """Whether wrk is there."""
    return shutil.which("wrk") is not None


async def serving(stage: Stage, seconds: int) -> list[Serving]:
    """Everyone in turn for so many seconds."""
    async with _bare_route(stage) as (process, url):
        bare = await _under_load("a bare FastAPI route", _SINGLE, url, process, seconds)
    return [bare, *[await _ours(stage, load, seconds) for load in (_SINGLE, _BATCHES)]]


async def _ours(stage: Stage, load: Load, seconds: int) -> Serving:
    name = await stage.new_database()
    key = await _a_clinic_with_a_key(stage.server.url(name))
    environment = {
        "DATABASE_URL": stage.server.dsn(name),
        "AFTERCARE_SECRET_KEY": "a-key-of-the-benchmark-that-protects-nothing",
        # No limit of ours should be measured: neither of requests by key, nor of new numbers that are alike.
        "AFTERCARE_API__RATE": "1000000",
        "AFTERCARE_API__BURST": "1000000",
        "AFTERCARE_PUMPING__BLOCK": "10000",
    }

    async def stored() -> int:
        async with stage.connection(name) as connection:
            return int(await connection.fetchval("SELECT count(*) FROM event"))

    async with _served(stage, "service.cli", "web", environment=environment) as (process, url):
        served = await _under_load("aftercare", load, url, process, seconds, key=key, stored=stored)
    await stage.drop_database(name)
    return served


async def _a_clinic_with_a_key(url: str) -> str:
    database = Database(url)
    try:
        await migrate(database)
        async with database.write() as connection:
            now = await database.now(connection)
            await add_clinic(connection, clinic(), now)
            return await issue_key(connection, CLINIC, now)
    finally:
        await database.close()


@asynccontextmanager
async def _bare_route(stage: Stage) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    async with _served(stage, "benchmarks.bare_route") as served:
        yield served


@asynccontextmanager
async def _served(
    stage: Stage, module: str, *arguments: str, environment: dict[str, str] | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    port = _free_port()
    log = stage.folder / "serving.log"
    settings = {"PORT": str(port), **(environment or {})}
    url = f"http://127.0.0.1:{port}"
    async with (
        python(module, *arguments, log=log, environment=settings) as process,
        ClientBuilder().no_proxy().build() as client,
    ):

        async def answers() -> bool:
            try:
                return (await client.get(f"{url}/healthz").build().send()).status == 200
            except PyreqwestError:
                return False

        await until_ready([process], answers, log)
        yield process, url


async def _under_load(
    who: str,
    load: Load,
    url: str,
    process: asyncio.subprocess.Process,
    seconds: int,
    *,
    key: str = "",
    stored: Callable[[], Awaitable[int]] | None = None,
) -> Serving:
    await _wrk(url, _WARMING_SECONDS, key, load, run="warming")
    await quiet()
    before = await stored() if stored else 0
    spent = cpu_seconds([process.pid])
    seen = await _wrk(url, seconds, key, load, run="measured")
    spent = cpu_seconds([process.pid]) - spent
    refused, taken = int(seen["refused"]) * load.batch, int(seen["requests"]) * load.batch
    kept = await stored() - before if stored else taken
    return Serving(
        who=f"{who}, {load}",
        events_per_s=taken / seen["seconds"],
        p99_ms=seen["p99_ms"],
        event_us=spent / taken * 1e6,
        refused=refused,
        # More may be there than was answered: those under way when the load ended.
        lost=max(0, taken - refused - kept),
    )


async def _wrk(url: str, seconds: int, key: str, load: Load, *, run: str) -> dict[str, float]:
    sample = next(visits(1, clock.now())).body
    environment = {"KEY": key, "BATCH": str(load.batch), "RUN": run, "EVENT": orjson.dumps(sample).decode()}
    process = await asyncio.create_subprocess_exec(
        *(
            "wrk",
            "-t1",
            f"-c{load.connections}",
            f"-d{seconds}s",
            "--timeout",
            "30s",
            "-s",
            str(_LOAD),
            f"{url}/v1/events",
        ),
        env=os.environ | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    figures: dict[str, float] = orjson.loads(out.splitlines()[-1])
    return figures


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
