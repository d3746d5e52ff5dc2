"""What commands share: settings, a database that fits, a running intake, and printing."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

import orjson
import typer
import uvloop

from service.content import Content, load_content
from service.errors import NotFound, Problem
from service.intake import Intake
from service.settings import Role, Settings, load, require_for
from service.store.clinics import clinic_exists
from service.store.schema import require_current
from service.store.session import Database
from service.wiring import build_intake, open_database

T = TypeVar("T")

_GC_THRESHOLD = 10_000

ClinicOption = Annotated[str, typer.Option("--clinic", help="The clinic's short name.", envvar="AFTERCARE_CLINIC")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings_for(role: Role) -> Settings:
    return require_for(load(), role)


def spare_the_collector() -> None:
    """Leave what was loaded at the start out of garbage collection, and collect less often.

    Half a million objects of libraries never become garbage; walking them again and again costs a busy worker a good
    part of its CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)


def in_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's work in an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Database]:
    """A database whose schema fits this code; SchemaMismatch otherwise."""
    database = open_database(settings)
    try:
        await require_current(database)
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_intake(settings: Settings) -> AsyncIterator[tuple[Database, Content, Intake]]:
    """A running intake; what was given to it is committed when the block ends."""
    content = load_content(settings.home)
    async with open_store(settings) as database:
        intake = build_intake(settings, database, content)
        intake.start()
        try:
            yield database, content, intake
        finally:
            await intake.stop()


async def require_clinic(database: Database, clinic: str) -> None:
    async with database.read() as connection:
        if not await clinic_exists(connection, clinic):
            sentence = f"there is no clinic {clinic}; `aftercare clinic list` shows those there are"
            raise NotFound(Problem("unknown-clinic", "--clinic", sentence))


def print_json(value: Any) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())
