"""Erasing a client: what is personal goes, what counts stays."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import Attempt, Client, Event, KeptAnswer, Recipient, Reminder, Reply, Treatment, core
from service.types import AttemptState, Json, ReminderState

CLIENT, TREATMENT, EVENT, RECIPIENT = core(Client), core(Treatment), core(Event), core(Recipient)
REMINDER, ATTEMPT, REPLY, KEPT = core(Reminder), core(Attempt), core(Reply), core(KeptAnswer)

_OF_MEDIUM = {"sms": CLIENT.c.phone, "email": CLIENT.c.email}
_NOBODY: Json = {
    "first_name": "", "phone": None, "phone_given": "", "phone_problem": "", "email": None, "email_given": "",
    "email_problem": "", "time_zone": "", "locale": "", "locale_chosen": "", "told": {},
}  # fmt: skip


async def bodies_about(connection: AsyncConnection, clinic: str, ref: str) -> list[Json]:
    """Every event about a client as it came: what was once told of them may be kept under it elsewhere."""
    rows = await connection.execute(sa.select(EVENT.c.body).where(EVENT.c.clinic == clinic, EVENT.c.client == ref))
    return [row.body for row in rows]


async def erase_client(
    connection: AsyncConnection,
    clinic: str,
    ref: str,
    addresses: Collection[tuple[str, str]],
    event: str,
    now: datetime,
) -> None:
    """Remove what is personal about this client.

    `addresses` are all that events told, by (medium, address); `event` is the one that asks for it.

    The caller holds the client's row. Suppressed addresses stay: they are the wish not to be written to.
    """
    used = await _addresses_used(connection, clinic, ref)
    await _blank_messages(connection, clinic, ref)
    await _settle(connection, clinic, ref, now)
    await connection.execute(
        TREATMENT.update().where(TREATMENT.c.clinic == clinic, TREATMENT.c.client == ref).values(note="")
    )
    told = sa.and_(
        EVENT.c.clinic == clinic, EVENT.c.client == ref, EVENT.c.source.concat(" ").concat(EVENT.c.id) != event
    )
    await connection.execute(EVENT.update().where(told).values(body={}, digest="", state="erased"))
    await connection.execute(
        CLIENT.update().where(CLIENT.c.clinic == clinic, CLIENT.c.ref == ref).values(**_NOBODY, erased_at=now)
    )
    # Answers that are kept for a day in case they are asked for again name nobody that they could be found by.
    await connection.execute(KEPT.delete().where(KEPT.c.clinic == clinic, KEPT.c.status.is_not(None)))
    for medium, address in sorted({*addresses, *used}):
        await _forget_address(connection, clinic, medium, address)


async def _addresses_used(connection: AsyncConnection, clinic: str, ref: str) -> set[tuple[str, str]]:
    """Where messages went: the events that told of these addresses may have been forgotten."""
    query = sa.select(ATTEMPT.c.medium, ATTEMPT.c.recipient).join(
        REMINDER, sa.and_(REMINDER.c.clinic == ATTEMPT.c.clinic, REMINDER.c.id == ATTEMPT.c.reminder)
    )
    rows = await connection.execute(query.where(REMINDER.c.clinic == clinic, REMINDER.c.client == ref))
    return {(row.medium, row.recipient) for row in rows if row.recipient}


async def _blank_messages(connection: AsyncConnection, clinic: str, ref: str) -> None:
    """What was written to the client and by the client. Nothing is looked up by an address that is gone."""
    own = sa.select(REMINDER.c.id).where(REMINDER.c.clinic == clinic, REMINDER.c.client == ref)
    await connection.execute(
        ATTEMPT.update()
        .where(ATTEMPT.c.clinic == clinic, ATTEMPT.c.reminder.in_(own))
        .values(recipient="", pinned={}, body_hash="", look_up_at=None)
    )
    await connection.execute(
        REPLY.update().where(REPLY.c.clinic == clinic, REPLY.c.client == ref).values(address="", text="")
    )


async def _settle(connection: AsyncConnection, clinic: str, ref: str, now: datetime) -> None:
    """Reminders whose outcome will not be known now, and those that waited for a person."""
    unknown = sa.exists().where(
        ATTEMPT.c.clinic == REMINDER.c.clinic,
        ATTEMPT.c.reminder == REMINDER.c.id,
        ATTEMPT.c.state == AttemptState.UNKNOWN.value,
    )
    lost = sa.and_(REMINDER.c.state == ReminderState.SENDING.value, unknown)
    await connection.execute(
        REMINDER.update()
        .where(
            REMINDER.c.clinic == clinic,
            REMINDER.c.client == ref,
            sa.or_(REMINDER.c.state == ReminderState.NEEDS_REVIEW.value, lost),
        )
        .values(
            state=ReminderState.CANCELLED.value, reason="client-erased", by="plan", lease_until=None, updated_at=now
        )
    )


async def _forget_address(connection: AsyncConnection, clinic: str, medium: str, address: str) -> None:
    """Unless another client has it too, or its owner wants no messages."""
    others = sa.exists().where(CLIENT.c.clinic == clinic, _OF_MEDIUM[medium] == address)
    named = sa.and_(RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == medium, RECIPIENT.c.address == address)
    await connection.execute(RECIPIENT.delete().where(named, RECIPIENT.c.suppressed_at.is_(None), ~others))
    alone = sa.and_(REPLY.c.clinic == clinic, REPLY.c.address == address, REPLY.c.client.is_(None), ~others)
    await connection.execute(REPLY.update().where(alone).values(address="", text=""))
