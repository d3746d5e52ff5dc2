"""What every send writes: the intent before it, and its outcome after it where nothing stood in its way.

On PostgreSQL each is one statement, for attempts and reminders alike: every row is sent and read once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import states
from service.store.attempts import ATTEMPT, OUTWEIGHED, REMINDER
from service.store.bulk import insert_many, update_many
from service.store.dialect import POSTGRESQL, as_records, records
from service.types import AttemptState, Json, ReminderState

_FINISHABLE = states.sources(states.REMINDER, states.Cause.ANSWER, ReminderState.SENT)
_NOW = sa.bindparam("now", type_=ATTEMPT.c.created_at.type)
_LEASE_UNTIL = sa.bindparam("lease_until", type_=ATTEMPT.c.lease_until.type)

_WRITTEN = (
    "clinic", "id", "reminder", "token", "fence", "medium", "sender", "recipient", "wording", "locale", "pinned",
    "body_hash", "segments",
)  # fmt: skip
"""What an intent tells of its attempt; `tries` beside it is its reminder's."""
_INTENDED = {"state": AttemptState.SENDING.value, "failure": "", "code": ""}
_UNDER_WAY = {"state": ReminderState.SENDING.value, "reason": "", "by": "worker"}

_TOLD = ("state", "provider_id", "failure", "code")
"""What a clean outcome tells of its attempt; `reached` beside it is its reminder's state."""
_FINISHED = {"reason": "", "by": "worker", "lease_until": None}


async def write_intents(
    connection: AsyncConnection, rows: Sequence[Json], *, now: datetime, lease_until: datetime
) -> None:
    """Insert attempts and mark their reminders `sending`: leased, with a new fence. The caller holds the locks.

    Rows: what an attempt tells when it begins, and how many `tries` its reminder has had with it.
    """
    if not rows:
        return
    if connection.dialect.name == POSTGRESQL:
        await connection.execute(_BEGIN, {"rows": as_records(rows), "now": now, "lease_until": lease_until})
        return
    lease = {"lease_until": lease_until}
    attempts = [_only(row, *_WRITTEN) for row in rows]
    await insert_many(connection, ATTEMPT, attempts, same={**_INTENDED, **lease, "created_at": now})
    begun = [{**_only(row, "clinic", "fence", "tries"), "id": row["reminder"]} for row in rows]
    same = {**_UNDER_WAY, **lease, "updated_at": now}
    await update_many(connection, REMINDER, begun, by=("clinic", "id"), same=same)


async def finish(connection: AsyncConnection, rows: Sequence[Json], now: datetime) -> None:
    """Store clean outcomes: on the attempts, and by taking their reminders to where these end, sent or captured.

    Rows: clinic, attempt, what the outcome tells of it, reminder, fence, and the state that is `reached`. Reminders are
    taken there from `sending`, nearly always; by an outcome that comes late also from where its being unknown has led,
    as long as nothing newer was started. Never taken back is what a receipt has told already.
    """
    if not rows:
        return
    if connection.dialect.name == POSTGRESQL:
        await connection.execute(_FINISH, {"rows": as_records(rows), "now": now})
        return
    told = [{**_only(row, "clinic", *_TOLD), "id": row["attempt"]} for row in rows]
    settled = {"look_up_at": None, "settled_at": now}
    await update_many(connection, ATTEMPT, told, by=("clinic", "id"), same=settled, while_={"state": OUTWEIGHED})
    reached = [{**_only(row, "clinic", "fence"), "id": row["reminder"], "state": row["reached"]} for row in rows]
    same, key = {**_FINISHED, "updated_at": now}, ("clinic", "id", "fence")
    await update_many(connection, REMINDER, reached, by=key, same=same, while_={"state": _FINISHABLE})


def _only(row: Json, *names: str) -> Json:
    return {name: row[name] for name in names}


def _new(columns: Mapping[str, sa.Column[object]]) -> sa.CTE:
    """The rows given, as columns of these names and types."""
    return sa.select(*records(sa.bindparam("rows"), *(sa.column(n, c.type) for n, c in columns.items())).c).cte("new")


def _begin() -> sa.Insert:
    new = _new({**{name: ATTEMPT.c[name] for name in _WRITTEN}, "tries": REMINDER.c.tries})
    begun = (
        REMINDER.update()
        .where(REMINDER.c.clinic == new.c.clinic, REMINDER.c.id == new.c.reminder)
        .values(fence=new.c.fence, tries=new.c.tries, updated_at=_NOW, lease_until=_LEASE_UNTIL, **_UNDER_WAY)
    )
    names = [*_WRITTEN, *_INTENDED, "created_at", "lease_until"]
    values = [*(new.c[name] for name in _WRITTEN), *map(sa.literal, _INTENDED.values()), _NOW, _LEASE_UNTIL]
    return ATTEMPT.insert().from_select(names, sa.select(*values)).add_cte(begun.cte("begun"))


def _finish() -> sa.Update:
    """Attempts first, then reminders, as whoever reads receipts locks them: PostgreSQL runs what nothing reads last."""
    told = {name: ATTEMPT.c[name] for name in ("clinic", *_TOLD)}
    key = {"attempt": ATTEMPT.c.id, "reminder": REMINDER.c.id, "fence": REMINDER.c.fence}
    new = _new({**told, **key, "reached": REMINDER.c.state})
    finished = (
        REMINDER.update()
        .where(
            REMINDER.c.clinic == new.c.clinic, REMINDER.c.id == new.c.reminder, REMINDER.c.fence == new.c.fence,
            REMINDER.c.state.in_(_FINISHABLE),
        )
        .values(state=new.c.reached, updated_at=_NOW, **_FINISHED)
    )  # fmt: skip
    return (
        ATTEMPT.update()
        .where(ATTEMPT.c.clinic == new.c.clinic, ATTEMPT.c.id == new.c.attempt, ATTEMPT.c.state.in_(OUTWEIGHED))
        .values({**{name: new.c[name] for name in _TOLD}, "look_up_at": None, "settled_at": _NOW})
        .add_cte(finished.cte("finished"))
    )


_BEGIN, _FINISH = _begin(), _finish()
