"""What a clinic's system reported in vain: on the page of what needs someone, with what to do about it."""

from html import unescape

import pytest
import sqlalchemy as sa

from service.console import reported
from service.errors import Problem
from service.store.refusals import Refused, record_refusals
from service.store.tables import Audit, Event, Reminder, Sender, ServiceCode, Staff, Treatment, core
from tests.console.conftest import DAY, HOUR, Console
from tests.console.visitor import FROM_HERE
from tests.support import seed
from tests.support.seed import ADA, NOW

TREATMENT = core(Treatment)
MISSING = Refused("/pms/glow", "e-9", "treatment.completed", (Problem("missing-field", "data.client.ref", "x"),))


@pytest.fixture
async def vain(console: Console) -> Console:
    """A visit under a code without a meaning at each clinic, and an event that was refused at one."""
    async with console.database.write() as connection:
        for clinic in ("glow", "blush"):
            await seed.add_treatment(connection, clinic, ADA, NOW - 2 * HOUR, [], id="unplanned")
        named = TREATMENT.c.id == "unplanned"
        await connection.execute(TREATMENT.update().where(named).values(state="unmapped", protocol="microneedlng"))
        await record_refusals(connection, "glow", [MISSING], NOW - HOUR)
        await record_refusals(connection, "glow", [MISSING], NOW - HOUR)
    return console


async def as_role(console: Console, role: str) -> None:
    async with console.database.write() as connection:
        await connection.execute(core(Staff).update().values(role=role))


async def test_a_code_that_waits_for_a_meaning_is_mapped_where_it_stands(vain: Console) -> None:
    owner = await vain.signed_in()
    page = unescape((await owner.get("/console/attention")).text)
    assert "Did you mean Micro" in page
    assert '<option value="">Choose a protocol</option>' in page
    assert "selected" not in page.partition('name="protocol"')[2].partition("</select>")[0]
    answer = await owner.post("/console/codes", FROM_HERE, code="microneedlng", protocol="microneedling")
    assert (answer.status, answer.headers["location"]) == (303, "/console/attention?planned=1&soon=2")
    page = (await owner.get(answer.headers["location"])).text
    assert "1 visit that waited for it is planned" in page
    assert "2 messages fall due at once or within a day." in page
    assert "Visits without a plan" not in page
    async with vain.database.read() as connection:
        planned = sa.select(sa.func.count()).where(core(Reminder).c.treatment == "unplanned")
        assert (await connection.scalar(planned) or 0) > 5
        (line,) = (await connection.execute(sa.select(core(Audit)).where(core(Audit).c.act == "code-mapped"))).all()
        states = dict((await connection.execute(sa.select(TREATMENT.c.clinic, TREATMENT.c.state).where(
            TREATMENT.c.id == "unplanned"))).all())  # fmt: skip
    assert (line.clinic, line.who, line.about) == ("glow", "staff:owner", "microneedlng")
    assert states == {"glow": "planned", "blush": "unmapped"}


@pytest.mark.parametrize(
    ("form", "status", "why"),
    [
        ({"code": "microneedlng", "protocol": ""}, 422, "There is no protocol"),
        ({"code": "microneedlng", "protocol": "needling"}, 422, "There is no protocol"),
        ({"code": "never-seen", "protocol": "microneedling"}, 404, "Nothing here"),
        ({}, 404, "Nothing here"),
    ],
)
async def test_what_cannot_be_meant_is_said_and_nothing_changes(
    vain: Console, form: dict[str, str], status: int, why: str
) -> None:
    answer = await (await vain.signed_in()).post("/console/codes", FROM_HERE, **form)
    assert (answer.status, why in unescape(answer.text)) == (status, True)
    async with vain.database.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(core(ServiceCode))) == 0


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_only_an_owner_says_what_a_code_means(vain: Console, role: str) -> None:
    visitor = await vain.signed_in()
    await as_role(vain, role)
    page = (await visitor.get("/console/attention")).text
    assert "An owner of the clinic can say here" in page
    assert "<select" not in page
    answer = await visitor.post("/console/codes", FROM_HERE, code="microneedlng", protocol="microneedling")
    assert answer.status == 403


async def test_a_refused_event_is_told_with_what_to_do_until_it_is_taken(vain: Console) -> None:
    owner = await vain.signed_in()
    page = (await owner.get("/console/attention")).text
    assert "<b>e-9</b> treatment.completed from /pms/glow, 2 times" in page
    assert "<code>data.client.ref</code> it is required, and was left out." in page
    assert "refused" not in (await (await vain.signed_in("blush")).get("/console/attention")).text.partition("<main")[2]
    async with vain.database.write() as connection:
        taken = {"clinic": "glow", "source": "/pms/glow", "id": "e-9", "type": "", "time": NOW, "received_at": NOW,
                 "digest": "d", "body": {}, "treatment": "", "client": "", "state": "planned"}  # fmt: skip
        await connection.execute(core(Event).insert().values(taken))
    assert "was refused" not in (await owner.get("/console/attention")).text


async def test_only_the_latest_are_shown_and_those_of_the_last_thirty_days(
    vain: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reported, "SHOWN", 1)
    async with vain.database.write() as connection:
        await record_refusals(connection, "glow", [Refused("", "", "", (Problem("too-deep", "", "x"),))], NOW)
        old = Refused("/pms/glow", "e-old", "", (Problem("new-code", "data", "x"),))
        await record_refusals(connection, "glow", [old], NOW - 31 * DAY)
    page = (await (await vain.signed_in()).get("/console/attention")).text
    assert "An event without a name" in page
    assert "The message as a whole cannot be read" in page
    assert "e-9" not in page
    assert "GET /v1/refusals" in page
    assert "e-old" not in page


async def test_senders_that_send_nothing_now_are_named_with_the_reason(console: Console) -> None:
    sender = core(Sender)
    async with console.database.write() as connection:
        paused = {"paused_at": NOW - HOUR, "paused_reason": "credential"}
        ours = sender.update().where(sender.c.clinic == "glow")
        await connection.execute(ours.where(sender.c.medium == "email").values(paused))
        full = {"day_began_at": NOW - 20 * HOUR, "day_spent": 500, "open_at": NOW + 4 * HOUR}
        await connection.execute(ours.where(sender.c.medium == "sms").values(full))
    page = (await (await console.signed_in()).get("/console/attention")).text
    assert "No message needs you" in page
    assert "is paused since Sat 21 Nov, 10:42 in London. Credential." in page
    assert "has sent as much as it may in a day: 500 segments. It goes on Sat 21 Nov, 15:42 in London." in page
    assert "All is well" in (await (await console.signed_in("blush")).get("/console/attention")).text
