"""A migration that dies half-way: running it again is all that it takes."""

from service.store.revision import REVISION
from tests.acceptance.gate import gate_before
from tests.conftest import new_postgres_database
from tests.support.postgres import Server
from tests.support.processes import Processes, until

AT_REVISION = (0, f"The schema is at revision {REVISION}.\n")


async def test_killed_among_its_tables_on_postgresql_a_migration_can_be_run_again(
    postgres_server: Server, processes: Processes
) -> None:
    dsn = postgres_server.dsn((await new_postgres_database(postgres_server)).rpartition("/")[2])
    async with gate_before(dsn) as gate:
        migration = processes.start("migrate", settings={"DATABASE_URL": gate.dsn})
        killed = gate.when("CREATE TABLE reminder", then=migration.kill)
        await killed.comes()
    ended = await processes.command("migrate", settings={"DATABASE_URL": dsn})
    assert (ended.code, ended.out) == AT_REVISION


async def test_killed_once_its_file_exists_on_sqlite_a_migration_can_be_run_again(processes: Processes) -> None:
    settings = {"DATABASE_URL": "sqlite:///aftercare.db"}
    migration = processes.start("migrate", settings=settings)

    async def begun() -> bool:
        return (processes.folder / "aftercare.db").exists()

    await until(begun, "the database's file is there")
    migration.kill()
    ended = await processes.command("migrate", settings=settings)
    assert (ended.code, ended.out) == AT_REVISION
