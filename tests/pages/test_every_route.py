"""Every address of the clients' pages by links that lead nowhere: one answer to all of them, and nothing changes."""

import sqlalchemy as sa
from fastapi.routing import APIRoute
from sqlmodel import SQLModel

from service.links import LENGTH, Links
from service.pages import PageParts, pages_router
from service.words import Words
from tests.console.visitor import Answer
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import erased
from tests.pages.visiting import BASE, KINDS, SECRETS, Clients, glow, visited
from tests.support.house import shipped

FORM = [("shown", kind) for kind in KINDS] + [("language", "es"), ("pause", "")]
MARKS = ("Ada", "447400123456", "ada@example", "c-17", "visit-8812", "Glow")


def routes_of(clients: Clients) -> set[tuple[str, str]]:
    words = Words(shipped().templates, shipped().protocols, clients.links)
    router = pages_router(PageParts(clients.house.database, words, shipped().protocols, clients.links))
    return {
        (method, route.path)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
        if "{token}" in route.path
    }


async def rows(clients: Clients) -> dict[str, list[str]]:
    async with clients.house.database.read() as connection:
        return {
            name: sorted(map(str, await connection.execute(sa.select(table))))
            for name, table in SQLModel.metadata.tables.items()
        }


@on_sqlite
async def test_a_link_that_is_nobodys_answers_alike_whatever_is_wrong_with_it(kind: str, migrated_url: str) -> None:
    async with visited(migrated_url, glow(), glow(id="blush", name="Blush Clinic")) as clients:
        token = await clients.opened_text()
        gone = await clients.opened_text(
            id="e-2", treatment__id="visit-2", client__ref="c-2", client__phone="07400123457"
        )
        await clients.house.take(erased(client={"ref": "c-2"}))
        sent = await clients.newest()
        wrong = {
            "of a client who was erased": gone,
            "never sent": Links(BASE, SECRETS).new().token,
            "of another secret": Links(BASE, ["another-secret-of-more-than-32-characters"]).new().token,
            "a letter's case": token.swapcase(),
            "the stored name": sent.token,
            "its beginning": sent.token[:LENGTH],
            "an id": str(sent.id),
            "short": token[:-1],
            "long": token + "a",
        }
        before, tried = await rows(clients), 0
        async with clients.house.database.write():  # somebody else's turn at writing, which guesses do not wait for
            for method, path in sorted(routes_of(clients)):
                answers = {what: await asked(clients, method, path, nobodys) for what, nobodys in wrong.items()}
                assert {answer.status for answer in answers.values()} == {404}, (method, path)
                assert len({str(answer) for answer in answers.values()}) == 1, (method, path)
                assert not [mark for mark in MARKS if mark in answers["short"].text], (method, path)
                tried += len(answers)
        assert tried == len(wrong) * 8
        assert await rows(clients) == before


async def asked(clients: Clients, method: str, path: str, token: str) -> Answer:
    address, reader = path.replace("{token}", token), clients.reader()
    return await (reader.post(address, FORM) if method == "POST" else reader.get(address, method))
