"""The console in a real browser: read, watched, narrow, dark, and for everyone."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import DESK, IN_A_BROWSER, PHONE, faults_by_day_and_night, faults_of, signed_in
from tests.console.conftest import HOUR, Console
from tests.support import seed
from tests.support.seed import ADA, NOW, Line

pytestmark = IN_A_BROWSER

PAGES = (
    "/console",
    "/console?show=coming",
    "/console?show=not-sent",
    "/console/attention",
    "/console/words",
    "/console/words/microneedling?locale=es&step=day-1-sunscreen&medium=email",
    "/console/treatments",
    "/console/treatments/visit%20of%20Ada",
    "/console/nothing",
    "/console/sign-in",
)


async def test_a_text_is_read_on_a_phone(console: Console, chromium: Browser, address: str) -> None:
    someone = await signed_in(console, chromium, address)
    page = someone.page
    await page.get_by_role("link", name="Day 1 sunscreen").click()
    await expect(page.locator(".phone .bubble")).to_have_text(
        "Glow: hi Ada, this is your day 1 sunscreen note. Questions? Call 020 7946 0123."
    )
    await expect(page.locator(".phone")).to_contain_text("Glow Skin Clinic")
    await expect(page.locator(".facts")).to_contain_text("Delivered")
    assert not someone.problems


async def test_a_letter_is_read_whole_and_is_only_paper(console: Console, chromium: Browser, address: str) -> None:
    someone = await signed_in(console, chromium, address)
    page = someone.page
    await page.get_by_role("link", name="Same day aftercare").click()
    await expect(page.get_by_role("heading", name="Glow: same day aftercare")).to_be_visible()
    frame = page.frame_locator("iframe[data-letter]")
    await expect(frame.locator("body")).to_contain_text("This is your same day aftercare letter.")
    inside = page.frames[1]
    assert await inside.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
    assert await inside.evaluate("getComputedStyle(document.body).fontFamily") == "Georgia, serif"
    assert not someone.problems


async def test_scripts_in_a_letter_do_not_run_and_its_links_lead_nowhere(
    console: Console, chromium: Browser, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "<a href='https://evil.example/'>away</a><script>parent.document.title = 'taken'</script>"
    monkeypatch.setattr(seed, "escape", lambda text: text + body)
    someone = await signed_in(console, chromium, address)
    page = someone.page
    await page.get_by_role("link", name="Same day aftercare").click()
    await page.frame_locator("iframe[data-letter]").get_by_role("link", name="away").first.click()
    assert await page.title() == "Messages · Aftercare"
    assert all("evil" not in frame.url for frame in page.frames)
    assert len(page.context.pages) == 1


async def test_a_plan_is_walked_by_keyboard(console: Console, chromium: Browser, address: str) -> None:
    someone = await signed_in(console, chromium, address)
    page = someone.page
    await page.get_by_role("link", name="Treatments", exact=True).click()
    await page.get_by_role("link", name="Micro-needling").click()
    steps = page.get_by_role("region", name="The plan").get_by_role("link")
    await expect(steps).to_have_count(6)
    await steps.nth(3).focus()
    await page.keyboard.press("Enter")
    sheet = page.get_by_role("region", name="The message")
    await expect(sheet).to_contain_text("Its time was over.")
    await expect(steps.nth(3)).to_be_focused()
    await expect(page.locator(".strip a")).to_have_count(6)
    assert not someone.problems


async def test_going_back_shows_the_message_before(console: Console, chromium: Browser, address: str) -> None:
    page = (await signed_in(console, chromium, address)).page
    await page.get_by_role("link", name="Same day aftercare").click()
    await expect(page.locator(".letter")).to_be_visible()
    await page.go_back()
    await expect(page.locator(".phone")).to_be_visible()


async def test_a_new_message_arrives_by_itself(console: Console, chromium: Browser, address: str) -> None:
    someone = await signed_in(console, chromium, address)
    page = someone.page
    await expect(page.locator("#list li")).to_have_count(2)
    async with console.database.write() as connection:
        line = Line("day-9-note", NOW, "captured", attempt="captured")
        await seed.add_treatment(connection, "glow", ADA, NOW - HOUR, [line])
    await expect(page.locator("#list li").first).to_contain_text("Day 9 note", timeout=15_000)
    await expect(page.locator(".phone .bubble").last).to_contain_text("day 9 note")
    await expect(page.locator("#list li.fresh")).to_have_count(1)
    assert not someone.problems


async def test_a_chosen_message_stays_while_others_arrive(console: Console, chromium: Browser, address: str) -> None:
    page = (await signed_in(console, chromium, address)).page
    await page.get_by_role("link", name="Same day aftercare").click()
    async with console.database.write() as connection:
        line = Line("day-9-note", NOW, "captured", attempt="captured")
        await seed.add_treatment(connection, "glow", ADA, NOW - HOUR, [line])
    await expect(page.locator("#list li").first).to_contain_text("Day 9 note", timeout=15_000)
    await expect(page.locator(".letter")).to_be_visible()
    await expect(page.locator("#list a[aria-current]")).to_contain_text("Same day aftercare")


async def test_a_phone_shows_the_list_then_the_message(console: Console, chromium: Browser, address: str) -> None:
    page = (await signed_in(console, chromium, address, size=PHONE)).page
    await expect(page.locator(".sheet")).to_be_hidden()
    await page.get_by_role("link", name="Day 1 sunscreen").click()
    await expect(page.locator(".phone .bubble")).to_be_visible()
    await expect(page.locator("#list")).to_be_hidden()
    await page.get_by_role("link", name="Messages").last.click()
    await expect(page.locator("#list")).to_be_visible()


async def test_no_page_scrolls_sideways_at_any_width(console: Console, chromium: Browser, address: str) -> None:
    someone = await signed_in(console, chromium, address)
    message = await someone.page.locator("#list a").first.get_attribute("href")
    assert message is not None
    for path in (*PAGES, message):
        await someone.go(path)
        for width in (320, 390, 560, 640, 899, 900, 1099, 1100, 1600):
            await someone.page.set_viewport_size({"width": width, "height": 800})
            assert await someone.page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


async def test_dark_is_dark(console: Console, chromium: Browser, address: str) -> None:
    paper = {}
    for scheme in ("light", "dark"):
        page = (await signed_in(console, chromium, address, scheme=scheme)).page
        paper[scheme] = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(247, 246, 243)", "dark": "rgb(19, 20, 19)"}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_nothing_keeps_anyone_out(
    console: Console, chromium: Browser, address: str, size: dict[str, int]
) -> None:
    """axe-core finds no fault on any page, by day or by night."""
    someone = await signed_in(console, chromium, address, size=size)
    links = await someone.page.locator("#list a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for path in (*PAGES, *links):
        await someone.go(path)
        assert not await faults_by_day_and_night(someone.page), path


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
async def test_what_needs_someone_is_settled_where_it_stands(
    console: Console, chromium: Browser, address: str, size: dict[str, int], scheme: str
) -> None:
    async with console.database.write() as connection:
        line = Line("day-3-check", NOW - HOUR, "needs_review", attempt="unknown", reason="ambiguous-at-provider")
        await seed.add_treatment(connection, "glow", ADA, NOW - 3 * HOUR, [line])
    someone = await signed_in(console, chromium, address, size=size, scheme=scheme)
    page = someone.page
    await page.get_by_role("link", name="Attention 1").click()
    await page.get_by_role("link", name="Day 3 check").click()
    await expect(page.locator(".story .stands")).to_contain_text("It waits for a person.")
    assert not await faults_of(page)
    await page.get_by_role("button", name="It went out").click()
    await expect(page.locator(".story .stands")).to_have_text("It was sent; the provider has not reported on it yet.")
    await expect(page.locator(".count")).to_have_count(0)
    assert not someone.problems
