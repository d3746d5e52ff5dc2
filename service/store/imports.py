"""How far imports got: one row a file, by its digest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import upsert_many
from service.store.tables import ImportRun, Reminder, core
from service.types import Json, Purpose, ReminderState

IMPORT_RUN, REMINDER = core(ImportRun), core(Reminder)


async def import_run(connection: AsyncConnection, clinic: str, digest: str) -> Any:
    """The row of this file's import; None where it never began."""
    statement = sa.select(IMPORT_RUN).where(IMPORT_RUN.c.clinic == clinic, IMPORT_RUN.c.digest == digest)
    return (await connection.execute(statement)).first()


async def save_import_run(connection: AsyncConnection, row: Json) -> None:
    """Keep how far an import got: clinic, digest, line, offset, taken, repeated, rejected, updated_at."""
    await upsert_many(connection, IMPORT_RUN, [row])


async def nudges_due_for(connection: AsyncConnection, clinic: str, reason: str, since: datetime) -> int:
    """How many of a clinic's nudges are due from then on for this reason."""
    nudge = REMINDER.c.purpose != Purpose.CARE.value
    given = (REMINDER.c.clinic == clinic, REMINDER.c.reason == reason, REMINDER.c.due_at >= since, nudge)
    return int(await connection.scalar(sa.select(sa.func.count()).where(*given)) or 0)


async def scheduled_by(connection: AsyncConnection, clinic: str, moments: Sequence[datetime]) -> list[int]:
    """How many of a clinic's scheduled reminders fall due by each of these moments."""
    counts = [sa.func.count().filter(REMINDER.c.due_at <= moment) for moment in moments]
    scheduled = REMINDER.c.state == ReminderState.SCHEDULED.value
    row = (await connection.execute(sa.select(*counts).where(REMINDER.c.clinic == clinic, scheduled))).one()
    return list(row)
