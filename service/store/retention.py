"""Forgetting by age: what of each kind is taken away, a few rows at a time, and how far that got with each clinic.

Tables are walked along their primary keys, so that no index serves forgetting alone. Where keys are in order of time a
walk ends at the first row that is young enough, and goes on from there; elsewhere it goes round.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import insert_many
from service.store.dialect import among
from service.store.tables import (
    Attempt,
    Audit,
    Client,
    Clinic,
    Event,
    NumberBlock,
    NumberText,
    Recipient,
    Reminder,
    Reply,
    RetentionMark,
    Treatment,
    core,
)
from service.types import Medium, ReminderState

ATTEMPT, AUDIT, CLIENT, CLINIC, EVENT = core(Attempt), core(Audit), core(Client), core(Clinic), core(Event)
BLOCK, RECIPIENT, REMINDER, REPLY = core(NumberBlock), core(Recipient), core(Reminder), core(Reply)
MARK, TEXT, TREATMENT = core(RetentionMark), core(NumberText), core(Treatment)


@dataclass(frozen=True, slots=True)
class Broom:
    """What is done to rows of one table that are old: columns are blanked, or (`blank` is None) the rows go."""

    table: sa.Table
    born: sa.Column[Any]
    blank: Mapping[str, Any] | None
    in_order: bool
    """Whether its keys are in order of time."""
    only: sa.ColumnElement[bool]
    """Which old rows."""


_COMING = sa.exists().where(
    REMINDER.c.clinic == TREATMENT.c.clinic,
    REMINDER.c.treatment == TREATMENT.c.id,
    REMINDER.c.state.in_([ReminderState.SCHEDULED.value, ReminderState.SENDING.value]),
)
_HAD = sa.or_(  # each by its own index
    *(
        sa.and_(
            RECIPIENT.c.medium == medium.value,
            sa.exists().where(CLIENT.c.clinic == RECIPIENT.c.clinic, column == RECIPIENT.c.address),
        )
        for medium, column in ((Medium.SMS, CLIENT.c.phone), (Medium.EMAIL, CLIENT.c.email))
    )
)
BROOMS: Mapping[str, Broom] = {
    "messages": Broom(
        ATTEMPT, ATTEMPT.c.created_at, {"recipient": "", "pinned": {}, "body_hash": ""}, in_order=True,
        only=ATTEMPT.c.recipient != "",
    ),
    "receipts": Broom(
        ATTEMPT, ATTEMPT.c.created_at, {"provider_id": None, "evidence": None}, in_order=True, only=sa.true()
    ),
    "replies": Broom(
        REPLY, REPLY.c.received_at, {"address": "", "text": ""}, in_order=True, only=REPLY.c.address != ""
    ),
    "events": Broom(
        EVENT, EVENT.c.received_at, {"body": {}}, in_order=False, only=EVENT.c.body != sa.literal({}, EVENT.c.body.type)
    ),
    "notes": Broom(
        TREATMENT, TREATMENT.c.ended_at, {"note": ""}, in_order=False, only=sa.and_(TREATMENT.c.note != "", ~_COMING)
    ),
    "addresses": Broom(
        RECIPIENT, RECIPIENT.c.created_at, None, in_order=False,
        only=sa.and_(RECIPIENT.c.suppressed_at.is_(None), ~_HAD),
    ),
    "number_blocks": Broom(BLOCK, BLOCK.c.since, None, in_order=False, only=sa.true()),
    "number_texts": Broom(TEXT, TEXT.c.at, None, in_order=False, only=sa.true()),
    "audit": Broom(AUDIT, AUDIT.c.at, None, in_order=True, only=sa.true()),
}  # fmt: skip
"""By kind. Who wants no messages stays known: that is what keeps messages from them."""


@dataclass(frozen=True, slots=True)
class Swept:
    """Rows that were changed; the mark from here on; whether there is more to look at now."""

    changed: int
    reached: list[str]
    more: bool


async def add_marks(connection: AsyncConnection, now: datetime) -> None:
    """Begin with clinics, or kinds of data, that there was no forgetting of yet."""
    theirs = sa.and_(MARK.c.clinic == CLINIC.c.id, MARK.c.kind.in_(sorted(BROOMS)))
    begun = sa.select(sa.func.count()).select_from(MARK).where(theirs).scalar_subquery()
    new = (await connection.execute(sa.select(CLINIC.c.id).where(begun < len(BROOMS)).limit(100))).scalars().all()
    rows = [{"clinic": clinic, "kind": kind, "reached": [], "look_at": now} for clinic in new for kind in BROOMS]
    await insert_many(connection, MARK, rows)


async def take_mark(connection: AsyncConnection, kinds: Collection[str], now: datetime) -> Any | None:
    """The mark that waited longest to be looked at, locked; None where none is due that nobody holds."""
    query = sa.select(MARK).where(MARK.c.look_at <= now, MARK.c.kind.in_(sorted(kinds)))
    return (await connection.execute(query.order_by(MARK.c.look_at).limit(1).with_for_update(skip_locked=True))).first()


async def save_mark(connection: AsyncConnection, mark: Any, reached: list[str], look_at: datetime) -> None:
    one = (MARK.c.clinic == mark.clinic, MARK.c.kind == mark.kind)
    await connection.execute(MARK.update().where(*one).values(reached=reached, look_at=look_at))


async def sweep(connection: AsyncConnection, mark: Any, before: datetime, limit: int) -> Swept:
    """Look at the next rows after the mark, and take away what is older than `before`."""
    broom = BROOMS[mark.kind]
    keys = _keys(broom.table)
    rows = await _next_rows(connection, broom, mark, before, limit)
    walked = rows
    if broom.in_order:
        young = next((number for number, row in enumerate(rows) if not row.old), len(rows))
        walked = rows[:young]
    old = [tuple(row[: len(keys)]) for row in walked if row.wanted]
    await _take_away(connection, broom, mark.clinic, old)
    more = len(walked) == limit
    if more or broom.in_order:
        reached = [str(part) for part in walked[-1][: len(keys)]] if walked else mark.reached
    else:
        reached = []
    return Swept(len(old), reached, more)


async def _next_rows(
    connection: AsyncConnection, broom: Broom, mark: Any, before: datetime, limit: int
) -> Sequence[Any]:
    keys = _keys(broom.table)
    is_old = (broom.born < before).label("old")
    wanted = sa.case((broom.born < before, broom.only), else_=sa.false()).label("wanted")
    query = sa.select(*keys, is_old, wanted).where(broom.table.c.clinic == mark.clinic)
    if mark.reached:
        query = query.where(sa.tuple_(*keys) > sa.tuple_(*_key_of(keys, mark.reached)))
    return (await connection.execute(query.order_by(*keys).limit(limit))).all()


async def _take_away(connection: AsyncConnection, broom: Broom, clinic: str, old: Sequence[tuple[Any, ...]]) -> None:
    if not old:
        return
    table = broom.table
    these = sa.and_(table.c.clinic == clinic, among(connection, _keys(table), old), broom.only)
    statement = table.delete().where(these) if broom.blank is None else table.update().where(these).values(broom.blank)
    await connection.execute(statement)


def _keys(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.primary_key.columns if column.name != "clinic"]


def _key_of(keys: Sequence[sa.Column[Any]], parts: Sequence[str]) -> list[sa.BindParameter[Any]]:
    """A key as it is kept in a mark, as the database compares it."""
    return [
        sa.literal(UUID(part) if isinstance(key.type, sa.Uuid) else part, key.type)
        for key, part in zip(keys, parts, strict=True)
    ]
