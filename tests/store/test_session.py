"""Connections and transactions: what is run again, what is not, and whose clock counts."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import session
from service.store.session import TROUBLE, Database, is_passing
from tests.conftest import prepare_sqlite
from tests.support.house import House, clinic, visit
from tests.support.races import in_the_way, until_waiting

NAME = sa.text("SELECT name FROM clinic")
RENAME = sa.text("UPDATE clinic SET name = :name")


async def name_of(house: House) -> str:
    async with house.database.read() as connection:
        return str(await connection.scalar(NAME))


async def test_an_exception_rolls_everything_back(house: House) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(RENAME, {"name": "Other"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await house.database.transact(work)
    assert await name_of(house) == clinic().name


async def test_a_reader_sees_what_was_committed_while_another_writes(house: House) -> None:
    async with house.database.write() as connection:
        await connection.execute(RENAME, {"name": "Other"})
        assert await name_of(house) == clinic().name
    assert await name_of(house) == "Other"


async def test_a_fault_in_the_statement_is_not_tried_again(house: House) -> None:
    tries = 0

    async def work(connection: AsyncConnection) -> None:
        nonlocal tries
        tries += 1
        await connection.execute(sa.text("SELECT nonsense FROM nowhere"))

    with pytest.raises(TROUBLE) as refused:
        await house.database.transact(work)
    assert tries == 1
    assert not is_passing(refused.value) or isinstance(refused.value, ProgrammingError)


async def test_a_broken_rule_is_not_tried_again(house: House) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(sa.text("INSERT INTO location (clinic, id, name) VALUES ('nowhere', 'x', 'x')"))

    with pytest.raises(IntegrityError) as refused:
        await house.database.transact(work)
    assert not is_passing(refused.value)


async def test_a_session_that_was_terminated_is_run_again_from_the_start(postgres_house: House) -> None:
    house, tries = postgres_house, 0

    async def work(connection: AsyncConnection) -> str:
        nonlocal tries
        tries += 1
        await connection.execute(RENAME, {"name": f"try {tries}"})
        if tries == 1:
            mine = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
            async with in_the_way(house.database, f"SELECT pg_terminate_backend({mine})"):
                pass
        return str(await connection.scalar(NAME))

    assert await house.database.transact(work) == "try 2"
    assert await name_of(house) == "try 2"


async def test_a_session_that_idles_in_a_transaction_is_ended_by_the_database(postgres_house: House) -> None:
    database = Database(postgres_house.database.url.render_as_string(hide_password=False), idle_in_transaction=0.05)
    ended = asyncio.Event()
    async with database.read() as connection:
        await connection.execute(NAME)
        raw = await connection.get_raw_connection()
        raw.driver_connection.add_termination_listener(lambda _: ended.set())  # type: ignore[union-attr]
        async with asyncio.timeout(20):
            await ended.wait()
        with pytest.raises(TROUBLE) as lost:
            await connection.execute(NAME)
    assert is_passing(lost.value)
    await database.close()


async def test_a_pool_without_a_free_connection_is_trouble_that_passes(postgres_house: House) -> None:
    assert is_passing(NoConnectionFree("QueuePool limit"))
    assert NoConnectionFree in TROUBLE


async def test_events_are_taken_after_every_session_was_terminated(postgres_house: House) -> None:
    house = postgres_house
    await house.take(visit())
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
    async with in_the_way(house.database, "SELECT pg_terminate_backend(pid) " + others):
        pass
    (taken,) = await house.take(visit(id="e-2", treatment__id="visit-2"))
    assert taken.created


async def test_writers_on_sqlite_wait_for_each_other_without_failing(tmp_path: object) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/one.db")
    async with database.write() as connection:
        await connection.execute(sa.text("CREATE TABLE counter (value INTEGER)"))
        await connection.execute(sa.text("INSERT INTO counter VALUES (0)"))

    async def count_up(connection: AsyncConnection) -> None:
        value = await connection.scalar(sa.text("SELECT value FROM counter"))
        await connection.execute(sa.text("UPDATE counter SET value = :value"), {"value": value + 1})

    await asyncio.gather(*(database.transact(count_up) for _ in range(30)))
    async with database.read() as connection:
        assert await connection.scalar(sa.text("SELECT value FROM counter")) == 30
    await database.close()


async def test_a_reader_on_sqlite_takes_no_lock_that_another_process_would_feel(tmp_path: object) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/one.db")
    async with database.write() as connection:
        await connection.execute(sa.text("CREATE TABLE counter (value INTEGER)"))
    async with database.read() as connection:
        await connection.execute(sa.text("SELECT * FROM counter"))
        other = sqlite3.connect(f"{tmp_path}/one.db", timeout=0)
        other.execute("INSERT INTO counter VALUES (1)")
        other.commit()
        other.close()
    await database.close()


async def test_commits_on_sqlite_survive_a_power_cut_and_keys_are_enforced(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_prepare_sqlite", prepare_sqlite)  # in other tests it is not so careful
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/deep/er/one.db")
    async with database.read() as connection:
        found = {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
                 for name in ("journal_mode", "synchronous", "foreign_keys")}  # fmt: skip
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    await database.close()


async def test_on_postgresql_the_databases_clock_counts_and_on_sqlite_the_hosts(migrated_url: str, kind: str) -> None:
    database = Database(migrated_url)
    async with database.write() as connection:
        first = await database.now(connection)
        second = await database.now(connection)
    assert first.utcoffset() == timedelta()
    assert first < second or kind == "sqlite"
    await database.close()
    given = Database(migrated_url, fixed_clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    async with given.read() as connection:
        assert await given.now(connection) == datetime(2030, 1, 1, tzinfo=UTC)
    await given.close()


async def test_a_waiting_write_goes_on_when_the_lock_is_free(postgres_house: House) -> None:
    house = postgres_house

    async def rename(connection: AsyncConnection) -> None:
        await connection.execute(RENAME, {"name": "Mine"})

    async with in_the_way(house.database, "UPDATE clinic SET name = 'Theirs'"):
        renaming = asyncio.create_task(house.database.transact(rename))
        await until_waiting(house.database)
    await renaming
    assert await name_of(house) == "Mine"


@pytest.mark.parametrize(("state", "passes"), [("53100", True), ("53300", True), ("58030", True), ("22P02", False)])
def test_a_lack_of_room_passes_and_a_fault_of_the_values_does_not(state: str, passes: bool) -> None:
    """Else a full disk would be taken for a fault of each reminder that it kept from being written."""

    class Refused(Exception):
        sqlstate = state

    assert is_passing(DBAPIError("INSERT", {}, Refused())) is passes


def test_a_full_disk_passes_on_sqlite_too() -> None:
    assert is_passing(OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")))
    assert not is_passing(OperationalError("INSERT", {}, sqlite3.OperationalError("no such table: reminder")))
