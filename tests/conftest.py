"""Fixtures that every room's tests share: an empty and a migrated database of each kind."""

import gc
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import settings
from sqlmodel import SQLModel

from service.store import session
from service.store.schema import migrate
from service.store.session import Database
from tests.support.compiled import share_compiled
from tests.support.guarded import guard_moves
from tests.support.house import House, close_house, open_house
from tests.support.postgres import Server, postgres

# A busy machine is no finding, so there are no deadlines. `make test ARGS=--hypothesis-profile=thorough` looks longer.
settings.register_profile("house", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("house")

gc.set_threshold(10_000)  # what is loaded and collected from here on never becomes garbage

prepare_sqlite = session._prepare_sqlite


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """As ever, but what tests store need not survive a power cut: their PostgreSQL waits for no disk either."""
    prepare_sqlite(connection, _record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


session._prepare_sqlite = _prepare_sqlite
share_compiled()

_LONG: tuple[tuple[str, ...], ...] = (
    ("tests/acceptance",),
    ("tests/browser",),
    ("tests/test_state_machine.py", "tests/imports/test_command.py", "tests/http/test_fuzz.py"),
)
"""What takes seconds a test, by what it needs to be started (processes, a browser): each begins the share of another
worker, so that none is left alone with all of it at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    beginnings: list[list[pytest.Item]] = [[] for _ in range(workers)]
    quick: list[pytest.Item] = []
    for item in items:
        long = next((number for number, places in enumerate(_LONG) if item.nodeid.startswith(places)), None)
        (quick if long is None else beginnings[long % workers]).append(item)
    items[:] = _in_shares(beginnings, quick)


def _in_shares(beginnings: list[list[pytest.Item]], quick: list[pytest.Item]) -> list[pytest.Item]:
    """In an order of which `--dist worksteal` gives each worker one beginning: it cuts it into equal parts."""
    ordered: list[pytest.Item] = []
    left = len(quick) + sum(map(len, beginnings))
    for number, beginning in enumerate(beginnings):
        share = left // (len(beginnings) - number)
        left -= share
        room = max(0, share - len(beginning))
        ordered += beginning + quick[:room]
        quick = quick[room:]
    return ordered + quick


def pytest_collection_finish() -> None:
    """Looking again and again through what has been loaded up to here took a sixth of the time of all tests."""
    gc.collect()
    gc.freeze()


_numbers = itertools.count(1)
_migrated: dict[str, str] = {}
"""By server or folder: a migrated database that nobody uses. Copying it is quicker than migrating anew."""
_free: dict[str, list[str]] = {}
"""By server: addresses of migrated databases that tests are done with."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database; a test that takes one of the fixtures below runs on SQLite and on PostgreSQL."""
    return str(request.param)


@pytest.fixture
async def database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if kind == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/aftercare.db"
    return await new_postgres_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
async def migrated_url(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of a migrated database that holds nothing."""
    if kind == "sqlite":
        yield await new_migrated_file(tmp_path / "aftercare.db", tmp_path_factory.getbasetemp())
        return
    async with lent_database(request.getfixturevalue("postgres_server")) as url:
        yield url


async def new_postgres_database(server: Server, template: str = "template1") -> str:
    name = f"t{next(_numbers)}"
    connection = await asyncpg.connect(server.dsn())
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    await connection.close()
    return server.url(name)


@asynccontextmanager
async def lent_database(server: Server) -> AsyncIterator[str]:
    """A migrated database, emptied afterwards for the next test: that is quicker than a new one, and takes no room."""
    free = _free.setdefault(server.dsn(), [])
    url = free.pop() if free else await new_migrated_database(server)
    yield url
    if await _emptied(server.dsn(url.rpartition("/")[2])):
        free.append(url)


async def _emptied(dsn: str) -> bool:
    """Whether the database is as it was; one that a test has bent is not used again."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_END_OTHERS)
        await connection.execute(_EMPTY)
        return bool(await connection.fetchval("SELECT count(*) = 1 FROM schema_info"))
    except asyncpg.PostgresError:
        return False
    finally:
        await connection.close()


_FILLED = [table for table in SQLModel.metadata.tables if table != "schema_info"]
_EMPTY = f"""
    SET session_replication_role = replica;
    {"; ".join(f"DELETE FROM {table}" for table in _FILLED)}
"""  # noqa: S608 - names of our own tables
"""Deleting a few rows without looking at keys takes a twentieth of truncating, which makes new files for each table."""
_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid()
"""


async def new_migrated_database(server: Server) -> str:
    if server.dsn() not in _migrated:
        url = await new_postgres_database(server)
        await _migrate(url)
        _migrated[server.dsn()] = url.rpartition("/")[2]
    return await new_postgres_database(server, _migrated[server.dsn()])


async def new_migrated_file(path: Path, folder: Path) -> str:
    original = folder / "migrated.db"
    if str(folder) not in _migrated:
        _migrated[str(folder)] = str(original)
        await _migrate(f"sqlite+aiosqlite:///{original}")
    shutil.copyfile(original, path)
    return f"sqlite+aiosqlite:///{path}"


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await guard_moves(database)
    await database.close()


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """A migrated database of either kind."""
    database = Database(migrated_url)
    yield database
    await database.close()


@pytest.fixture
async def house(migrated_url: str) -> AsyncIterator[House]:
    """A clinic on either database, with a clock that tests move."""
    house = await open_house(migrated_url)
    yield house
    await close_house(house)


@pytest.fixture
async def postgres_house(postgres_server: Server) -> AsyncIterator[House]:
    """The same on PostgreSQL alone, for what only happens between several connections."""
    async with lent_database(postgres_server) as url:
        house = await open_house(url)
        yield house
        await close_house(house)
