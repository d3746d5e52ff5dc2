"""A clinic's staff, where they are reached, and what is sent to them there."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import insert
from service.store.tables import Recipient, SignIn, Staff, StaffAddress, StaffMessage, core
from service.types import Json, Medium

STAFF, ADDRESS, MESSAGE = core(Staff), core(StaffAddress), core(StaffMessage)
SIGN_IN, RECIPIENT = core(SignIn), core(Recipient)

KEPT = timedelta(days=30)
"""So long a message to staff can be looked at."""


async def hold_staff(connection: AsyncConnection, clinic: str, staff: str) -> Any | None:
    """A member of staff, if there is one; all of the clinic's are held until this transaction ends.

    What is counted for them all is counted one by one, new members' included: a clinic has at least its owner.
    """
    query = sa.select(STAFF).where(STAFF.c.clinic == clinic).order_by(STAFF.c.id).with_for_update()
    return next((row for row in await connection.execute(query) if row.id == staff), None)


async def staff_of(connection: AsyncConnection, clinic: str) -> Sequence[Any]:
    query = sa.select(STAFF).where(STAFF.c.clinic == clinic).order_by(STAFF.c.id)
    return (await connection.execute(query)).all()


async def owners_of(connection: AsyncConnection, clinic: str) -> set[str]:
    """Held until this transaction ends, so that two owners cannot leave at once."""
    owners = sa.select(STAFF.c.id).where(STAFF.c.clinic == clinic, STAFF.c.role == "owner")
    return set(await connection.scalars(owners.order_by(STAFF.c.id).with_for_update()))


async def put_staff(connection: AsyncConnection, clinic: str, staff: str, values: Json, now: datetime) -> None:
    """Add a member of staff, or change those of their details that are given: name, role."""
    statement = insert(connection, STAFF).values(clinic=clinic, id=staff, created_at=now, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["clinic", "id"], set_=values))


async def remove_staff(connection: AsyncConnection, clinic: str, staff: str, now: datetime) -> bool:
    """Whether there was such a member. Their open sign-in links, their addresses and what was said to them go, too.

    That something was sent stays known as long as of others: limits count it, and an outage's comparison asks.
    """
    sent = (MESSAGE.c.clinic == clinic, MESSAGE.c.staff == staff)
    ended = {"state": "failed", "code": "staff-removed", "settled_at": now}
    await connection.execute(MESSAGE.update().where(*sent, MESSAGE.c.settled_at.is_(None)).values(**ended))
    await connection.execute(MESSAGE.update().where(*sent).values(subject="", text="", html=""))
    for table in (ADDRESS, SIGN_IN):
        await connection.execute(table.delete().where(table.c.clinic == clinic, table.c.staff == staff))
    removed = await connection.execute(STAFF.delete().where(STAFF.c.clinic == clinic, STAFF.c.id == staff))
    return removed.rowcount > 0


async def addresses_of(connection: AsyncConnection, clinic: str, staff: str | None = None) -> Sequence[Any]:
    """Where staff are reached: one member, or all of the clinic."""
    query = sa.select(ADDRESS).where(ADDRESS.c.clinic == clinic)
    if staff is not None:
        query = query.where(ADDRESS.c.staff == staff)
    return (await connection.execute(query.order_by(ADDRESS.c.staff, ADDRESS.c.medium.desc()))).all()


async def put_address(connection: AsyncConnection, clinic: str, staff: str, medium: Medium, address: str) -> None:
    """Give a member of staff an address. It waits to be confirmed, even where it is the one that they had."""
    values = {"address": address, "confirmed_at": None, "proof": "", "code_digest": "", "code_tries": 0}
    statement = insert(connection, ADDRESS).values(clinic=clinic, staff=staff, medium=medium.value, **values)
    keys = [column.name for column in ADDRESS.primary_key.columns]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))


async def change_address(connection: AsyncConnection, row: Any, values: Mapping[str, Any]) -> None:
    """Set columns of an address that was read."""
    one = (ADDRESS.c.clinic == row.clinic, ADDRESS.c.staff == row.staff, ADDRESS.c.medium == row.medium)
    await connection.execute(ADDRESS.update().where(*one).values(**values))


async def is_stopped(connection: AsyncConnection, clinic: str, medium: str, address: str) -> bool:
    """Whether whoever has this address has told the clinic to stop: that binds staff messages, too."""
    query = sa.select(RECIPIENT.c.suppressed_at).where(
        RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == medium, RECIPIENT.c.address == address
    )
    return await connection.scalar(query) is not None


async def add_message(connection: AsyncConnection, row: Json) -> None:
    """Keep a message to staff until it is sent; what the clinic no longer needs to see is forgotten with it."""
    old = sa.and_(MESSAGE.c.clinic == row["clinic"], MESSAGE.c.created_at <= row["created_at"] - KEPT)
    await connection.execute(MESSAGE.delete().where(old))
    await connection.execute(MESSAGE.insert().values(**row))


async def asked_since(
    connection: AsyncConnection, clinic: str, kind: str, since: datetime, *, staff: str | None = None
) -> list[datetime]:
    """When messages of this kind were asked for since then, the first first: of one member, or of all the staff."""
    query = sa.select(MESSAGE.c.created_at).where(
        MESSAGE.c.clinic == clinic, MESSAGE.c.kind == kind, MESSAGE.c.created_at > since
    )
    if staff is not None:
        query = query.where(MESSAGE.c.staff == staff)
    return list(await connection.scalars(query.order_by(MESSAGE.c.created_at)))


async def messages_to_staff(connection: AsyncConnection, clinic: str, limit: int) -> Sequence[Any]:
    """What was sent to the clinic's staff, or waits to be, the latest first."""
    query = sa.select(MESSAGE).where(MESSAGE.c.clinic == clinic).order_by(MESSAGE.c.id.desc()).limit(limit)
    return (await connection.execute(query)).all()


async def last_code(connection: AsyncConnection, row: Any) -> Any | None:
    """The last code that was sent to this address."""
    query = sa.select(MESSAGE).where(
        MESSAGE.c.clinic == row.clinic, MESSAGE.c.staff == row.staff, MESSAGE.c.kind == "code",
        MESSAGE.c.medium == row.medium, MESSAGE.c.recipient == row.address,
    )  # fmt: skip
    return (await connection.execute(query.order_by(MESSAGE.c.id.desc()).limit(1))).first()


async def take_messages(connection: AsyncConnection, now: datetime, until: datetime, limit: int) -> Sequence[Any]:
    """Take due messages, each with its address as it stands now: no other worker tries them before `until`."""
    theirs = sa.and_(*(ADDRESS.c[name] == MESSAGE.c[name] for name in ("clinic", "staff", "medium")))
    due = (
        sa.select(MESSAGE, ADDRESS.c.address, ADDRESS.c.confirmed_at, ADDRESS.c.proof)
        .outerjoin_from(MESSAGE, ADDRESS, theirs)
        .where(MESSAGE.c.settled_at.is_(None), MESSAGE.c.due_at <= now)
        .order_by(MESSAGE.c.due_at)
        .limit(limit)
        .with_for_update(of=MESSAGE, skip_locked=True)
    )
    rows = (await connection.execute(due)).all()
    for row in rows:
        await change_message(connection, row.clinic, row.id, {"due_at": until, "tries": row.tries + 1})
    return rows


async def change_message(connection: AsyncConnection, clinic: str, id_: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a message that is not settled yet."""
    waiting = (MESSAGE.c.clinic == clinic, MESSAGE.c.id == id_, MESSAGE.c.settled_at.is_(None))
    await connection.execute(MESSAGE.update().where(*waiting).values(**values))


async def next_message_due(connection: AsyncConnection) -> datetime | None:
    moment: datetime | None = await connection.scalar(
        sa.select(sa.func.min(MESSAGE.c.due_at)).where(MESSAGE.c.settled_at.is_(None))
    )
    return moment
