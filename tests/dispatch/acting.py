"""What tests of dispatch share: a channel that answers as it is told, and a reminder that is due."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from service.channels.base import CallbackRequest, LookUp
from service.clinics import NewClinic
from service.dispatch.batch import Batch
from service.dispatch.start import Save
from service.rescue import Rescue, RescueRules
from service.store.tables import Reminder, core
from service.types import Found, Medium, Outcome, Outgoing, Receipt
from tests.support.house import House, close_house, open_house, visit

on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
"""For rules: one database is enough."""

TEN = datetime(2026, 11, 21, 10, tzinfo=UTC)
"""When day 1 of the documentation's visit falls due."""


class Scripted:
    """Answers each send with the next outcome, the last one again and again; each look-up likewise."""

    name = "scripted"

    def __init__(self, medium: Medium, *outcomes: Outcome, found: list[list[Found] | Exception | None] | None = None):
        self.medium = medium
        self.sent: list[Outgoing] = []
        self.asked: list[LookUp] = []
        self._outcomes = list(outcomes)
        self._found = found or [[]]

    async def send(self, outgoing: Outgoing) -> Outcome:
        self.sent.append(outgoing)
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]

    async def look_up(self, query: LookUp) -> list[Found] | None:
        self.asked.append(query)
        answer = self._found.pop(0) if len(self._found) > 1 else self._found[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def status_of(self, request: CallbackRequest, now: datetime) -> list[Receipt]:
        return []


@asynccontextmanager
async def opened(url: str, *clinics: NewClinic) -> AsyncIterator[House]:
    house = await open_house(url, *clinics)
    try:
        yield house
    finally:
        await close_house(house)


def says(house: House, medium: Medium, *outcomes: Outcome, **more: Any) -> Scripted:
    """From now on the medium's channel answers with these."""
    channel = house.channels[medium] = Scripted(medium, *outcomes, **more)
    return channel


def rescue_of(house: House) -> Rescue:
    return Rescue(house.database, house.channels, RescueRules(look_up_after=timedelta(minutes=20)))


async def day_one_due(house: House, clinic: str = "glow", **changes: Any) -> None:
    """Take a visit whose day-1 text is due now, and nothing else of it."""
    house.clock.moment = max(TEN, house.clock.moment)
    await house.take(visit(**changes), clinic=clinic)


async def many_due(house: House, count: int, clinic: str = "glow") -> None:
    """So many day-1 texts due now, each to a client and number of its own."""
    house.clock.moment = max(TEN, house.clock.moment)
    events = [
        visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n}", client__phone=f"+44740{n + 1000000}")
        for n in range(count)
    ]
    await house.take(*events, clinic=clinic)


@asynccontextmanager
async def under_way(
    house: House, *, slots: int = 10, save: Save = Batch.save
) -> AsyncIterator[tuple[Batch, AsyncConnection]]:
    """A start that has written all that it will; it commits when the block ends."""
    starter = house.starter
    taken = await house.database.transact(partial(starter._take, slots=slots))
    with starter._in_hand.more() as clients:
        async with house.database.write() as connection:
            yield await starter._start(connection, taken=taken, most=slots, save=save, clients=clients), connection


async def the(house: House, step: str = "day-1-sunscreen", **where: Any) -> Any:
    """The one reminder of this step."""
    table = core(Reminder)
    (row,) = await house.rows(Reminder, table.c.step == step, *(table.c[name] == one for name, one in where.items()))
    return row


async def change(
    house: House, model: type[SQLModel], values: Mapping[str, Any], *where: sa.ColumnElement[bool]
) -> None:
    """Set columns directly: what other rooms, a person or time would have done."""
    async with house.database.write() as connection:
        await connection.execute(core(model).update().where(*where).values(**values))
