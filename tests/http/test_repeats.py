"""Idempotency-Key: carried out once and answered the same, by bearer key, for a day; and never for another request."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest

from service.http.keeping import Keeping
from service.store.kept_answers import claim
from service.store.tables import Decision, KeptAnswer
from tests.dispatch.acting import on_sqlite, the
from tests.http.serving import Answer, Web
from tests.support.house import CLINIC, NOON, said, visit

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
