"""Erasing a client at somebody's word: by the event that a clinic's system would send, so that there is one way."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from service.acts.acts import Who
from service.errors import NotFound, Problem
from service.events import Event, event_from
from service.intake.answer import Effect
from service.intake.group import Intake
from service.store.desk import client_row
from service.store.session import Database
from service.types import Json

_SOURCE: Final = "/aftercare"
_CALLED_OFF: Final = frozenset({Effect.CANCELLED, Effect.STOPPING})


async def erase(database: Database, intake: Intake, clinic: str, ref: str, who: Who) -> int:
    """Erase a client; returns how many reminders that called off. A second time changes nothing.

    Who asks is written down with it. Raises NotFound (`unknown-client`), Unavailable.
    """
    async with database.read() as connection:
        now = await database.now(connection)
        if await client_row(connection, clinic, ref) is None:
            raise NotFound(Problem("unknown-client", "", "this clinic has no such client"))
    taken = await intake.take(clinic, erasure_of(ref, now), by=str(who))
    return sum(change.effect in _CALLED_OFF for change in taken.changes)


def erasure_of(ref: str, now: datetime) -> Event:
    """The event that erases a client."""
    said: Json = {
        "specversion": "1.0", "id": str(uuid4()), "source": _SOURCE, "type": "client.erased",
        "time": now.isoformat(), "data": {"client": {"ref": ref}},
    }  # fmt: skip
    return event_from(said, received_at=now, future_tolerance=timedelta(days=1))
