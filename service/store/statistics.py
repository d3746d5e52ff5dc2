"""What became of a clinic's messages, counted: by day, protocol, step and channel."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import Client, Reminder, Reply, core

CLIENT, REMINDER, REPLY = core(Client), core(Reminder), core(Reply)

_ON_ONE_CORE = sa.text("SET LOCAL max_parallel_workers_per_gather = 0")
_DAY = sa.func.substr(REMINDER.c.local_time, 1, 10)
"""The day for which the protocol wants it, by the client's calendar."""


async def reminder_counts(connection: AsyncConnection, clinic: str, first: date, last: date) -> Sequence[Any]:
    """day, protocol, step, medium, state, reason and how many; both days are counted.

    Every reminder of the clinic is read, whatever the days: an index for this alone would cost each message more than
    all its looks at statistics. It is right whatever was corrected; and it takes one core from the starts, not several.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_ON_ONE_CORE)
    names = ("protocol", "step", "medium", "state", "reason")
    columns = (_DAY.label("day"), *(REMINDER.c[name] for name in names))
    query = (
        sa.select(*columns, sa.func.count().label("count"))
        .where(REMINDER.c.clinic == clinic, first.isoformat() <= _DAY, last.isoformat() >= _DAY)
        .group_by(_DAY, *(REMINDER.c[name] for name in names))
        .order_by(_DAY, *(REMINDER.c[name] for name in names))
    )
    return (await connection.execute(query)).all()


async def replies_between(
    connection: AsyncConnection, clinic: str, since: datetime, until: datetime
) -> Sequence[datetime]:
    """When each text came in."""
    query = sa.select(REPLY.c.received_at).where(
        REPLY.c.clinic == clinic, REPLY.c.received_at >= since, REPLY.c.received_at < until
    )
    return (await connection.scalars(query)).all()


async def stops_between(
    connection: AsyncConnection, clinic: str, medium: str, since: datetime, until: datetime
) -> Sequence[datetime]:
    """When clients who want nothing by this medium now said so."""
    stopped = CLIENT.c[f"{medium}_stopped_at"]
    query = sa.select(stopped).where(CLIENT.c.clinic == clinic, stopped >= since, stopped < until)
    return (await connection.scalars(query)).all()
