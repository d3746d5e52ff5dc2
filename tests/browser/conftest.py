"""A real server over a seeded database, and a real Chromium."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from service.console.address import sign_in_path
from service.store.session import Database
from service.web import WebServer
from tests.console.conftest import Clock, Console, furnish

DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


@dataclass
class Reader:
    """Someone at a browser. `problems` collects script errors and what the content policy stopped."""

    page: Page
    address: str
    problems: list[str]

    async def go(self, path: str) -> None:
        await self.page.goto(self.address + path)


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/console.db", fixed_clock=(clock := Clock()))
    await furnish(database)
    yield Console(database, clock)
    await database.close()


@pytest.fixture
async def address(console: Console) -> AsyncIterator[str]:
    """Where the console is served, on a free port of this machine."""
    server = WebServer(console.visitor().app, "127.0.0.1", 0)
    serving = asyncio.create_task(server.run())
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    await serving


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def reader(chromium: Browser, address: str, *, size: dict[str, int], scheme: str = "light") -> Reader:
    context = await chromium.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    return Reader(page, address, problems)


async def signed_in(
    console: Console, chromium: Browser, address: str, *, size: dict[str, int] = DESK, scheme: str = "light"
) -> Reader:
    """Comes in as people do: by the link and its button."""
    someone = await reader(chromium, address, size=size, scheme=scheme)
    await someone.go(sign_in_path(await console.link()))
    await someone.page.get_by_role("button", name="Sign in").click()
    await someone.page.wait_for_url("**/console")
    return someone
