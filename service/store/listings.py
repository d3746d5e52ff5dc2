"""Lists that a clinic's system reads, a page at a time and by key: clients, replies, what providers reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import Attempt, Client, Reminder, Reply, Treatment, core

ATTEMPT, CLIENT, REMINDER, REPLY, TREATMENT = (core(one) for one in (Attempt, Client, Reminder, Reply, Treatment))

_TOOK_PLACE = ("planned", "unmapped")


@dataclass(frozen=True, slots=True)
class WantedReplies:
    """Which replies to list; None narrows nothing down. `until` itself is not among them."""

    client: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WantedReceipts:
    """Which reports to list; None narrows nothing down."""

    state: str | None = None
    medium: str | None = None
    since: datetime | None = None


async def clients_page(
    connection: AsyncConnection, clinic: str, *, no_visit_since: datetime | None, after: str | None, limit: int
) -> Sequence[Any]:
    """Clients in order of their references, each with its `last_visit_at`; those whose data was erased are none.

    `no_visit_since`: only whose last visit ended before, and who had none.
    """
    own = sa.and_(
        TREATMENT.c.clinic == CLIENT.c.clinic, TREATMENT.c.client == CLIENT.c.ref, TREATMENT.c.state.in_(_TOOK_PLACE)
    )
    last = sa.select(sa.func.max(TREATMENT.c.ended_at)).where(own).correlate(CLIENT).scalar_subquery()
    columns = [CLIENT.c[name] for name in ("ref", "first_name", "time_zone", "locale", "sms_stopped_at",
                                           "email_stopped_at", "as_of")]  # fmt: skip
    query = sa.select(*columns, last.label("last_visit_at")).where(
        CLIENT.c.clinic == clinic, CLIENT.c.erased_at.is_(None)
    )
    if no_visit_since is not None:
        query = query.where(~sa.exists().where(own, TREATMENT.c.ended_at >= no_visit_since).correlate(CLIENT))
    if after is not None:
        query = query.where(CLIENT.c.ref > after)
    return (await connection.execute(query.order_by(CLIENT.c.ref).limit(limit))).all()


async def replies_page(
    connection: AsyncConnection, clinic: str, wanted: WantedReplies, after: UUID | None, limit: int
) -> Sequence[Any]:
    """What clients wrote, the latest first: their ids are in order of time."""
    query = sa.select(REPLY).where(REPLY.c.clinic == clinic)
    if wanted.client is not None:
        query = query.where(REPLY.c.client == wanted.client)
    if wanted.kind is not None:
        query = query.where(REPLY.c.kind == wanted.kind)
    if wanted.since is not None:
        query = query.where(REPLY.c.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(REPLY.c.received_at < wanted.until)
    if after is not None:
        query = query.where(REPLY.c.id < after)
    return (await connection.execute(query.order_by(REPLY.c.id.desc()).limit(limit))).all()


async def receipts_page(
    connection: AsyncConnection, clinic: str, wanted: WantedReceipts, after: UUID | None, limit: int
) -> Sequence[Any]:
    """Sends that their provider has reported on, the latest sent first, each with the reminder that it was for."""
    context = [REMINDER.c[name] for name in ("treatment", "client", "step", "occurrence")]
    query = (
        sa.select(ATTEMPT, *context)
        .join(REMINDER, sa.and_(REMINDER.c.clinic == ATTEMPT.c.clinic, REMINDER.c.id == ATTEMPT.c.reminder))
        .where(ATTEMPT.c.clinic == clinic, ATTEMPT.c.receipt_at.is_not(None))
    )
    if wanted.state is not None:
        query = query.where(ATTEMPT.c.state == wanted.state)
    if wanted.medium is not None:
        query = query.where(ATTEMPT.c.medium == wanted.medium)
    if wanted.since is not None:
        query = query.where(ATTEMPT.c.receipt_at >= wanted.since)
    if after is not None:
        query = query.where(ATTEMPT.c.id < after)
    return (await connection.execute(query.order_by(ATTEMPT.c.id.desc()).limit(limit))).all()
