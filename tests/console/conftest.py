"""Two clinics with the same kind of day, and someone signed in at each."""

import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from fastapi import FastAPI

from service.authoring import TemplateBook
from service.console.authors import Authors
from service.console.parts import ConsoleParts
from service.console.routes import console_router
from service.staff import StaffBook, Trials
from service.store.schema import migrate
from service.store.session import Database
from service.store.sign_ins import issue_sign_in
from service.types import Message
from tests.console.visitor import Visitor
from tests.support import seed
from tests.support.house import shipped
from tests.support.postgres import Server
from tests.support.seed import ADA, NOW, Line, Person

_numbers = itertools.count(1)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VISIT = NOW - 25 * HOUR
BEA = Person("c-90", "Bea", "+447400909090")


@dataclass(frozen=True)
class Title:
    title: str


@dataclass
class Clock:
    """The database's time in these tests: it stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def authors_of(database: Database) -> Authors:
    book = TemplateBook(database, shipped())
    return Authors(book, StaffBook(database), Trials(database, book), shipped())


@dataclass
class Console:
    """The console over a seeded database."""

    database: Database
    clock: Clock
    keys: list[str] = field(default_factory=lambda: ["k" * 40])
    public_url: str = ""
    show: Callable[[Any, Any], Message] = seed.show

    def visitor(self) -> Visitor:
        parts = ConsoleParts(
            database=self.database,
            protocols={"microneedling": Title("Micro-needling")},
            authors=authors_of(self.database),
            show=self.show,
            secret_keys=self.keys,
            sentences={"past": "its time was over", "quiet-hours": "It waited for the morning."},
            public_url=self.public_url,
        )
        app = FastAPI()
        app.include_router(console_router(parts))
        return Visitor(app)

    async def link(self, clinic: str = "glow") -> str:
        async with self.database.write() as connection:
            return await issue_sign_in(connection, clinic, "owner", self.clock.now, timedelta(hours=1))

    async def signed_in(self, clinic: str = "glow") -> Visitor:
        visitor = self.visitor()
        await visitor.sign_in(await self.link(clinic))
        return visitor


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded SQLite file, made once and copied for each test."""
    path = tmp_path_factory.mktemp("console") / "house.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await furnish(database)
    await database.close()
    return path


@pytest.fixture
async def console(furnished: Path, tmp_path: Path) -> AsyncIterator[Console]:
    shutil.copy(furnished, tmp_path / "house.db")
    clock = Clock()
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/house.db", fixed_clock=clock)
    yield Console(database, clock)
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def furnished_postgres(postgres_server: Server) -> str:
    """The name of a seeded PostgreSQL database, made once; each test gets a copy."""
    name = "furnished_console"
    await _on_server(postgres_server, f"CREATE DATABASE {name}")
    database = Database(postgres_server.url(name))
    await furnish(database)
    await database.close()
    return name


@pytest.fixture
async def postgres_console(postgres_server: Server, furnished_postgres: str) -> AsyncIterator[Console]:
    name = f"console_{next(_numbers)}"
    await _on_server(postgres_server, f"CREATE DATABASE {name} TEMPLATE {furnished_postgres}")
    clock = Clock()
    database = Database(postgres_server.url(name), fixed_clock=clock)
    yield Console(database, clock)
    await database.close()


@pytest.fixture(params=["console", "postgres_console"])
def either_console(request: pytest.FixtureRequest) -> Console:
    """The same console on SQLite and on PostgreSQL: for what the queries have to get right on both."""
    console: Console = request.getfixturevalue(request.param)
    return console


async def _on_server(server: Server, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn())
    await connection.execute(statement)
    await connection.close()


async def furnish(database: Database) -> None:
    """Glow treated Ada, Blush treated Bea; neither may know of the other."""
    await migrate(database)
    async with database.write() as connection:
        for clinic, name, person in (("glow", "Glow Skin Clinic", ADA), ("blush", "Blush Clinic", BEA)):
            await seed.add_clinic(connection, clinic, name)
            await seed.add_treatment(connection, clinic, person, VISIT, plan(), id=f"visit of {person.first_name}")


def plan() -> list[Line]:
    return [
        Line("same-day-aftercare", VISIT + 2 * HOUR, "captured", "email", attempt="captured"),
        Line("day-1-sunscreen", VISIT + 24 * HOUR, "delivered", attempt="delivered"),
        Line("day-2-sensitivity-check", NOW + 23 * HOUR, decisions=[(NOW, "quiet-hours")]),
        Line("day-6-actives", NOW + 5 * DAY, "skipped", reason="past"),
        Line("next-session", NOW + 28 * DAY, purpose="rebook", medium="email"),
        Line("next-session", NOW + 42 * DAY, purpose="rebook", medium="email", occurrence=1),
    ]
