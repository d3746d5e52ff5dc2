"""The two ends of a start's turns: lanes are locked for a moment at each, and free while the start decides and writes.

At its beginning a turn takes from a lane's tokens all that it may start; at its end, in the transaction that writes the
intents, it gives back what it did not use, books what the day has cost and looks when the lane is due next. So several
starts can share a fast lane, and an event that lowers a lane never waits long. A process that ends in between has taken
tokens for nothing: they come again at the lane's own rate.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from service.dispatch.lanes import Turn, begun, ended, turns
from service.store.lanes import Lane, lock_lanes, lock_open_lanes, lower_next_due, next_due, save_turns

LANES_A_START = 50
"""More lanes than this wait for the next start, so that no transaction grows long."""


class Overtaken(Exception):
    """A lane was paused, changed or filled its day while a start was deciding: what was decided must not be."""


async def begin_turns(connection: AsyncConnection, now: datetime, slots: int, texts_a_day: int | None) -> list[Turn]:
    """Share the slots among the open lanes that have something due; the one that waited longest has its turn first."""
    allotted = turns(await lock_open_lanes(connection, now, LANES_A_START), slots, now, texts_a_day)
    await save_turns(connection, [begun(turn, now) for turn in allotted])
    return allotted


async def end_turns(
    connection: AsyncConnection,
    allotted: Sequence[Turn],
    *,
    picked: Mapping[Lane, int],
    started: Mapping[Lane, int],
    scheduled: Mapping[Lane, datetime],
) -> None:
    """Give the lanes back; nothing is written after it in the same transaction, which holds them from here on. Raises
    Overtaken.

    By lane: how many reminders were `picked` and how many of these were `started`; and on which lanes, these and
    others, something was `scheduled` again, with when.
    """
    lanes = await lock_lanes(connection, {turn.key for turn in allotted} | scheduled.keys())
    if any(turn.is_overtaken(lanes[turn.key]) for turn in allotted):
        raise Overtaken
    coming = await _coming(connection, [turn for turn in allotted if picked.get(turn.key, 0) < turn.quota])
    rows = []
    for turn in allotted:
        lane = lanes[turn.key]
        rows.append(ended(turn, lane, started.get(turn.key, 0), coming.get(turn.key, lane.next_due_at)))
    await save_turns(connection, rows)
    await lower_next_due(connection, {lane: due for lane, due in scheduled.items() if lane not in coming})


async def _coming(connection: AsyncConnection, drained: Collection[Turn]) -> dict[Lane, datetime | None]:
    """When lanes whose turn found less than it might have started are due next. The others are due already."""
    return await next_due(connection, [turn.key for turn in drained]) if drained else {}
