"""Fixtures that every room's tests share: a migrated database of each kind."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from service.store.schema import migrate
from service.store.session import Database
from tests.support.house import House, close_house, open_house
from tests.support.postgres import Server, postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of an empty database; a test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/aftercare.db"
        return
    server: Server = request.getfixturevalue("postgres_server")
    yield await new_postgres_database(server)


async def new_postgres_database(server: Server) -> str:
    name = f"t{next(_numbers)}"
    connection = await asyncpg.connect(server.dsn())
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return server.url(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of either kind."""
    database = Database(database_url)
    await migrate(database)
    yield database
    await database.close()


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A clinic on either database, with a clock that tests move."""
    house = await open_house(database_url)
    yield house
    await close_house(house)
