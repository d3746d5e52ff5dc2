"""A real web process over a house: uvicorn on a free port in the test's own loop, spoken to by HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.http.serving import Web, serving
from tests.support.house import House


@pytest.fixture
async def web(house: House) -> AsyncIterator[Web]:
    async with serving(house) as web:
        yield web
