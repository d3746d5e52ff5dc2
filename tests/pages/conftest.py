from collections.abc import AsyncIterator

import pytest

from tests.conftest import lent_database
from tests.pages.visiting import Clients, visited
from tests.support.postgres import Server


@pytest.fixture
async def clients(migrated_url: str) -> AsyncIterator[Clients]:
    async with visited(migrated_url) as clients:
        yield clients


@pytest.fixture
async def postgres_clients(postgres_server: Server) -> AsyncIterator[Clients]:
    async with lent_database(postgres_server) as url, visited(url) as clients:
        yield clients
