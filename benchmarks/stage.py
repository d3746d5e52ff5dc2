"""What every measurement stands on: one durable PostgreSQL, and the sandbox as the sink, in a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import asyncpg
import orjson
from pyreqwest.client import ClientBuilder

from benchmarks.machine import Cost, cpu_seconds, family_cpu_seconds, until
from tests.support.postgres import Server, postgres
from tests.support.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent
_OURS = ("AFTERCARE_", "DATABASE_URL", "PUBLIC_URL", "SENDGRID_", "TWILIO_")


@dataclass
class Stage:
    """`sink` is the sandbox's process id; `folder` holds logs and whatever else a run leaves behind."""

    folder: Path
    server: Server
    sandbox: Sandbox
    sink: int
    _databases: int = 0

    async def new_database(self, like: str = "") -> str:
        """An empty database, or a copy of another that nobody is connected to; returns its name."""
        self._databases += 1
        name = f"run{self._databases}"
        copy = f' TEMPLATE "{like}" STRATEGY FILE_COPY' if like else ""
        await self.execute("postgres", f'CREATE DATABASE "{name}"{copy}')
        return name

    async def drop_database(self, name: str) -> None:
        await self.execute("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')

    async def execute(self, database: str, *statements: str) -> None:
        async with self.connection(database) as connection:
            for statement in statements:
                await connection.execute(statement)

    @asynccontextmanager
    async def connection(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.server.dsn(database))
        try:
            yield connection
        finally:
            await connection.close()

    def cost(self, workers: list[int]) -> Cost:
        """CPU spent so far by these workers, by all of PostgreSQL, and by the sink."""
        return Cost(cpu_seconds(workers), family_cpu_seconds(self._postmaster), cpu_seconds([self.sink]))

    @property
    def _postmaster(self) -> int:
        return int((self.server.folder / "data" / "postmaster.pid").read_text().split()[0])


@asynccontextmanager
async def set_up(folder: Path) -> AsyncIterator[Stage]:
    with postgres(durable=True) as server:
        async with python("benchmarks.sink", log=folder / "sink.log", hears=True) as sink:
            assert sink.stdout is not None
            info = orjson.loads(await sink.stdout.readline())
            async with ClientBuilder().no_proxy().build() as client:
                sandbox = Sandbox(
                    info["url"],
                    info["twilio_account_sid"],
                    info["twilio_auth_token"],
                    info["sendgrid_api_key"],
                    info["sendgrid_webhook_key"],
                    client,
                )
                yield Stage(folder, server, sandbox, sink.pid)


@asynccontextmanager
async def python(
    module: str, *arguments: str, log: Path, hears: bool = False, environment: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A module as a process; it is asked to end with the block, and killed where it does not.

    It runs in the folder of its log, where no `.env` lies; `hears` gives its standard output to the caller.
    """
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            cwd=log.parent,
            env=_bare() | {"PYTHONPATH": str(ROOT), **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if hears else file,
            stderr=file,
        )
    try:
        yield process
    finally:
        await _end(process)


def _bare() -> dict[str, str]:
    """This process's environment without settings of ours: what a developer has set must not be measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


async def until_ready(
    processes: Sequence[asyncio.subprocess.Process], is_ready: Callable[[], Awaitable[bool]], log: Path
) -> None:
    """Wait for processes to be ready; RuntimeError where one ended instead, or none came up in half a minute."""

    async def decided() -> bool:
        return _ended(processes) or await is_ready()

    if not await until(decided, within=30, look_every=0.1) or _ended(processes):
        raise RuntimeError(f"a process did not start: see {log}")


def _ended(processes: Sequence[asyncio.subprocess.Process]) -> bool:
    return any(process.returncode is not None for process in processes)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()
