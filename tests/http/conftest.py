"""A real web process over a house: uvicorn on a free port in the test's own loop, spoken to by HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from pyreqwest.client import ClientBuilder

from tests.conftest import new_migrated_file
from tests.http.serving import Web, serving
from tests.support.house import House, close_house, open_house


@pytest.fixture
async def web(house: House) -> AsyncIterator[Web]:
    async with serving(house) as web:
        yield web


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
    """One for all cases of a module that change nothing, in the module's loop: building the application takes longer
    than to be refused by it."""
    path = tmp_path_factory.mktemp("refusing") / "aftercare.db"
    house = await open_house(await new_migrated_file(path, tmp_path_factory.getbasetemp()))
    # While other tests run this loop stands still and hangs up on nobody in time: each request has a connection.
    async with serving(house) as web, ClientBuilder().no_proxy().pool_max_idle_per_host(0).build() as client:
        yield replace(web, client=client)
    await close_house(house)
