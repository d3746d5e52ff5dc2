"""Every address of the console, whichever there are: closed to who is not signed in, and to forms from elsewhere."""

from urllib.parse import quote
from uuid import UUID

import sqlalchemy as sa
from fastapi.routing import APIRoute
from sqlalchemy.pool import QueuePool
from sqlmodel import SQLModel

from service.console.parts import ConsoleParts
from service.console.routes import console_router
from service.store.tables import Attempt, Reminder, Treatment, core
from tests.console.conftest import Console, authors_of
from tests.console.visitor import FROM_HERE, Answer, Visitor

OPEN = {"/", "/console/sign-in", "/console/static/{name}", "/console/{rest:path}"}
"""Whoever comes may see these, the last of which has nothing to show."""


def routes_of(console: Console) -> list[tuple[str, str]]:
    parts = ConsoleParts(
        database=console.database,
        protocols={},
        authors=authors_of(console.database),
        show=console.show,
        secret_keys=console.keys,
        sentences={},
    )
    return [
        (method, route.path)
        for route in console_router(parts).routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def filled(path: str) -> str:
    for name in ("{attempt}", "{reminder}"):
        path = path.replace(name, str(UUID(int=7)))
    return path.replace("{", "").replace(":path}", "").replace("}", "")


async def test_who_is_not_signed_in_sees_nothing_and_forms_from_elsewhere_do_nothing(console: Console) -> None:
    stranger, owner, tried = console.visitor(), await console.signed_in(), 0
    for method, path in routes_of(console):
        tried += 1
        if method == "POST":
            for visitor in (stranger, owner):
                answer = await visitor.post(filled(path), {"sec-fetch-site": "cross-site"})
                assert answer.status == 403, (path, answer.status)
        elif path not in OPEN:
            answer = await stranger.get(filled(path))
            assert (answer.status, answer.headers.get("location")) == (303, "/console/sign-in"), path
    assert tried > 15


async def test_no_page_holds_a_connection_while_it_asks_for_another(console: Console) -> None:
    """Else as many pages at once as the pool has connections would wait for each other."""
    owner, pool, peaks = await console.signed_in(), console.database.engine.pool, []

    @sa.event.listens_for(pool, "checkout")
    def _(*_: object) -> None:
        assert isinstance(pool, QueuePool)
        peaks.append(pool.checkedout())

    async with console.database.read() as connection:
        attempt, reminder = [await connection.scalar(sa.select(core(one).c.id)) for one in (Attempt, Reminder)]
    known = {"{attempt}": str(attempt), "{reminder}": str(reminder), "{protocol}": "microneedling", "{act}": "hold"}
    for method, path in routes_of(console):
        if path == "/console/sign-out":
            continue
        for name, value in known.items():
            path = path.replace(name, value)  # noqa: PLW2901
        peaks.clear()
        form = {"step": "day-1-sunscreen", "medium": "sms", "locale": "en"}
        answer = await (owner.get(filled(path)) if method == "GET" else owner.post(filled(path), FROM_HERE, **form))
        assert max(peaks, default=1) == 1, (method, path)
        assert answer.status < 500, (method, path)
        assert answer.headers.get("location") != "/console/sign-in", (method, path)


async def test_every_page_says_what_browsers_may_do_with_it(console: Console) -> None:
    owner = await console.signed_in()
    for method, path in routes_of(console):
        if method == "GET" and path not in OPEN:
            answer = await owner.get(filled(path))
            assert "default-src 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["cache-control"] == "no-store", path


async def test_another_clinics_things_are_to_every_route_what_does_not_exist(console: Console) -> None:
    theirs, absent = await things_of(console, "glow"), dict.fromkeys(("{attempt}", "{reminder}"), str(UUID(int=7)))
    stranger, before, named = await console.signed_in("blush"), await rows_of(console, "glow"), 0
    for method, path in routes_of(console):
        if path == "/console/sign-out":
            continue
        answers = [await asked(stranger, method, path, names) for names in (theirs, {**absent, "{treatment": "nobody"})]
        if any(name in path for name in theirs):
            named += 1
            texts = [forget(answer.text, theirs) for answer in answers]
            assert (answers[0].status, texts[0]) == (answers[1].status, forget(answers[1].text, absent)), path
            assert answers[0].status == 404, path
        assert not [mark for mark in ("visit of Ada", "c-17", "447400123456") if mark in answers[0].text], path
    assert named >= 6
    assert await rows_of(console, "glow") == before


async def things_of(console: Console, clinic: str) -> dict[str, str]:
    """By its place in an address, something of this clinic."""
    found = {}
    async with console.database.read() as connection:
        for place, table in (("{attempt}", core(Attempt)), ("{reminder}", core(Reminder))):
            found[place] = str(await connection.scalar(sa.select(table.c.id).where(table.c.clinic == clinic)))
        treatment = sa.select(core(Treatment).c.id).where(core(Treatment).c.clinic == clinic)
        return found | {"{treatment": str(await connection.scalar(treatment))}


async def asked(visitor: Visitor, method: str, path: str, names: dict[str, str]) -> Answer:
    for name, value in (names | {"{protocol}": "microneedling", "{act}": "cancel"}).items():
        path = path.replace(name, quote(value))
    form = {"step": "day-1-sunscreen", "medium": "sms", "locale": "en"}
    return await (visitor.get(filled(path)) if method == "GET" else visitor.post(filled(path), FROM_HERE, **form))


def forget(text: str, names: dict[str, str]) -> str:
    for value in names.values():
        text = text.replace(value, "")
    return text


async def rows_of(console: Console, clinic: str) -> dict[str, list[str]]:
    async with console.database.read() as connection:
        return {
            name: sorted(map(str, await connection.execute(sa.select(table).where(table.c.clinic == clinic))))
            for name, table in SQLModel.metadata.tables.items()
            if "clinic" in table.c
        }
