"""What a clinic's system reported in vain, mended in a real browser."""

from playwright.async_api import Browser, expect

from service.store.refusals import record_refusals
from service.store.tables import Treatment, core
from tests.browser.conftest import IN_A_BROWSER, PHONE, faults_by_day_and_night, signed_in
from tests.console.conftest import HOUR, Console
from tests.console.test_reported import MISSING
from tests.support import seed
from tests.support.seed import ADA, NOW

pytestmark = IN_A_BROWSER


async def test_a_code_is_given_its_meaning_on_a_phone(console: Console, chromium: Browser, address: str) -> None:
    treatment = core(Treatment)
    async with console.database.write() as connection:
        await seed.add_treatment(connection, "glow", ADA, NOW - 2 * HOUR, [], id="unplanned")
        named = treatment.c.id == "unplanned"
        await connection.execute(treatment.update().where(named).values(state="unmapped", protocol="MN-60"))
        await record_refusals(connection, "glow", [MISSING], NOW - HOUR)
    someone = await signed_in(console, chromium, address, size=PHONE)
    page = someone.page
    await page.get_by_role("link", name="Attention").click()
    await page.get_by_text("1 event was refused").click()
    await expect(page.get_by_text("it is required, and was left out")).to_be_visible()
    assert not await faults_by_day_and_night(page)
    await page.get_by_label("What MN-60 means").select_option("microneedling")
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.get_by_role("status")).to_contain_text("1 visit that waited for it is planned")
    await expect(page.get_by_role("heading", name="Visits without a plan")).to_have_count(0)
    assert not someone.problems
