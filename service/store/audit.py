"""The audit log: lines are added and read. Only age takes them away (`store.retention`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import Audit, core
from service.types import Json

AUDIT = core(Audit)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines are wanted; empty fields and None ask nothing."""

    client: str = ""
    who: str = ""
    act: str = ""
    since: datetime | None = None


async def add_line(connection: AsyncConnection, row: Json) -> None:
    await connection.execute(AUDIT.insert().values(**row))


async def lines_page(
    connection: AsyncConnection, clinic: str, sought: Sought, before: UUID | None, limit: int
) -> Sequence[Any]:
    """The latest lines first; those older than the line `before`."""
    query = sa.select(AUDIT).where(AUDIT.c.clinic == clinic)
    for column in ("client", "who", "act"):
        if wanted := getattr(sought, column):
            query = query.where(AUDIT.c[column] == wanted)
    if sought.since is not None:
        query = query.where(AUDIT.c.at >= sought.since)
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    return (await connection.execute(query.order_by(AUDIT.c.id.desc()).limit(limit))).all()
