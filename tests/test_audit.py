"""The audit log: every act leaves its line, in the transaction of the act; nothing changes a line."""

import re
from pathlib import Path

import pytest

import service
from service.acts.acts import Cancel, Who
from service.acts.performing import Acts
from service.authoring import Change, TemplateBook
from service.errors import Conflict
from service.store.tables import Audit, Reminder
from service.store.templates import TemplateKey
from service.types import Medium
from tests.dispatch.acting import on_sqlite
from tests.support.house import CLINIC, House, shipped, visit

OURS = "{{ clinic.name }}: sunscreen from today, please. Worried? Call {{ location.urgent_phone }}"


async def told(house: House) -> list[tuple[str, str, str, str]]:
    return sorted((row.who, row.act, row.about, row.client) for row in await house.rows(Audit))


async def test_an_act_that_is_performed_is_noted_and_one_that_is_refused_or_was_done_is_not(house: House) -> None:
    await house.take(visit())
    first, *_ = await house.rows(Reminder)
    acts, owner = Acts(house.database), Who("staff", "owner")
    await acts.perform(CLINIC, first.id, Cancel(), owner)
    await acts.perform(CLINIC, first.id, Cancel(), owner)
    with pytest.raises(Conflict):
        await acts.perform(CLINIC, (await house.rows(Reminder))[1].id, Cancel(), owner, version="0-0")
    assert await told(house) == [("staff:owner", "reminder-cancel", str(first.id), "c-17")]


@on_sqlite
async def test_what_authors_do_to_words_is_noted_with_the_words_place(house: House) -> None:
    book = TemplateBook(house.database, shipped())
    key = TemplateKey("microneedling", "day-1-sunscreen", Medium.SMS, "en")
    change = Change("Grace", who="key:ac_1f2e3d4c")
    number, _ = await book.save(CLINIC, key, OURS, change)
    await book.preview(CLINIC, key, number)
    await book.publish(CLINIC, key, number, Change("Grace", based_on=number, who=change.who))
    what = {"protocol": key.protocol, "step": key.step, "medium": "", "locale": ""}
    await book.hold(CLINIC, what, change)
    await book.release(CLINIC, what, change.who)
    assert {(who, act) for who, act, _, _ in await told(house)} == {
        (change.who, act) for act in ("template-saved", "template-published", "template-held", "template-released")
    }
    assert {about for _, _, about, _ in await told(house)} == {
        "microneedling/day-1-sunscreen", "microneedling/day-1-sunscreen/en/sms.txt"}  # fmt: skip


def test_lines_are_added_and_read_and_only_age_takes_them() -> None:
    root = Path(service.__file__).parent
    changing = re.compile(r"\bAUDIT\.(update|delete)\(|core\(Audit\)\.(update|delete)\(")
    assert [path.name for path in root.rglob("*.py") if changing.search(path.read_text())] == []
    users = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if "core(Audit)" in path.read_text()}
    assert users == {"store/audit.py", "store/dossier.py", "store/retention.py"}
