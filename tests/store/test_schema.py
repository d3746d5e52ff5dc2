"""The schema: applied on both databases, refused where it does not fit."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from service.clock import now
from service.errors import SchemaMismatch
from service.store.revision import require_current
from service.store.schema import migrate
from service.store.session import Database
from service.store.tables import SchemaInfo, core


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await migrate(database)
    await require_current(database)


async def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    async with database.read() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), SQLModel.metadata)
        )
    assert differences == []


async def test_an_empty_database_is_refused_with_the_command_that_mends_it(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(SchemaMismatch, match="run `aftercare migrate`"):
        await require_current(database)
    await database.close()


@pytest.mark.parametrize(("minimum", "refused"), [("0.1.0", False), ("99.0.0", True)])
async def test_a_newer_schema_runs_only_if_its_minimum_code_allows(
    database: Database, minimum: str, refused: bool
) -> None:
    async with database.write() as connection:
        await connection.execute(core(SchemaInfo).insert().values(revision=999, minimum_code=minimum, applied_at=now()))
    if refused:
        with pytest.raises(SchemaMismatch, match="needs aftercare 99"):
            await require_current(database)
    else:
        await require_current(database)


def test_every_clinic_table_leads_with_the_clinic_in_its_key_and_in_every_foreign_key() -> None:
    platform = {"clinic", "parked_receipt", "poll", "schema_info", "worker", "zone_rules"}
    platform |= {"platform_answer", "platform_key"}
    for table in SQLModel.metadata.tables.values():
        if table.name in platform:
            continue
        assert next(iter(table.primary_key.columns)).name == "clinic", table.name
        for key in table.foreign_key_constraints:
            assert key.column_keys[0] == "clinic", (table.name, key.column_keys)


async def test_stored_times_come_back_as_aware_utc(database: Database) -> None:
    async with database.read() as connection:
        moment = await database.now(connection)
        applied = await connection.scalar(sa.select(core(SchemaInfo).c.applied_at))
    assert moment.utcoffset() is not None
    assert applied is not None
    assert applied.utcoffset() is not None
