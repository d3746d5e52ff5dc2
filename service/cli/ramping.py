"""`--send-from` and `--ramp`: what is due already goes out from a day on, a few a day."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from service.intake.ramp import RAMPED, Ramp
from service.store.imports import nudges_due_for
from service.store.session import Database

SendFrom = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Send nothing of it before this day, like 2026-12-01.")
]
RampOption = Annotated[
    int | None,
    typer.Option(min=1, help="Of nudges that are due already, send at most so many a day, from tomorrow on."),
]


async def ramp_asked(
    database: Database, clinic: str, send_from: date | None, a_day: int | None, now: datetime
) -> Ramp | None:
    """The ramp where one is asked for; one that follows another counts what that had placed."""
    if send_from is None and a_day is None:
        return None
    start = send_from or now.date() + timedelta(days=1)
    async with database.read() as connection:
        placed = await nudges_due_for(connection, clinic, RAMPED, datetime.combine(start, time(), UTC))
    return Ramp(start, a_day, placed)
