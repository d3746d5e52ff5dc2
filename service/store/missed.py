"""Numbers whose texts are to be asked for, should one not have reached us."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.lanes import Lane
from service.store.tables import Sender, SenderWatch, core
from service.types import Medium

SENDER, WATCH = core(Sender), core(SenderWatch)


async def unasked_numbers(connection: AsyncConnection, before: datetime, limit: int) -> Sequence[Any]:
    """SMS senders with a number of their own whose texts were last asked for before then, or never: the sender's row
    with `texts_until`, longest ago first."""
    query = (
        sa.select(SENDER, WATCH.c.texts_until)
        .outerjoin(WATCH, sa.and_(WATCH.c.clinic == SENDER.c.clinic, WATCH.c.sender == SENDER.c.id))
        .where(
            SENDER.c.medium == Medium.SMS.value,
            SENDER.c.messaging_service == "",
            SENDER.c.address.startswith("+", autoescape=True),
            sa.or_(WATCH.c.texts_until.is_(None), WATCH.c.texts_until <= before),
        )
        .order_by(WATCH.c.texts_until.is_not(None), WATCH.c.texts_until)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def asked_until(connection: AsyncConnection, lane: Lane, moment: datetime) -> None:
    """All texts to this sender that were written before then are known."""
    values = {"texts_until": moment}
    statement = insert(connection, WATCH).values(clinic=lane[0], sender=lane[1], trouble="", probes=0, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["clinic", "sender"], set_=values))
