"""Where it is played: a durable PostgreSQL, the sandbox, web and workers as processes that are started again whenever
they end, and between each of them and the rest of the world a gate that can be shut.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import asyncpg
from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError
from sqlalchemy.ext.asyncio import AsyncConnection

from chaos.clinics import clinics, write_home
from chaos.disk import Disk, small_disk
from service import clock
from service.clinics import add_clinic
from service.store.keys import issue_key
from service.store.lanes import pause_sender, resume_senders
from service.store.schema import migrate
from service.store.session import Database
from service.store.signals import notify
from tests.acceptance.gate import Gate, gate_before
from tests.support.guarded import guard_moves
from tests.support.postgres import Server, postgres
from tests.support.processes import Process, Processes, free_port, running, until
from tests.support.sandbox import Sandbox, running_sandbox

DEADLINE, LEASE, LOOK_UP = 2, 4, 8
"""Seconds, in the order that must hold: minutes of a real house are seconds here."""
WORKERS = 3
_SECRET_KEY = "gorse-feldspar-otter-" * 2
_WORKS = "worker started"
"""A worker says so."""
_LOOK_EVERY = 0.1
_ON_A_SMALL_DISK = ("max_wal_size = 160MB",)
_FAKETIME = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"),
)


@dataclass
class Actor:
    """A web or worker process that is started again when it has ended, and its gates."""

    name: str
    processes: Processes
    settings: Mapping[str, str]
    database: Gate
    provider: Gate | None
    clocks: Callable[[], Mapping[str, str]]
    works: Callable[[Process], Awaitable[bool]]
    """Whether a process of it has come up."""
    process: Process | None = None
    attended: list[tuple[datetime, datetime]] = field(default_factory=list)
    """From when to when it was up, standing still or not."""
    _up_since: datetime | None = None

    @property
    def up(self) -> bool:
        return self._up_since is not None

    def strike(self, number: signal.Signals) -> bool:
        """Send it a signal; False where it is not up: what has not begun to work is not worth a blow."""
        if self.process is None or not self.process.running or not self.up:
            return False
        self.process.signal(number)
        return True

    async def keep_up(self) -> None:
        """As a platform does: start it, and again whenever it has ended."""
        while True:
            if self.process is None or not self.process.running:
                self.rest()
                settings = {**self.settings, **self.clocks()}
                self.process = self.processes.start(self.name.partition("-")[0], settings=settings)
            elif not self.up and await self.works(self.process):
                self._up_since = clock.now()
            await asyncio.sleep(_LOOK_EVERY)

    def rest(self) -> None:
        """It is not up any more."""
        if self._up_since is not None:
            self.attended.append((self._up_since, clock.now()))
        self._up_since = None


@dataclass
class Stage:
    folder: Path
    server: Server
    database: Database
    """Straight to PostgreSQL, past the gates."""
    dsn: str
    sandbox: Sandbox
    workers: list[Actor]
    web: Actor
    url: str
    keys: Mapping[str, str]
    """API keys by clinic."""
    shifts: "Shifts"
    disk: Disk | None
    """The database's; None where none of its own could be mounted."""

    @property
    def actors(self) -> list[Actor]:
        return [self.web, *self.workers]

    async def until_up(self) -> None:
        """Every worker works, and web answers."""

        async def up() -> bool:
            return all(actor.up for actor in self.actors)

        await until(up, "all processes are up")

    async def end_sessions(self, count: int) -> int:
        """End so many sessions of the processes, at random; how many it were."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return int(await connection.fetchval(_END_SOME, count))
        finally:
            await connection.close()

    async def pause(self, clinic: str, sender: str) -> None:
        await self.database.transact(lambda connection: _pause(connection, clinic, sender))

    async def resume(self, clinic: str) -> None:
        await self.database.transact(lambda connection: _resume(connection, clinic))


class Shifts:
    """Wrong clocks: each start of a worker may get another one. Without libfaketime all clocks are right."""

    def __init__(self, dice: Callable[[], float]) -> None:
        self._library = next((path for path in _FAKETIME if path.exists()), None)
        self._dice = dice
        self.on = True
        self.shifted = 0

    @property
    def possible(self) -> bool:
        return self._library is not None

    def __call__(self) -> Mapping[str, str]:
        if self._library is None or not self.on or self._dice() < 0.4:
            return {}
        self.shifted += 1
        seconds = round((self._dice() * 2 - 1) * 3600)
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME": f"{seconds:+d}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


@asynccontextmanager
async def set_up(folder: Path, seed: int, dice: Callable[[], float]) -> AsyncIterator[Stage]:
    """Everything is up when this is entered, and all of it is gone when it is left."""
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(small_disk())
        place = disk.folder if disk else None
        server = stack.enter_context(postgres(durable=True, place=place, settings=_ON_A_SMALL_DISK))
        name = await _new_database(server)
        database = Database(server.url(name), pool=5)
        stack.push_async_callback(database.close)
        keys = await _furnish(database)
        sandbox = await stack.enter_async_context(
            running_sandbox(seed=seed, ledger=folder / "ledger.ndjson", sent_after=0.2, delivered_after=1.0)
        )
        processes = await stack.enter_async_context(running(folder))
        port = free_port()
        settings = _settings(write_home(folder / "home"), sandbox, port)
        shifts = Shifts(dice)
        make = partial(_actor, stack, processes, settings, server.dsn(name), sandbox.url)
        url = f"http://127.0.0.1:{port}"
        web = await make("web", dict, lambda _: _answers(sandbox.client, f"{url}/healthz"))
        workers = [await make(f"worker-{number}", shifts, _says_so) for number in range(WORKERS)]
        await sandbox.send_events_to(f"{url}/callbacks/sendgrid/events/email")
        stage = Stage(folder, server, database, server.dsn(name), sandbox, workers, web, url, keys, shifts, disk)
        keeping = [asyncio.create_task(actor.keep_up(), name=actor.name) for actor in stage.actors]
        stack.push_async_callback(_stop_keeping, keeping)
        await stage.until_up()
        yield stage


async def _says_so(worker: Process) -> bool:
    return _WORKS in worker.err


async def _answers(client: Client, address: str) -> bool:
    try:
        return (await client.get(address).build().send()).status == 200
    except PyreqwestError:
        return False


async def _stop_keeping(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _actor(
    stack: AsyncExitStack,
    processes: Processes,
    settings: Mapping[str, str],
    dsn: str,
    provider: str,
    name: str,
    clocks: Callable[[], Mapping[str, str]],
    works: Callable[[Process], Awaitable[bool]],
) -> Actor:
    database = await stack.enter_async_context(gate_before(dsn))
    own = {**settings, "DATABASE_URL": database.dsn}
    gate = None
    if name != "web":
        gate = await stack.enter_async_context(gate_before(f"{provider}/"))
        address = gate.dsn.rstrip("/")
        own |= {"TWILIO_BASE_URL": address, "SENDGRID_BASE_URL": address}
    return Actor(name, processes, own, database, gate, clocks, works)


def _settings(home: Path, sandbox: Sandbox, port: int) -> Mapping[str, str]:
    return {
        "AFTERCARE_HOME": str(home),
        "AFTERCARE_SECRET_KEY": _SECRET_KEY,
        "AFTERCARE_HOST": "127.0.0.1",
        "AFTERCARE_LOG_LEVEL": "info",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TWILIO_BASE_URL": sandbox.url,
        "TWILIO_ACCOUNT_SID": sandbox.account_sid,
        "TWILIO_AUTH_TOKEN": sandbox.auth_token,
        "SENDGRID_BASE_URL": sandbox.url,
        "SENDGRID_API_KEY": sandbox.api_key,
        "SENDGRID_WEBHOOK_KEY": sandbox.sendgrid_public_key,
        "AFTERCARE_SENDING__DEADLINE": f"{DEADLINE} seconds",
        "AFTERCARE_SENDING__LEASE": f"{LEASE} seconds",
        "AFTERCARE_SENDING__LOOK_UP_AFTER": f"{LOOK_UP} seconds",
        "AFTERCARE_SENDING__RETRY_BASE": "200 milliseconds",
        "AFTERCARE_SENDING__RETRY_CAP": "5 seconds",
        "AFTERCARE_PUMPING__BLOCK": "10000",
        "AFTERCARE_PUMPING__CLINIC": "100000000",
        "AFTERCARE_RECOVERY__PROBE_AFTER": "2 seconds",
        "AFTERCARE_RECEIPTS__TEXTS_EVERY": "15 seconds",
        "AFTERCARE_WORKER__TICK": "1 second",
        "AFTERCARE_WORKER__SLOTS": "50",
        "AFTERCARE_WORKER__BATCH": "20",
        "AFTERCARE_WORKER__DRAIN": "10 seconds",
    }


async def _new_database(server: Server) -> str:
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute("CREATE DATABASE chaos")
    finally:
        await connection.close()
    await _migrate(server.url("chaos"))
    return "chaos"


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await migrate(database)
        await guard_moves(database)
    finally:
        await database.close()


async def _furnish(database: Database) -> Mapping[str, str]:
    """Clinics and their keys; the key of each lets its system report visits."""
    keys = {}
    async with database.write() as connection:
        now = await database.now(connection)
        for clinic in clinics():
            await add_clinic(connection, clinic, now)
            keys[clinic.id] = await issue_key(connection, clinic.id, now)
    return keys


async def _pause(connection: AsyncConnection, clinic: str, sender: str) -> None:
    await pause_sender(connection, (clinic, sender), "chaos", clock.now())


async def _resume(connection: AsyncConnection, clinic: str) -> None:
    now = clock.now()
    await resume_senders(connection, clinic, now)
    await notify(connection, now)


_END_SOME = """
    SELECT count(pg_terminate_backend(pid)) FROM (
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        ORDER BY random() LIMIT $1
    ) AS chosen
"""
