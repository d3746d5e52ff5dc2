"""Idempotency-Key: carried out once and answered the same, by bearer key, for a day; and never for another request."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.http.keeping import Keeping
from service.http.limits import RateLimit
from service.store.kept_answers import claim, let_go
from service.store.tables import Decision, KeptAnswer
from tests.dispatch.acting import on_sqlite, the
from tests.http.serving import Answer, Web, serving
from tests.support.house import CLINIC, NOON, House, said, visit

DAY_ONE = "day-1-sunscreen"


@pytest.fixture
async def web(web: Web) -> Web:
    await web.house.take(visit())
    return Web(web.house, web.port, await web.issue("plans:read plans:write"), web.client)


async def move(web: Web, hour: str, name: str, **how: Any) -> Answer:
    row = await the(web.house, DAY_ONE)
    body = orjson.dumps({"to": f"2026-11-21T{hour}:30"})
    headers = {"Idempotency-Key": name}
    return await web.send("POST", f"/v1/reminders/{row.id}/move", body, **headers, **how)


async def test_the_same_request_is_carried_out_once_and_answered_the_same(web: Web) -> None:
    first = await move(web, "15", "one")
    await move(web, "16", "two")
    again = await move(web, "15", "one")
    assert (again.status, again.text, again.headers["etag"]) == (200, first.text, first.headers["etag"])
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert (await the(web.house, DAY_ONE)).due_at.hour == 16
    assert (await move(web, "17", "one")).is_problem(409, "idempotency-key-reused")
    web.house.clock.advance(hours=24)
    assert (await move(web, "17", "one")).status == 200


async def test_the_same_request_at_once_is_carried_out_once(web: Web) -> None:
    answers = await asyncio.gather(*(move(web, "15", "one") for _ in range(8)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert all(answer.is_problem(409, "idempotency-key-in-use") for answer in answers if answer.status == 409)
    assert len(await web.house.rows(Decision)) == 1


@on_sqlite
async def test_errors_are_not_kept_and_other_keys_see_nothing_of_it(web: Web) -> None:
    assert (await move(web, "22", "one")).is_problem(409, "in-quiet-hours")
    assert await web.house.rows(KeptAnswer) == []
    assert (await move(web, "15", "one")).status == 200
    reader = await web.issue("plans:read")
    assert (await move(web, "15", "one", key=reader)).is_problem(403, "missing-scope")
    assert (await move(web, "15", "one", key="ac_made_up")).is_problem(401, "invalid-key")
    assert (await move(web, "15", "")).is_problem(422, "invalid-idempotency-key")


@on_sqlite
async def test_who_may_not_ask_costs_no_write_and_each_request_counts_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.clock.monotonic", lambda: 100.0)
    async with serving(house, RateLimit(rate=1, burst=3)) as web:
        await web.send("GET", "/v1/clinic")  # the key is looked up, and its use noted
        writes = writes_of(house)
        answers = [await pause(web, name) for name in "aab"]
        assert [answer.json["code"] for answer in answers] == ["missing-scope", "missing-scope", "rate-limited"]
        assert writes == []
        operator = await web.issue("operator")
        answers = [await pause(web, name, key=operator) for name in "aabc"]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]


async def pause(web: Web, name: str, key: str | None = None) -> Answer:
    headers = {"Idempotency-Key": name}
    return await web.send("POST", "/v1/clinic/pause", None, key=key, **headers)


def writes_of(house: House) -> list[str]:
    """Every statement from here on that is none of a reader."""
    found: list[str] = []

    @sa.event.listens_for(house.database.engine.sync_engine, "before_cursor_execute")
    def _(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("SELECT"):
            found.append(statement)

    return found


class Interrupted:
    """A connection on which something happens between an insert and the select that follows it."""

    def __init__(self, connection: AsyncConnection, between: Any) -> None:
        self.dialect, self._connection, self._between = connection.dialect, connection, between

    async def execute(self, statement: Any) -> Any:
        if isinstance(statement, sa.Select):
            await self._between()
        return await self._connection.execute(statement)


async def test_what_is_let_go_while_another_asks_for_it_is_taken_by_that_one(house: House) -> None:
    name = (CLINIC, "ac_1", "one")
    async with house.database.write() as connection:
        assert await claim(connection, name, "a", NOON) is None
        other: Any = Interrupted(connection, lambda: let_go(connection, name, NOON))
        assert await claim(other, name, "b", NOON + timedelta(seconds=1)) is None
    assert [row.request for row in await house.rows(KeptAnswer)] == ["b"]


@on_sqlite
async def test_what_died_half_way_may_be_sent_again_after_a_minute(web: Web) -> None:
    name = (CLINIC, "ac_1", "one")
    async with web.house.database.write() as connection:
        assert await claim(connection, name, "a", NOON) is None
        row = await claim(connection, name, "a", NOON + timedelta(seconds=59))
        assert row is not None
        assert row.status is None
        assert await claim(connection, name, "a", NOON + timedelta(seconds=60)) is None


@on_sqlite
async def test_answers_are_forgotten_after_a_day_and_when_a_client_is_erased(web: Web) -> None:
    await move(web, "15", "one")
    assert await Keeping(web.house.database).run() is False
    assert len(await web.house.rows(KeptAnswer)) == 1
    await web.house.take(said("client.erased", client={"ref": "c-17"}))
    assert await web.house.rows(KeptAnswer) == []
    web.house.clock.advance(hours=25)
    async with web.house.database.write() as connection:
        await claim(connection, (CLINIC, "ac_1", "one"), "a", NOON)
    await Keeping(web.house.database).run()
    assert await web.house.rows(KeptAnswer) == []
