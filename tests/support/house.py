"""A small working house for store tests: a clinic, a clock one can move, and the real rooms around a real database."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from sqlmodel import SQLModel

from service.channels.base import Channel
from service.channels.outbox import Outbox
from service.clinics import NewClinic, NewPlace, NewSender, add_clinic
from service.content import LOCALES, Content, load_content
from service.dispatch import Backoff, Lease, Settler, SettleRules, Starter
from service.dispatch.batch import Started
from service.events import Event, event_from
from service.intake.answer import Taken
from service.intake.group import Intake
from service.settings import data_folder
from service.store.schema import migrate
from service.store.session import Database
from service.store.tables import core
from service.types import Json, Medium
from service.words import Words

CLINIC = "glow"
CONFIRMED = tuple((path.stem, locale) for path in data_folder("config/protocols").glob("*.toml") for locale in LOCALES)
"""All that is shipped may be sent."""
NOON = datetime(2026, 11, 20, 15, 10, tzinfo=UTC)


@cache
def shipped() -> Content:
    return load_content()


@dataclass
class Clock:
    """The time of every pass; tests move it."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


def visit(**changes: Any) -> Json:
    """The event of the documentation; `changes` go by dotted path with `__`: `treatment__id="v2"`."""
    event: Json = {
        "specversion": "1.0",
        "id": "e-90211",
        "source": "/pms/glow",
        "type": "treatment.completed",
        "time": "2026-11-20T15:05:00Z",
        "data": {
            "treatment": {"id": "visit-8812", "protocol": "microneedling", "ended_at": "2026-11-20T15:00:00Z"},
            "course": {"session": 2, "of": 4},
            "client": {
                "ref": "c-17",
                "first_name": "Ada",
                "phone": "+447400123456",
                "email": "ada@example.com",
                "time_zone": "Europe/London",
                "locale": "en",
                "consent": {"care": ["sms", "email"], "rebook": ["email"]},
            },
        },
    }
    for path, value in changes.items():
        place = event if path in {"id", "time", "source", "type"} else event["data"]
        *parents, last = path.split("__")
        for parent in parents:
            place = place[parent]
        place[last] = value
    return event


def said(type_: str, *, id: str = "e-1", time: str = "2026-11-20T15:06:00Z", **data: Any) -> Json:  # noqa: A002 - as in events
    """An event of any type."""
    return {"specversion": "1.0", "id": id, "source": "/pms/glow", "type": type_, "time": time, "data": data}


def read(value: Json, now: datetime = NOON) -> Event:
    return event_from(value, received_at=now, future_tolerance=timedelta(hours=24))


def clinic(**changes: Any) -> NewClinic:
    basic = NewClinic(
        id=CLINIC,
        name="Glow Clinic",
        time_zone="Europe/London",
        country="GB",
        phone="+44 20 7946 0018",
        booking_url="https://glow.example/book",
        alert_email="desk@glow.example",
        places=(NewPlace("soho", "Glow Soho"),),
        confirmed=CONFIRMED,
        senders=(NewSender(Medium.SMS, "+447400123400", 1000), NewSender(Medium.EMAIL, "care@glow.example", 1000)),
    )
    if changes.get("id", CLINIC) != CLINIC:  # no two clinics text from one number
        number = f"+4474008{crc32(changes['id'].encode()) % 100_000:05}"
        basic = replace(basic, senders=(NewSender(Medium.SMS, number, 1000), basic.senders[1]))
    return replace(basic, **changes)


@dataclass
class House:
    """A database with a clinic, and the rooms that work on it."""

    database: Database
    clock: Clock
    intake: Intake
    starter: Starter
    settler: Settler
    channels: dict[Medium, Channel] = field(default_factory=dict)
    due: list[datetime] = field(default_factory=list)

    async def take(self, *values: Json, clinic: str = CLINIC) -> list[Taken]:
        return await self.intake.take_all(clinic, [read(value, self.clock()) for value in values])

    async def dispatch(self, slots: int = 100) -> Started:
        """One start, its sends, and their settling."""
        started = await self.starter.start(slots)
        outcomes = [(intent, await self.channels[intent.medium].send(intent.outgoing)) for intent in started.intents]
        if outcomes:
            await self.settler._write(outcomes)
        return started

    async def rows(self, model: type[SQLModel], *where: sa.ColumnElement[bool]) -> Sequence[Any]:
        async with self.database.read() as connection:
            return (await connection.execute(sa.select(core(model)).where(*where))).all()


async def open_house(url: str, *clinics: NewClinic, on_host_clock: bool = False) -> House:
    """`on_host_clock`: time is what `clock.now()` says, as in a running house on SQLite; freezegun moves it."""
    clock = Clock()
    database = Database(url, fixed_clock=None if on_host_clock else clock)
    await _migrate_once(database)
    async with database.write() as connection:
        for one in clinics or (clinic(),):
            await add_clinic(connection, one, await database.now(connection))
    content = shipped()
    words = Words(content.templates, content.protocols)
    intake = Intake(database, content.protocols)
    intake.start()
    due: list[datetime] = []
    rules = SettleRules(0.01, 200, Backoff(timedelta(seconds=5), timedelta(minutes=15)), timedelta(minutes=20))
    return House(
        database=database,
        clock=clock,
        intake=intake,
        starter=Starter(
            database, words, Lease(timedelta(seconds=15), timedelta(seconds=60)), lambda _medium, _token: None
        ),
        settler=Settler(database, rules, due.append),
        channels={medium: Outbox(medium) for medium in Medium},
        due=due,
    )


async def _migrate_once(database: Database) -> None:
    """Tests mostly bring a migrated database: asking alembic again costs more than a look."""
    async with database.read() as connection:
        migrated = await connection.run_sync(lambda sync: sa.inspect(sync).has_table("schema_info"))
    if not migrated:
        await migrate(database)


async def close_house(house: House) -> None:
    await house.intake.stop()
    await house.database.close()
