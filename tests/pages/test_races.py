"""Clients choosing beside starts, on PostgreSQL: after the commit there is no new intent. Nothing depends on luck."""

import asyncio

from service.store.tables import Consent, core
from tests.pages.visiting import Clients, path_of, token_of
from tests.support.house import visit
from tests.support.races import in_the_way, until_waiting

CONSENT = core(Consent)
CARE = visit(id="e-2", treatment__id="visit-2", client__consent={"care": ["email"], "rebook": ["email"]})


async def nudge_due(clients: Clients) -> str:
    """A further nudge of hers is due; returns the unsubscribe address of one that she got."""
    letter = await clients.opened_letter("rebook")
    clients.house.clock.advance(days=14)
    await clients.house.starter.start(10)  # texts of this kind she never wanted: the letter is next
    return path_of(letter.unsubscribe_url)


async def test_an_unsubscribe_that_is_about_to_commit_is_waited_for_and_obeyed(postgres_clients: Clients) -> None:
    clients = postgres_clients
    path = await nudge_due(clients)
    async with in_the_way(clients.house.database, "SELECT 1 FROM consent WHERE purpose = 'rebook' FOR UPDATE"):
        leaving = asyncio.create_task(clients.reader().post(path))
        await until_waiting(clients.house.database)  # it holds the recipient and waits to write the consent
        starting = asyncio.create_task(clients.house.starter.start(10))
        await until_waiting(clients.house.database, 2)
    assert (await leaving).status == 200
    assert (await starting).intents == []


async def test_an_unsubscribe_waits_for_a_start_that_was_first(postgres_clients: Clients) -> None:
    clients = postgres_clients
    path = await nudge_due(clients)
    a_start = "SELECT 1 FROM recipient WHERE medium = 'email' FOR NO KEY UPDATE"
    async with in_the_way(clients.house.database, a_start):
        leaving = asyncio.create_task(clients.reader().post(path))
        await until_waiting(clients.house.database)
        assert list(await clients.house.rows(Consent, CONSENT.c.source == "client")) == []
    assert (await leaving).status == 200
    assert [row.granted for row in await clients.house.rows(Consent, CONSENT.c.source == "client")] == [False]


async def test_a_choice_and_an_event_of_the_same_client_take_turns(postgres_clients: Clients) -> None:
    """Whichever is first: what the client withdrew stays withdrawn."""
    clients = postgres_clients
    letter = await clients.opened_letter("rebook")
    async with in_the_way(clients.house.database, "SELECT 1 FROM client FOR UPDATE"):
        both = [
            asyncio.create_task(clients.house.take(CARE)),
            asyncio.create_task(clients.reader().post(f"/p/{token_of(letter)}", [("stop", "everything")])),
        ]
        await until_waiting(clients.house.database, 2)
    await asyncio.gather(*both)
    assert {(row.granted, row.source) for row in await clients.house.rows(Consent)} == {(False, "client")}
