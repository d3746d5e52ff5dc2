"""Receipts that name no attempt of ours, kept until one does or until they are too old."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.tables import Attempt, ParkedReceipt, core
from service.types import AttemptState, FailureClass, Receipt

ATTEMPT, PARKED = core(Attempt), core(ParkedReceipt)


async def parked_count(connection: AsyncConnection) -> int:
    return await connection.scalar(sa.select(sa.func.count()).select_from(PARKED)) or 0


async def park(connection: AsyncConnection, receipt: Receipt, now: datetime) -> None:
    """Keep a receipt for later; a repeat of one that is kept changes nothing."""
    said = {
        "token": receipt.token or "",
        "provider_id": receipt.provider_id,
        "state": receipt.state.value,
        "failure": receipt.failure.value if receipt.failure else "",
        "code": receipt.code or "",
    }
    id_ = hashlib.sha256("\n".join(said.values()).encode()).hexdigest()
    row = {"id": id_, **said, "at": receipt.at, "parked_at": now}
    await connection.execute(insert(connection, PARKED).values(row).on_conflict_do_nothing())


async def take_parked(connection: AsyncConnection, limit: int) -> Sequence[Receipt]:
    """Remove and return parked receipts whose attempt is known by now."""
    by_id = sa.and_(PARKED.c.provider_id != "", ATTEMPT.c.provider_id == PARKED.c.provider_id)
    known = sa.or_(sa.exists().where(ATTEMPT.c.token == PARKED.c.token), sa.exists().where(by_id))
    chosen = sa.select(PARKED.c.id).where(known).order_by(PARKED.c.parked_at).limit(limit)
    rows = await connection.execute(PARKED.delete().where(PARKED.c.id.in_(chosen)).returning(*PARKED.c))
    return [_receipt(row) for row in rows]


async def drop_parked(connection: AsyncConnection, before: datetime) -> int:
    """Give up on what nobody asked for since; how many those were."""
    dropped = await connection.execute(PARKED.delete().where(PARKED.c.parked_at < before))
    return dropped.rowcount


def _receipt(row: Any) -> Receipt:
    return Receipt(
        provider_id=row.provider_id,
        state=AttemptState(row.state),
        at=row.at,
        token=row.token or None,
        failure=FailureClass(row.failure) if row.failure else None,
        code=row.code or None,
    )
