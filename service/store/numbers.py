"""What is asked of phone numbers beside their recipients: who shares them, what they were texted, how many came."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import among, insert
from service.store.due import WENT
from service.store.tables import Client, NumberBlock, Recipient, Reminder, Sender, core
from service.types import Medium

BLOCK, CLIENT, RECIPIENT, REMINDER = core(NumberBlock), core(Client), core(Recipient), core(Reminder)

Number = tuple[str, str]
"""(clinic, number)."""


async def note_shared(connection: AsyncConnection, numbers: Collection[Number]) -> None:
    """Remember those of these numbers that several clients of a clinic have."""
    if not numbers:
        return
    held = (
        sa.select(CLIENT.c.clinic, CLIENT.c.phone)
        .where(among(connection, (CLIENT.c.clinic, CLIENT.c.phone), numbers))
        .group_by(CLIENT.c.clinic, CLIENT.c.phone)
        .having(sa.func.count() > 1)
    )
    shared = [(row.clinic, Medium.SMS.value, row.phone) for row in await connection.execute(held)]
    for clinic, medium, number in sorted(shared):
        named = (RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == medium, RECIPIENT.c.address == number)
        await connection.execute(RECIPIENT.update().where(*named, RECIPIENT.c.shared.is_(False)).values(shared=True))


async def texts_since(connection: AsyncConnection, numbers: Collection[Number], since: datetime) -> Sequence[Any]:
    """What was texted to the clients who have these numbers: clinic, number, due_at."""
    if not numbers:
        return []
    query = (
        sa.select(CLIENT.c.clinic, CLIENT.c.phone.label("number"), REMINDER.c.due_at)
        .join(REMINDER, sa.and_(REMINDER.c.clinic == CLIENT.c.clinic, REMINDER.c.client == CLIENT.c.ref))
        .where(
            among(connection, (CLIENT.c.clinic, CLIENT.c.phone), numbers),
            REMINDER.c.medium == Medium.SMS.value,
            REMINDER.c.due_at > since,
            REMINDER.c.state.in_(WENT),
        )
    )
    return (await connection.execute(query)).all()


async def cap_sender(connection: AsyncConnection, lane: Number, a_day: int | None) -> None:
    """So many segments or letters a day from this (clinic, sender) at most; None: as many as come."""
    table = core(Sender)
    await connection.execute(
        table.update().where(table.c.clinic == lane[0], table.c.id == lane[1]).values(daily_cap=a_day)
    )


async def count_blocks(
    connection: AsyncConnection, added: Mapping[tuple[str, str], int], now: datetime, within: timedelta
) -> dict[tuple[str, str], int]:
    """Count new numbers by (clinic, block); returns how many each block has got since its count began anew."""
    if not added:
        return {}
    rows = [
        {"clinic": clinic, "block": block, "since": now, "numbers": numbers}
        for (clinic, block), numbers in sorted(added.items())
    ]
    new = insert(connection, BLOCK).values(rows)
    over = BLOCK.c.since <= now - within
    counted = new.on_conflict_do_update(
        index_elements=[BLOCK.c.clinic, BLOCK.c.block],
        set_={
            "since": sa.case((over, new.excluded.since), else_=BLOCK.c.since),
            "numbers": sa.case((over, new.excluded.numbers), else_=BLOCK.c.numbers + new.excluded.numbers),
        },
    ).returning(BLOCK.c.clinic, BLOCK.c.block, BLOCK.c.numbers)
    return {(row.clinic, row.block): row.numbers for row in await connection.execute(counted)}
