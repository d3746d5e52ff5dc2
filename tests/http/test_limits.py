"""Limits by key: generous, counted by key, and told with the time to wait."""

import asyncio

import pytest

from service.errors import TooMany
from service.http.limits import Buckets, RateLimit, Turns
from service.store.tables import ApiKey
from tests.dispatch.acting import on_sqlite
from tests.http.serving import Web, serving
from tests.support.house import House


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that tests set."""
    now = [100.0]
    monkeypatch.setattr("service.clock.monotonic", lambda: now[0])
    return now


def test_a_bucket_empties_and_fills_again_and_refusals_cost_nothing(moments: list[float]) -> None:
    buckets = Buckets(RateLimit(rate=2, burst=3))
    for _ in range(3):
        buckets.take("ac_1")
    for _ in range(5):
        with pytest.raises(TooMany) as caught:
            buckets.take("ac_1")
    assert caught.value.retry_after == 1
    buckets.take("ac_2")
    moments[0] += 0.5
    buckets.take("ac_1")
    with pytest.raises(TooMany):
        buckets.take("ac_1")
    moments[0] += 3600
    for _ in range(3):
        buckets.take("ac_1")
    with pytest.raises(TooMany):
        buckets.take("ac_1")


def test_a_slow_rate_says_how_long_to_wait(moments: list[float]) -> None:
    buckets = Buckets(RateLimit(rate=0.1, burst=1))
    buckets.take("ac_1")
    with pytest.raises(TooMany) as caught:
        buckets.take("ac_1")
    assert caught.value.retry_after == 10


@on_sqlite
async def test_who_asks_too_often_is_told_when_to_go_on_and_others_are_not_slowed(house: House) -> None:
    async with serving(house, limit=RateLimit(rate=1, burst=2)) as web:
        answers = await asyncio.gather(*(web.send("GET", "/v1/clinic/senders") for _ in range(40)))
        over = [answer for answer in answers if answer.status == 429]
        assert {answer.status for answer in answers} == {403, 429}
        assert all(answer.is_problem(429, "rate-limited") and answer.headers["retry-after"] == "1" for answer in over)
        assert (await web.send("GET", "/v1/clinic/senders", key=await web.issue("plans:read"))).status == 200


@on_sqlite
async def test_a_key_that_is_used_says_since_when(web: Web) -> None:
    assert (await web.house.rows(ApiKey))[0].last_used_at is None
    await web.send("GET", "/v1/clinic/senders")
    assert (await web.house.rows(ApiKey))[0].last_used_at == web.house.clock()


async def test_a_clinic_has_one_turn_at_a_time_and_others_do_not_wait_for_it() -> None:
    turns, go_on, order = Turns(most_waiting=1), asyncio.Event(), []

    async def counted(clinic: str, number: int) -> None:
        async with turns.turn(clinic):
            order.append(number)
            await go_on.wait()

    tasks = [asyncio.create_task(counted("glow", number)) for number in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await counted("glow", 3)
    tasks.append(asyncio.create_task(counted("dusk", 4)))
    await asyncio.sleep(0)
    assert order == [1, 4]
    go_on.set()
    await asyncio.gather(*tasks, counted("glow", 5))
    assert order == [1, 4, 2, 5]
    assert turns._queues == {}
