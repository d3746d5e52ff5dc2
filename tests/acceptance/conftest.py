"""Fixtures of real processes: whatever a test does to them, they end with it, and what they said is looked through."""

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from pyreqwest.client import Client, ClientBuilder

from tests.acceptance.live import PERSONAL, SECRETS, Live, living
from tests.conftest import new_migrated_database
from tests.support.postgres import Server
from tests.support.processes import Processes, running
from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.warm import Warm, warmed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows the last words of every process."""
    report = yield
    processes = getattr(item, "funcargs", {}).get("processes")
    if report.when == "call" and report.failed and processes is not None:
        report.sections += [(process.title, process.last_words()) for process in processes.all]
    return report


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm | None]:
    """What processes are forked from."""
    with warmed() as warm:
        yield warm


@pytest.fixture
def cold() -> None:
    """For tests that are about a start too: their processes are started as an operator starts them."""


@pytest.fixture
async def processes(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    warm = None if "cold" in request.fixturenames else request.getfixturevalue("warm")
    async with running(tmp_path, warm) as processes:
        yield processes
    for title, words in processes.words():
        for hidden in (*SECRETS, *PERSONAL):
            assert hidden not in words, f"{title} said {hidden!r}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with ClientBuilder().no_proxy().follow_redirects(False).build() as client:
        yield client


@pytest.fixture
async def live(postgres_server: Server, sandbox: Sandbox, processes: Processes) -> AsyncIterator[Live]:
    async with living(await new_migrated_database(postgres_server), sandbox, processes) as live:
        yield live
