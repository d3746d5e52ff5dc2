"""A real server over a seeded database, and a real Chromium.

One Chromium serves all tests of a worker, as starting it costs more than most of them, so they share the session's
loop; what a test opens in it is closed after the test. A module here marks its tests with `IN_A_BROWSER`.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from service.console.address import sign_in_path
from service.store.session import Database
from service.web import WebServer
from tests.console.conftest import Clock, Console, furnished

__all__ = ["furnished"]

IN_A_BROWSER = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
AXE = (Path(__file__).parent / "axe.min.js").read_text()
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


@pytest_asyncio.fixture(loop_scope="session")
async def console(furnished: Path, tmp_path: Path) -> AsyncIterator[Console]:
    shutil.copy(furnished, tmp_path / "house.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/house.db", fixed_clock=(clock := Clock()))
    yield Console(database, clock)
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def address(console: Console) -> AsyncIterator[str]:
    """Where the console is served, on a free port of this machine."""
    server = WebServer(console.visitor().app, "127.0.0.1", 0)
    serving = asyncio.create_task(server.run())
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    await serving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def started_chromium() -> AsyncIterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        without_graphics = ["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer"]
        browser = await playwright.chromium.launch(executable_path=found, args=without_graphics)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def chromium(started_chromium: Browser) -> AsyncIterator[Browser]:
    """A browser that has nothing open."""
    yield started_chromium
    for context in started_chromium.contexts:
        await context.close()


async def faults_of(page: Page) -> list[tuple[Any, ...]]:
    """What axe-core finds on a page that keeps anyone out: contrast, names, roles, order, focus."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    found = await page.evaluate("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
    return [(fault["id"], fault["impact"], fault["nodes"][0]["html"]) for fault in found]


async def faults_by_day_and_night(page: Page) -> list[tuple[Any, ...]]:
    """The same in both colour schemes, once nothing moves any more; the page is light afterwards."""
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    dark = await faults_of(page)
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return dark + await faults_of(page)


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
