"""What commands share: settings, a database that fits, and printing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

import orjson
import typer
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from service.errors import NotFound, Problem, Unavailable
from service.settings import Role, Settings, load, require_for
from service.store.clinics import clinic_exists
from service.store.revision import require_current
from service.store.session import Database
from service.wiring.store import PATIENCE, open_database

T = TypeVar("T")

ClinicOption = Annotated[str, typer.Option("--clinic", help="The clinic's short name.", envvar="AFTERCARE_CLINIC")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings_for(role: Role) -> Settings:
    return require_for(load(), role)


def in_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's work in an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


@asynccontextmanager
async def opened(settings: Settings, *, patience: float | None = PATIENCE) -> AsyncIterator[Database]:
    """The database, closed at the end. Raises Unavailable where it fails.

    Of the driver's message only the kind is told: it may quote a row or a password.
    """
    try:
        database = open_database(settings, patience=patience)
        try:
            yield database
        finally:
            await database.close()
    except SQLAlchemyError as error:
        sentence = f"the database or the system failed ({type(error).__name__})"
        raise Unavailable(Problem("unavailable", "", sentence)) from None


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Database]:
    """The same where its schema fits this code; SchemaMismatch otherwise."""
    async with opened(settings) as database:
        await require_current(database)
        yield database


async def require_clinic(database: Database, clinic: str) -> None:
    async with database.read() as connection:
        if not await clinic_exists(connection, clinic):
            sentence = f"there is no clinic {clinic}; `aftercare clinic list` shows those there are"
            raise NotFound(Problem("unknown-clinic", "--clinic", sentence))


def option_of(place: str) -> str:
    """The option that sets this column, in most commands."""
    return f"--{place.replace('_', '-')}" if place.isidentifier() else place


def print_json(value: Any) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())
