"""Senders whose provider's list must be compared with our attempts before they send again."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.lanes import Lane
from service.store.tables import Attempt, Sender, SenderWatch, StaffMessage, Worker, core
from service.types import AttemptState, Found

ATTEMPT, SENDER, WATCH, WORKER = core(Attempt), core(Sender), core(SenderWatch), core(Worker)
STAFF_MESSAGE = core(StaffMessage)


async def newest_beat(connection: AsyncConnection) -> datetime | None:
    """The freshest sign of life of any worker, whether it has signed off or not."""
    moment: datetime | None = await connection.scalar(sa.select(sa.func.max(WORKER.c.seen_at)))
    return moment


async def beat_of(connection: AsyncConnection, worker: Any) -> datetime | None:
    moment: datetime | None = await connection.scalar(sa.select(WORKER.c.seen_at).where(WORKER.c.id == worker))
    return moment


async def have_checked(
    connection: AsyncConnection, media: Collection[str], since: datetime, reason: str, now: datetime
) -> int:
    """Have all senders of these media compared since then, and let none of them send before; how many were paused."""
    concerned = SENDER.c.medium.in_(sorted(media))
    rows = sa.select(SENDER.c.clinic, SENDER.c.id, sa.literal(""), sa.literal(0)).where(concerned)
    known = insert(connection, WATCH).from_select(["clinic", "sender", "trouble", "probes"], rows)
    await connection.execute(known.on_conflict_do_nothing())
    earlier = sa.or_(WATCH.c.check_since.is_(None), WATCH.c.check_since > since)
    of_these = sa.exists().where(SENDER.c.clinic == WATCH.c.clinic, SENDER.c.id == WATCH.c.sender, concerned)
    await connection.execute(WATCH.update().where(earlier, of_these).values(check_since=since))
    paused = await connection.execute(
        SENDER.update().where(concerned, SENDER.c.paused_at.is_(None)).values(paused_at=now, paused_reason=reason)
    )
    return paused.rowcount


async def unchecked(connection: AsyncConnection, media: Collection[str], limit: int) -> Sequence[Any]:
    """Senders that wait to be compared, those with the earliest due reminders first: the sender, and since when."""
    query = (
        sa.select(SENDER, WATCH.c.check_since)
        .join(WATCH, sa.and_(WATCH.c.clinic == SENDER.c.clinic, WATCH.c.sender == SENDER.c.id))
        .where(WATCH.c.check_since.is_not(None), SENDER.c.medium.in_(sorted(media)))
        .order_by(SENDER.c.next_due_at.is_(None), SENDER.c.next_due_at)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def end_check(connection: AsyncConnection, lane: Lane, since: datetime) -> bool:
    """The sender was compared since then; whether that was still to be done."""
    ended = await connection.execute(
        WATCH.update()
        .where(WATCH.c.clinic == lane[0], WATCH.c.sender == lane[1], WATCH.c.check_since == since)
        .values(check_since=None)
    )
    return ended.rowcount > 0


async def hold_sender(connection: AsyncConnection, lane: Lane, reason: str, now: datetime) -> None:
    """Pause it for this reason, whatever paused it before: a person must let it go on."""
    await connection.execute(
        SENDER.update()
        .where(SENDER.c.clinic == lane[0], SENDER.c.id == lane[1])
        .values(paused_at=now, paused_reason=reason)
    )


_IN_DOUBT = ATTEMPT.c.state.in_(
    [sa.literal_column(f"'{state.value}'") for state in (AttemptState.SENDING, AttemptState.UNKNOWN)]
)


async def foreign(connection: AsyncConnection, lane: Lane, messages: Sequence[Found], apart: timedelta) -> list[Found]:
    """Those of a sender's messages that none of our attempts holds, and none whose answer was lost explains.

    An attempt to the same recipient that began at most `apart` from the message's creation explains it; so does a code
    or a test that went to staff meanwhile.
    """
    ids = [message.provider_id for message in messages]
    held = set(await connection.scalars(sa.select(ATTEMPT.c.provider_id).where(ATTEMPT.c.provider_id.in_(ids))))
    left = [message for message in messages if message.provider_id not in held]
    if not left:
        return []
    query = sa.select(ATTEMPT.c.recipient, ATTEMPT.c.created_at).where(
        _IN_DOUBT, ATTEMPT.c.clinic == lane[0], ATTEMPT.c.sender == lane[1]
    )
    spans = [(row.recipient, row.created_at, row.created_at) for row in await connection.execute(query)]
    to_staff = sa.select(STAFF_MESSAGE.c.recipient, STAFF_MESSAGE.c.created_at, STAFF_MESSAGE.c.expires_at).where(
        STAFF_MESSAGE.c.clinic == lane[0], STAFF_MESSAGE.c.recipient.in_({message.to for message in left})
    )
    spans += [(row.recipient, row.created_at, row.expires_at) for row in await connection.execute(to_staff)]
    return [message for message in left if not any(_explains(span, message, apart) for span in spans)]


def _explains(span: tuple[str, datetime, datetime], message: Found, apart: timedelta) -> bool:
    recipient, since, until = span
    return recipient == message.to and since - apart <= message.created_at <= until + apart
