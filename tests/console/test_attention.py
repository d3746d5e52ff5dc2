"""What needs someone, and what people do about it from its page."""

import re
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from service.store.tables import Decision, Reminder, Staff, core
from tests.console.conftest import DAY, HOUR, Console
from tests.console.visitor import FROM_HERE, Answer
from tests.support import seed
from tests.support.seed import ADA, NOW, Line

REMINDER = core(Reminder)
TROUBLE = [
    Line("day-1-check", NOW - 5 * HOUR, "needs_review", attempt="unknown", reason="ambiguous-at-provider"),
    Line("day-2-check", NOW - 4 * HOUR, "failed", attempt="failed", reason="not_textable"),
    Line("day-3-check", NOW - 3 * HOUR, "expired", reason="expired"),
    Line("day-4-check", NOW - 2 * HOUR, "needs_review", reason="no-words"),
]


@pytest.fixture
async def troubled(console: Console) -> Console:
    async with console.database.write() as connection:
        for clinic in ("glow", "blush"):
            await seed.add_treatment(connection, clinic, ADA, NOW - DAY, TROUBLE, id="troubled")
    return console


async def the(console: Console, step: str, clinic: str = "glow") -> Any:
    async with console.database.read() as connection:
        query = sa.select(REMINDER).where(REMINDER.c.clinic == clinic, REMINDER.c.step == step)
        return (await connection.execute(query)).first()


def titles(answer: Answer) -> list[str]:
    return re.findall(r'<span class="who"><b>[^<]*</b> ([^<]*)</span>', answer.text)


async def test_those_that_wait_for_a_person_come_first_then_the_latest(troubled: Console) -> None:
    page = await (await troubled.signed_in()).get("/console/attention")
    assert titles(page) == ["Day 4 check", "Day 1 check", "Day 3 check", "Day 2 check"]
    assert "2 messages wait for a person" in page.text


async def test_the_list_goes_on_from_any_of_its_lines(troubled: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.console.attention.PAGE", 1)
    visitor, seen, address = await troubled.signed_in(), [], "/console/attention"
    while address:
        page = await visitor.get(address)
        seen += titles(page)
        older = re.search(r'href="(/console/attention\?before=[^"]*)">Older', page.text)
        address = older[1] if older else ""
    assert seen == ["Day 4 check", "Day 1 check", "Day 3 check", "Day 2 check"]


async def test_nothing_needs_anyone(console: Console) -> None:
    page = await (await console.signed_in()).get("/console/attention")
    assert "All is well" in page.text
    assert 'class="count"' not in page.text


async def test_the_story_and_what_may_be_done_stand_beside_the_message(troubled: Console) -> None:
    row = await the(troubled, "day-1-check")
    page = await (await troubled.signed_in()).get(f"/console/attention?reminder={row.id}")
    assert "It was taken up for sending, by SMS." in page.text
    assert "It went out</button>" in page.text
    assert "Try again</button>" not in page.text


async def test_a_doubt_is_settled_and_the_line_says_by_whom(troubled: Console) -> None:
    row, visitor = await the(troubled, "day-1-check"), await troubled.signed_in()
    answer = await visitor.post(f"/console/reminders/{row.id}/resolve", FROM_HERE, **{"as": "sent"})
    assert (answer.status, answer.headers["location"]) == (303, f"/console/attention?reminder={row.id}#sheet")
    assert (await the(troubled, "day-1-check")).state == "sent"
    page = await visitor.get(answer.headers["location"].partition("#")[0])
    assert "Staff member owner settled that it was sent." in page.text
    assert titles(page) == ["Day 4 check", "Day 3 check", "Day 2 check"]


async def test_a_waiting_reminder_is_moved_in_the_clients_time(troubled: Console) -> None:
    row, visitor = await the(troubled, "day-2-sensitivity-check"), await troubled.signed_in()
    await visitor.post(f"/console/reminders/{row.id}/move", to="2026-11-22T15:30")
    assert (await the(troubled, row.step)).due_at.isoformat().startswith("2026-11-22T15:30")


@pytest.mark.parametrize(
    ("step", "act", "form", "status", "why"),
    [
        ("day-1-check", "cancel", {}, 409, "Nobody knows whether it went out"),
        ("day-2-sensitivity-check", "move", {"to": "2026-11-22T22:00"}, 409, "The client's quiet hours last until"),
        ("day-2-sensitivity-check", "move", {"to": "soon"}, 422, "This is no time"),
        ("day-2-sensitivity-check", "cancel", {"version": "0-0"}, 412, "It has changed since you saw it"),
    ],
)
async def test_what_may_not_be_done_is_said_on_the_page(
    troubled: Console, step: str, act: str, form: dict[str, str], status: int, why: str
) -> None:
    row, visitor = await the(troubled, step), await troubled.signed_in()
    answer = await visitor.post(f"/console/reminders/{row.id}/{act}", FROM_HERE, **form)
    assert (answer.status, why in unescape(answer.text)) == (status, True)
    assert (await the(troubled, step)) == row
    assert (await visitor.get(f"/console/reminders/{row.id}/{act}")).status == 200


async def test_forms_of_other_pages_and_of_those_who_only_read_are_refused(troubled: Console) -> None:
    row, visitor = await the(troubled, "day-4-check"), await troubled.signed_in()
    address = f"/console/reminders/{row.id}/cancel"
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        assert (await visitor.post(address, headers)).status == 403
    assert (await visitor.get(f"/console/reminders/{row.id}/cancel")).status == 200
    async with troubled.database.write() as connection:
        await connection.execute(core(Staff).update().values(role="viewer"))
    assert (await visitor.post(address)).status == 403
    assert "</button></form>\n  </section>" not in (await visitor.get("/console/attention")).text
    assert "Never send it" not in (await visitor.get("/console/attention")).text
    assert (await troubled.visitor().post(address)).headers["location"] == "/console/sign-in"
    assert (await the(troubled, "day-4-check")) == row


async def test_another_clinics_reminder_is_neither_shown_nor_acted_on(troubled: Console) -> None:
    foreign, visitor = await the(troubled, "day-4-check", "blush"), await troubled.signed_in()
    for answer in (
        await visitor.get(f"/console/attention?reminder={foreign.id}"),
        await visitor.post(f"/console/reminders/{foreign.id}/cancel"),
        await visitor.post(f"/console/reminders/{foreign.id}/burn"),
        await visitor.get(f"/console/reminders/{foreign.id}/cancel"),
    ):
        assert answer.status == 404
    assert (await the(troubled, "day-4-check", "blush")) == foreign
    async with troubled.database.read() as connection:
        assert (await connection.scalar(sa.select(sa.func.count()).select_from(core(Decision)))) == 2
