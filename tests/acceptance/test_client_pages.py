"""What a client's mail program and phone do with the links of real messages, by real HTTP."""

from datetime import timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from service import clock
from service.store.tables import Consent, core
from tests.acceptance.live import ATTEMPT, Live, email, phone
from tests.support import house
from tests.support.processes import until

CONSENT = core(Consent)


async def test_a_nudge_is_unsubscribed_from_with_one_click_and_its_links_open(live: Live) -> None:
    web = await live.web()
    worker = await live.worker()
    ended_at = (clock.now() - timedelta(days=29)).isoformat()
    event = house.visit(
        time=ended_at, treatment__ended_at=ended_at, client__phone=phone(1), client__email=email(1),
        client__consent={"rebook": ["email"], "care": []},
    )  # fmt: skip
    assert (await live.post(event))[0] == 201

    async def sent() -> str:
        rows = await live.rows(sa.select(ATTEMPT.c.pinned).where(ATTEMPT.c.state == "accepted"))
        return str(rows[0].pinned["links"]["preferences"]) if rows else ""

    link = await until(sent, "the nudge is out")
    path = urlsplit(link).path
    assert link == live.url + path

    client = live.sandbox.client
    for page in ("a", "p", "u"):
        address = live.url + path.replace("/p/", f"/{page}/")
        assert (await client.get(address).build().send()).status == 200
        assert (await client.head(address).build().send()).status == 200
    assert [row.granted for row in await live.rows(sa.select(CONSENT).where(CONSENT.c.source == "client"))] == []

    one_click = client.post(live.url + path.replace("/p/", "/u/")).body_bytes(b"List-Unsubscribe=One-Click")
    assert (await one_click.build().send()).status == 200
    (row,) = await live.rows(sa.select(CONSENT).where(CONSENT.c.source == "client"))
    assert (row.purpose, row.medium, row.granted) == ("rebook", "email", False)
    await worker.stops()
    await web.stops()
    token = path.rpartition("/")[2]
    assert token not in web.out + web.err + worker.out + worker.err
