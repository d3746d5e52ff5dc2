"""Events that were not taken, as far as they may be told of: codes, places, times and the names of events."""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import Problem
from service.store.bulk import insert_many
from service.store.dialect import among
from service.store.tables import Event, Refusal, core
from service.types import Json

EVENT, REFUSAL = core(Event), core(Refusal)

KEPT_FOR = timedelta(days=30)
_LONGEST = 200
_OURS = re.compile(r"(?!.*(\d\D*){7})[A-Za-z0-9_.\[\]-]{0,100}")
_IN_BATCH = re.compile(r"^\[\d+\]\.?")


@dataclass(frozen=True, slots=True)
class Refused:
    """An event and what was wrong with it; of what it said only its name is kept.

    Where it stood in a batch is left out, so that the same event is known again; and so are places and types that are
    none of ours, since anything may stand in them.
    """

    source: str
    event: str
    type: str
    problems: tuple[Problem, ...]

    def row(self) -> Json:
        """All that is told of it, with its digest."""
        told: Json = {"source": self.source[:_LONGEST], "event": self.event[:_LONGEST], "type": _ours(self.type)}
        told["problems"] = [
            {"code": one.code, "where": _ours(_IN_BATCH.sub("", one.where, count=1))} for one in self.problems
        ]
        return {"digest": hashlib.sha256(orjson.dumps(told)).hexdigest(), **told}


async def record_refusals(connection: AsyncConnection, clinic: str, refused: Sequence[Refused], now: datetime) -> None:
    """Write them down; what was refused before for the same reasons is counted."""
    rows = {row["digest"]: row for row in (one.row() for one in refused)}
    ordered = [rows[digest] for digest in sorted(rows)]  # so that two at once do not lock each other out
    same = {"clinic": clinic, "first_at": now, "last_at": now, "times": 1}
    new = {row.digest for row in await insert_many(connection, REFUSAL, ordered, same=same, returning=("digest",))}
    if known := rows.keys() - new:
        await _count_again(connection, clinic, known, now)


async def _count_again(connection: AsyncConnection, clinic: str, digests: Collection[str], now: datetime) -> None:
    these = among(connection, (REFUSAL.c.clinic, REFUSAL.c.digest), [(clinic, one) for one in digests])
    await connection.execute(sa.select(REFUSAL.c.digest).where(these).order_by(REFUSAL.c.digest).with_for_update())
    await connection.execute(REFUSAL.update().where(these).values(last_at=now, times=REFUSAL.c.times + 1))


async def refusals_page(
    connection: AsyncConnection,
    clinic: str,
    *,
    since: datetime,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> Sequence[Any]:
    """Those since an instant whose event has not been taken afterwards, the latest first; `after` is the time and
    digest of the last one read."""
    taken = sa.exists().where(
        EVENT.c.clinic == REFUSAL.c.clinic,
        EVENT.c.source == REFUSAL.c.source,
        EVENT.c.id == REFUSAL.c.event,
        EVENT.c.received_at >= REFUSAL.c.last_at,
    )
    place = sa.tuple_(REFUSAL.c.last_at, REFUSAL.c.digest)
    query = sa.select(REFUSAL).where(REFUSAL.c.clinic == clinic, REFUSAL.c.last_at >= since, ~taken.correlate(REFUSAL))
    if after is not None:
        query = query.where(place < sa.tuple_(sa.literal(after[0], REFUSAL.c.last_at.type), sa.literal(after[1])))
    return (
        await connection.execute(query.order_by(REFUSAL.c.last_at.desc(), REFUSAL.c.digest.desc()).limit(limit))
    ).all()


async def forget_refusals(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(REFUSAL.delete().where(REFUSAL.c.last_at < before))


def _ours(text: str) -> str:
    return text if _OURS.fullmatch(text) else ""
