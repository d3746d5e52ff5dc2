"""A worker beside a growing backlog: what it holds in memory, and how it sends, must not depend on what is pending."""

import asyncio
from dataclasses import dataclass

from benchmarks.aftercare import aftercare
from benchmarks.burst import burst
from benchmarks.machine import rss_mb
from benchmarks.stage import Stage
from benchmarks.visits import STEP
from service.store.tables import Reminder, core

_SETTLED = 1.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """One worker with so many reminders ahead: its memory when idle and after a burst, and the burst."""

    pending: int
    idle_rss_mb: float
    rss_mb: float
    reminders: int
    sent_per_s: float
    late_p99_ms: float


async def with_backlog(stage: Stage, planned: str, pending: int, reminders: int) -> Backlog:
    database = await _with_pending(stage, planned, pending, reminders)
    async with aftercare(stage, database) as contestant:
        await asyncio.sleep(_SETTLED)
        idle = rss_mb(contestant.workers)
        result = await burst(stage, contestant, reminders)
    await stage.drop_database(database)
    return Backlog(pending, idle, result.rss_mb, reminders, result.sent_per_s, result.late_p99_ms)


async def _with_pending(stage: Stage, planned: str, pending: int, reminders: int) -> str:
    """A copy of the planned database with `reminders` to be made due, and exactly `pending` others ahead of them."""
    database = await stage.new_database(like=planned)
    async with stage.connection(database) as connection:
        await connection.execute(_LEAVE_ONLY.format(step=STEP, count=reminders))
        if pending:
            copies = -(-pending // reminders)
            await connection.execute(_MULTIPLY.format(step=STEP, copies=copies, limit=pending, **_columns()))
        await connection.execute("VACUUM ANALYZE")
    return database


_LEAVE_ONLY = """
    DELETE FROM reminder WHERE (clinic, id) NOT IN (
        SELECT clinic, id FROM reminder WHERE step = '{step}' ORDER BY id LIMIT {count}
    )
"""
_MULTIPLY = """
    INSERT INTO reminder ({names})
    SELECT {values} FROM reminder CROSS JOIN generate_series(1, {copies}) AS copy LIMIT {limit}
"""


def _columns() -> dict[str, str]:
    """Copies differ in their key, their step, and their time: a minute more for each, all of it days ahead."""
    names = [f'"{column.name}"' for column in core(Reminder).columns]
    changed = {
        '"id"': "gen_random_uuid()",
        '"step"': "'ahead'",
        '"occurrence"': "copy",
        '"due_at"': "due_at + interval '2 days' + copy * interval '1 minute'",
        '"expires_at"': "expires_at + interval '30 days'",
    }
    return {"names": ", ".join(names), "values": ", ".join(changed.get(name, name) for name in names)}
