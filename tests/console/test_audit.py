"""What staff look at and do on their pages is written down: each message once an hour, lists not at all."""

import sqlalchemy as sa

from service.store.tables import Attempt, Audit, Reminder, core
from tests.console.conftest import HOUR, Console
from tests.support.seed import NOW

AUDIT, REMINDER = core(Audit), core(Reminder)


async def lines(console: Console) -> list[tuple[str, str, str]]:
    async with console.database.read() as connection:
        rows = await connection.execute(sa.select(AUDIT).where(AUDIT.c.clinic == "glow").order_by(AUDIT.c.id))
        return [(row.who, row.act, row.client) for row in rows]


async def test_a_message_that_is_opened_is_noted_once_however_often_the_page_looks_for_news(console: Console) -> None:
    async with console.database.read() as connection:
        attempts = (
            await connection.execute(sa.select(core(Attempt).c.id).where(core(Attempt).c.clinic == "glow"))
        ).all()
    visitor = await console.signed_in()
    address = f"/console/messages/{attempts[0].id}"
    for _ in range(3):
        assert (await visitor.get(address)).status == 200
    assert await lines(console) == [("staff:owner", "message-read", "c-17")]
    console.clock.now = NOW + 2 * HOUR
    await visitor.get(address)
    assert len(await lines(console)) == 2
    assert (await visitor.get("/console/treatments")).status == 200
    assert len(await lines(console)) == 2, "a list is not logged row by row"


async def test_what_is_not_ones_own_is_neither_shown_nor_noted(console: Console) -> None:
    async with console.database.read() as connection:
        theirs = (await connection.execute(sa.select(REMINDER.c.id).where(REMINDER.c.clinic == "blush"))).first()
    assert theirs is not None
    assert (await (await console.signed_in()).get(f"/console/reminders/{theirs.id}")).status == 404
    assert await lines(console) == []
