"""Health: alive, ready with a fresh worker, red with none or a silent one, and what is counted."""

import asyncio
import math
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from service.http.health import Readiness
from service.store.session import Database
from service.store.workers import beat, sign_off
from tests.http.serving import FRESH, Web
from tests.support.house import House, visit

WORKER = uuid4()


async def problems(house: House) -> list[str]:
    return await Readiness(house.database, FRESH).problems()


async def beats(house: House) -> None:
    async with house.database.write() as connection:
        await beat(connection, WORKER, house.clock())


async def test_it_is_ready_while_a_workers_heartbeat_is_fresh(house: House) -> None:
    assert await problems(house) == ["no-worker"]
    await beats(house)
    assert await problems(house) == []
    house.clock.moment += FRESH
    assert await problems(house) == []
    house.clock.advance(microseconds=1)
    assert await problems(house) == ["worker-silent"]
    await beats(house)
    assert await problems(house) == []


async def test_many_who_ask_at_once_cost_one_check(house: House) -> None:
    await beats(house)
    begun: list[object] = []
    sa.event.listen(house.database.engine.sync_engine, "begin", begun.append)
    readiness = Readiness(house.database, FRESH)
    assert await asyncio.gather(*(readiness.problems() for _ in range(50))) == [[]] * 50
    assert len(begun) == 1


async def test_a_worker_that_signed_off_is_none(house: House) -> None:
    await beats(house)
    async with house.database.write() as connection:
        await sign_off(connection, WORKER, house.clock())
    assert await problems(house) == ["no-worker"]


async def test_one_fresh_worker_is_enough_whatever_died_beside_it(house: House) -> None:
    async with house.database.write() as connection:
        await beat(connection, uuid4(), house.clock() - timedelta(hours=3))
        await beat(connection, WORKER, house.clock())
    assert await problems(house) == []


async def test_a_database_that_takes_no_writes_is_red(postgres_house: House) -> None:
    house = postgres_house
    await beats(house)
    async with house.database.write() as connection:
        name = house.database.url.database
        await connection.execute(sa.text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    await house.database.engine.dispose()
    assert await problems(house) == ["database-refuses-writes"]


async def test_looking_leaves_nothing_behind(house: House) -> None:
    await beats(house)
    for _ in range(3):
        await problems(house)
    async with house.database.read() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM worker")) == 1


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
async def test_however_often_it_is_asked_it_looks_every_two_seconds(house: House) -> None:
    class Counting(Database):
        looked = 0

        def write(self):  # type: ignore[no-untyped-def]
            self.looked += 1
            return super().write()

    database = Counting(house.database.url.render_as_string())
    readiness = Readiness(database, FRESH)
    for _ in range(5):
        await readiness.problems()
    assert database.looked == 1
    readiness._checked_at = -math.inf
    await readiness.problems()
    assert database.looked == 2
    await database.close()


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
async def test_by_http_health_is_a_status_and_metrics_are_text(web: Web) -> None:
    alive, ready = await web.send("GET", "/healthz", key=""), await web.send("GET", "/readyz", key="")
    assert (alive.status, alive.json) == (200, {"status": "ok"})
    assert (ready.status, ready.json) == (503, {"status": "not ready", "problems": ["no-worker"]})
    await web.post(visit(time=None, treatment__ended_at="2025-11-20T15:00:00Z"))
    metrics = await web.send("GET", "/metrics", key="")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'aftercare_events_total{result="recorded",type="treatment.completed"}' in metrics.text
    assert "glow" not in metrics.text


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
async def test_by_http_a_fresh_worker_turns_it_green(house: House, web: Web) -> None:
    await beats(house)
    ready = await web.send("GET", "/readyz", key="")
    assert (ready.status, ready.json) == (200, {"status": "ready", "problems": []})
