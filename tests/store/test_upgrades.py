"""A database that an older release filled keeps all it holds when a newer one migrates it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from service.store import schema
from service.store.revision import REVISION, require_current
from service.store.schema import migrate
from service.store.session import Database

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ONE = UUID(int=1)


def _to_first_revision(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


def _fill(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    """One row in every table, which all point to each other: whatever is text says `x`."""
    tables = sa.MetaData()
    tables.reflect(connection)
    rows = {}
    for table in tables.sorted_tables:
        if table.name in {"alembic_version", "schema_info"}:
            continue
        declared = SQLModel.metadata.tables[table.name]
        columns = [sa.column(column.name, declared.c[column.name].type) for column in table.columns]
        rows[table.name] = {column.name: _value(column.type) for column in columns}
        connection.execute(sa.table(table.name, *columns).insert().values(**rows[table.name]))
    return rows


def _value(kind: sa.types.TypeEngine[Any]) -> Any:
    plain = kind.impl_instance if isinstance(kind, sa.TypeDecorator) else kind
    python = dict if isinstance(plain, sa.JSON) else plain.python_type
    return {str: "x", int: 1, float: 1.0, bool: False, dict: {}, UUID: ONE, datetime: NOON}[python]


async def test_what_the_first_release_stored_is_there_after_the_upgrade(database_url: str) -> None:
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(_to_first_revision)
        before = await connection.run_sync(_fill)
    assert await migrate(database) == REVISION
    await require_current(database)
    async with database.read() as connection:
        for name, row in before.items():
            table = SQLModel.metadata.tables[name]
            (found,) = (await connection.execute(sa.select(*(table.c[column] for column in row)))).all()
            assert dict(found._mapping) == row, name
        compared = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), SQLModel.metadata)
        )
    assert not compared
    await database.close()
