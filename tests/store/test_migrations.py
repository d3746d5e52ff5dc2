"""Migrations that are interrupted, or run by two at once; and the addresses that platforms hand out."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlmodel import SQLModel

from service.settings import Settings
from service.store.revision import REVISION, require_current
from service.store.schema import migrate
from service.store.session import Database
from service.store.tables import SchemaInfo, core
from tests.conftest import new_postgres_database
from tests.support.postgres import Server


class Killed(BaseException):
    """What stops a process in the middle is no error that anything handles."""


def kill_after(database: Database, statements: int) -> None:
    """Stop everything right before so many statements more would have been run."""
    left = [statements]

    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", count)


async def tables_of(database: Database) -> list[str]:
    async with database.read() as connection:
        return await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())


async def is_complete(database: Database) -> bool:
    async with database.read() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), SQLModel.metadata)
        )
    return not differences


@pytest.mark.parametrize("statements", [3, 12, 30, 45])
async def test_a_migration_killed_half_way_leaves_nothing_and_runs_again(database_url: str, statements: int) -> None:
    database = Database(database_url)
    kill_after(database, statements)
    with pytest.raises(Killed):
        await migrate(database)
    await database.close()
    again = Database(database_url)
    assert await tables_of(again) == []
    assert await migrate(again) == REVISION
    await require_current(again)
    assert await is_complete(again)
    await again.close()


async def test_two_who_migrate_at_once_wait_for_each_other(database_url: str) -> None:
    first, second = Database(database_url), Database(database_url)
    assert set(await asyncio.gather(migrate(first), migrate(second))) == {REVISION}
    async with first.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(core(SchemaInfo))) == 1
    await first.close()
    await second.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
async def test_the_addresses_that_platforms_give_are_understood(postgres_server: Server, scheme: str) -> None:
    name = (await new_postgres_database(postgres_server)).rpartition("/")[2]
    address = f"{scheme}://postgres@127.0.0.1:{postgres_server.port}/{name}?sslmode=disable"
    settings = Settings(database_url=SecretStr(address))
    database = Database(settings.sqlalchemy_url)
    assert await migrate(database) == REVISION
    assert database.is_postgresql
    await database.close()


async def test_keys_are_compared_byte_by_byte_whatever_the_language_of_the_database(postgres_server: Server) -> None:
    """A key of a table to come that forgets its collation is found here."""
    database = Database(await new_postgres_database(postgres_server))
    await migrate(database)
    async with database.read() as connection:
        by_language = await connection.execute(
            sa.text(
                "SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_index ON indrelid = attrelid "
                "WHERE attnum = ANY (indkey) AND attcollation = 'default'::regcollation "
                "AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
                "AND relname <> 'alembic_version')"
            )
        )
        assert by_language.all() == []
    await database.close()
