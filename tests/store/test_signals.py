"""How processes hear of each other's work on PostgreSQL."""

import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.signals import listen, notify, notify_alert
from tests.support.house import House, visit


def dsn(house: House) -> str:
    return sa.make_url(house.database.url).set(drivername="postgresql").render_as_string(hide_password=False)


class Ear:
    """Collects what was heard."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[datetime] = asyncio.Queue()

    async def next(self) -> datetime:
        async with asyncio.timeout(20):
            return await self.heard.get()


async def test_a_listener_hears_what_commits_after_it_came_and_is_told_to_look_at_once(postgres_house: House) -> None:
    ear = Ear()
    listening = asyncio.create_task(listen(dsn(postgres_house), ear.heard.put_nowait))
    assert await ear.next() == datetime.min.replace(tzinfo=UTC)
    await postgres_house.take(visit())
    assert await ear.next() == datetime(2026, 11, 20, 17, tzinfo=UTC)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening


async def test_nothing_is_heard_of_what_did_not_commit(postgres_house: House) -> None:
    house, ear = postgres_house, Ear()
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    listening = asyncio.create_task(listen(dsn(house), ear.heard.put_nowait))
    await ear.next()

    async def tell_and_fail(connection: AsyncConnection) -> None:
        await notify(connection, first)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await house.database.transact(tell_and_fail)
    async with house.database.write() as connection:
        await notify(connection, second)
    assert await ear.next() == second
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening


async def test_an_alert_is_heard_apart_and_once_a_listener_comes(postgres_house: House) -> None:
    house, heard = postgres_house, asyncio.Semaphore(0)
    listening = asyncio.create_task(listen(dsn(house), lambda _: None, heard.release))
    async with asyncio.timeout(20):
        await heard.acquire()
        async with house.database.write() as connection:
            await notify_alert(connection)
        await heard.acquire()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening


async def test_on_sqlite_there_is_nobody_to_tell(house: House) -> None:
    async with house.database.write() as connection:
        await notify(connection, house.clock())
        await notify_alert(connection)
