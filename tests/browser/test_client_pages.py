"""Clients' own pages in a real browser: on a phone and a desk, by day and by night, without scripts, for everyone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from service.store.attempts import suppress
from service.store.tables import Client, Consent, core
from service.web import WebServer
from tests.browser.conftest import DESK, IN_A_BROWSER, faults_by_day_and_night, reader
from tests.dispatch.acting import TEN, change
from tests.pages.visiting import Clients, token_of, visited

pytestmark = IN_A_BROWSER

NARROW = {"width": 320, "height": 640}
CLIENT = core(Client)
GRACE = {
    "id": "e-2", "treatment__id": "v-2", "client__ref": "c-2", "client__phone": "+447400123457",
    "client__email": "grace@example.com",
}  # fmt: skip
"""Another client, in Spanish, who has stopped texts, whose mailbox is suppressed, and who is having a break."""


@pytest_asyncio.fixture(loop_scope="session")
async def clients(tmp_path: Path) -> AsyncIterator[Clients]:
    async with visited(f"sqlite+aiosqlite:///{tmp_path}/pages.db") as clients:
        yield clients


@pytest_asyncio.fixture(loop_scope="session")
async def served(clients: Clients) -> AsyncIterator[str]:
    server = WebServer(clients.app, "127.0.0.1", 0)
    serving = asyncio.create_task(server.run())
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    await serving


@asynccontextmanager
async def without_scripts(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context(viewport=NARROW, java_script_enabled=False)  # type: ignore[arg-type]
    yield await context.new_page()
    await context.close()


async def test_a_text_s_link_leads_to_advice_and_on_to_the_preferences(
    clients: Clients, chromium: Browser, served: str
) -> None:
    token = await clients.opened_text()
    async with without_scripts(chromium) as page:
        await page.goto(f"{served}/a/{token}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Protecting your skin today")
        call = page.get_by_role("link", name="Call us: 020 7946 0999")
        assert await call.get_attribute("href") == "tel:02079460999"
        await page.get_by_role("link", name="Choose which messages you get").click()

        care = page.get_by_role("group", name="Aftercare")
        text = care.get_by_role("switch", name="Text message")
        await expect(text).to_be_checked()
        await text.focus()
        await page.keyboard.press("Space")
        await page.get_by_label("Language").select_option("Español")
        await page.get_by_label("No messages before").fill("2026-12-20")
        await page.get_by_role("button", name="Save").click()

        await expect(page.get_by_role("status")).to_have_text("Guardado. Vale desde ahora.")
        await expect(page.get_by_text("ningún mensaje antes del 20 de diciembre de 2026")).to_be_visible()
        switches = page.get_by_role("group", name="Cuidados").get_by_role("switch")
        await expect(switches.first).not_to_be_checked()
        await expect(switches.last).to_be_checked()
    (client,) = await clients.house.rows(Client)
    assert (client.locale_chosen, client.paused_until is not None) == ("es", True)


async def test_a_letter_s_link_unsubscribes_by_its_button_and_everything_can_be_stopped(
    clients: Clients, chromium: Browser, served: str
) -> None:
    letter = await clients.opened_letter("rebook")
    async with without_scripts(chromium) as page:
        await page.goto(f"{served}/u/{token_of(letter)}")
        await page.get_by_role("button", name="Unsubscribe").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
        await page.get_by_role("link", name="Choose other messages").click()
        await page.get_by_role("button", name="Stop all messages").click()
        await expect(page.get_by_role("status")).to_contain_text("You will get no more messages from Glow Clinic.")
        assert await page.get_by_role("switch", checked=True).count() == 0
    assert {row.granted for row in await clients.house.rows(Consent)} == {False}


async def test_nothing_keeps_anyone_out_of_the_pages(clients: Clients, chromium: Browser, served: str) -> None:
    """axe-core finds no fault on any page, nothing scrolls sideways, and nothing breaks the content policy."""
    text = await clients.opened_text(treatment__note="No retinol for 10 days.\nNo sauna.")
    letter = await clients.opened_letter("rebook", client__locale="es", **GRACE)
    async with clients.house.database.write() as connection:
        await suppress(connection, "glow", "sms", "+447400123457", reason="stop", now=TEN)
        for mailbox in ("grace@example.com", "ada@example.com"):
            await suppress(connection, "glow", "email", mailbox, reason="spam-report", now=TEN)
    await change(clients.house, Client, {"paused_until": TEN + timedelta(days=90)}, CLIENT.c.ref == "c-2")
    nudge = token_of(letter)
    paths = [
        f"/a/{text}",
        f"/a/{nudge}",
        f"/p/{text}?done=saved",
        f"/p/{nudge}?done=stopped",
        f"/u/{nudge}",
        "/p/aaaaaaaaaaaa",
    ]
    for size in (DESK, NARROW):
        someone = await reader(chromium, served, size=size)
        for path in paths:
            await someone.go(path)
            await check(someone.page, path)
        await someone.go(f"/p/{text}")
        await someone.page.get_by_label("No messages before").evaluate(
            "field => { field.type = 'text'; field.value = '2020-01-01' }"
        )
        await someone.page.get_by_role("button", name="Save").click()
        await expect(someone.page.get_by_role("alert")).to_be_visible()
        await check(someone.page, "a day that can not be chosen")
        assert not [problem for problem in someone.problems if not re.search("status of (404|422)", problem)]
    clients.house.clock.advance(days=400)
    await someone.go(f"/a/{text}")
    await expect(someone.page.get_by_role("link", name="Call us: 020 7946 0123")).to_be_visible()
    await check(someone.page, "closed")


async def check(page: Page, what: str) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), what
    assert not await faults_by_day_and_night(page), what
