"""Which attempts have waited for a receipt: by age, so that each is asked about a few times and no scan grows long."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.tables import Attempt, Poll, core
from service.types import AttemptState

ATTEMPT, POLL = core(Attempt), core(Poll)

_OPEN = ATTEMPT.c.state.in_(
    [sa.literal_column(f"'{state.value}'") for state in (AttemptState.ACCEPTED, AttemptState.SENT)]
)
"""Written out, not bound: only then does the planner see that the partial index fits."""
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


async def take_unreported(
    connection: AsyncConnection, age: timedelta, media: Collection[str], since: datetime, now: datetime, limit: int
) -> Sequence[Any]:
    """Take attempts that have reached this age without a last word: clinic, medium, provider_id.

    They count as asked about at this age once this commits. None, should another worker be at it; `since` is the
    oldest settling that is still of interest.
    """
    seconds = int(age.total_seconds())
    fresh = {"age": seconds, "settled_at": since, "attempt": _FIRST}
    await connection.execute(insert(connection, POLL).values(fresh).on_conflict_do_nothing())
    mark = sa.select(POLL).where(POLL.c.age == seconds).with_for_update(skip_locked=True)
    reached = (await connection.execute(mark)).first()
    if reached is None:
        return []
    place = (max(reached.settled_at, since), reached.attempt if reached.settled_at >= since else _FIRST)
    query = (
        sa.select(*(ATTEMPT.c[name] for name in ("clinic", "id", "medium", "provider_id", "settled_at")))
        .where(
            _OPEN,
            ATTEMPT.c.settled_at >= place[0],
            sa.tuple_(ATTEMPT.c.settled_at, ATTEMPT.c.id) > place,
            ATTEMPT.c.settled_at <= now - age,
            ATTEMPT.c.medium.in_(sorted(media)),
            ATTEMPT.c.provider_id.is_not(None),
        )
        .order_by(ATTEMPT.c.settled_at, ATTEMPT.c.id)
        .limit(limit)
    )
    rows = (await connection.execute(query)).all()
    last = (rows[-1].settled_at, rows[-1].id) if len(rows) == limit else (now - age, _LAST)
    await connection.execute(POLL.update().where(POLL.c.age == seconds).values(settled_at=last[0], attempt=last[1]))
    return rows
