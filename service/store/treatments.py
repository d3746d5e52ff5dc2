"""Events, courses and treatments: what was reported, and what is known from it."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import insert_many, upsert_many
from service.store.dialect import among
from service.store.tables import Course, Event, Reminder, Treatment, core
from service.types import Json

EVENT, COURSE, TREATMENT, REMINDER = core(Event), core(Course), core(Treatment), core(Reminder)

EventKey = tuple[str, str, str]
"""(clinic, source, id)."""


async def insert_events(connection: AsyncConnection, rows: Sequence[Json]) -> set[EventKey]:
    """Insert events whose key is new; returns the keys inserted. The unique key decides, not a look beforehand."""
    inserted = await insert_many(connection, EVENT, rows, returning=("clinic", "source", "id"))
    return {(row.clinic, row.source, row.id) for row in inserted}


async def known_events(connection: AsyncConnection, keys: Iterable[EventKey]) -> dict[EventKey, Any]:
    """The events of these keys that are stored: digest, treatment, client, state."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    columns = (EVENT.c.clinic, EVENT.c.source, EVENT.c.id, EVENT.c.digest, EVENT.c.treatment, EVENT.c.client,
               EVENT.c.state)  # fmt: skip
    rows = await connection.execute(
        sa.select(*columns).where(among(connection, (EVENT.c.clinic, EVENT.c.source, EVENT.c.id), wanted))
    )
    return {(row.clinic, row.source, row.id): row for row in rows}


_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 8117363)) FROM unnest(CAST(:names AS text[])) name"
)


async def lock_matters(connection: AsyncConnection, names: Iterable[str]) -> None:
    """Let nobody else record anything about the treatments and appointments of these names before this transaction has
    ended.

    What is the newest word on a treatment, and whose it is, can only be told then; a new one has no row to lock.
    SQLite has one writer at a time as it is.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_LOCK, {"names": sorted(set(names))})


async def forget_events(connection: AsyncConnection, keys: Iterable[EventKey]) -> None:
    """Take back events that this transaction has inserted."""
    named = among(connection, (EVENT.c.clinic, EVENT.c.source, EVENT.c.id), keys)
    await connection.execute(EVENT.delete().where(named))


async def set_event_state(connection: AsyncConnection, key: EventKey, state: str) -> None:
    clinic, source, id_ = key
    named = sa.and_(EVENT.c.clinic == clinic, EVENT.c.source == source, EVENT.c.id == id_)
    await connection.execute(EVENT.update().where(named).values(state=state))


async def treatments_by_id(connection: AsyncConnection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    rows = await connection.execute(
        sa.select(TREATMENT).where(among(connection, (TREATMENT.c.clinic, TREATMENT.c.id), keys))
    )
    return {(row.clinic, row.id): row for row in rows}


async def treatments_of_courses(connection: AsyncConnection, courses: Iterable[tuple[str, str]]) -> Sequence[Any]:
    """Every treatment of these (clinic, course)s."""
    statement = sa.select(TREATMENT).where(among(connection, (TREATMENT.c.clinic, TREATMENT.c.course), courses))
    return (await connection.execute(statement)).all()


async def courses_of_clients(connection: AsyncConnection, clients: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    rows = await connection.execute(
        sa.select(COURSE.c.clinic, COURSE.c.id).where(among(connection, (COURSE.c.clinic, COURSE.c.client), clients))
    )
    return {(row.clinic, row.id) for row in rows}


async def unmapped_treatments(connection: AsyncConnection, clinic: str, code: str, limit: int) -> Sequence[Any]:
    """Treatments that wait until their code means a protocol."""
    named = sa.and_(TREATMENT.c.clinic == clinic, TREATMENT.c.protocol == code, TREATMENT.c.state == "unmapped")
    statement = sa.select(TREATMENT).where(named).order_by(TREATMENT.c.id).limit(limit)
    return (await connection.execute(statement)).all()


async def unmapped_codes(connection: AsyncConnection, clinic: str) -> dict[str, int]:
    """The codes that treatments wait for, and how many do."""
    named = sa.and_(TREATMENT.c.clinic == clinic, TREATMENT.c.state == "unmapped")
    statement = sa.select(TREATMENT.c.protocol, sa.func.count()).where(named).group_by(TREATMENT.c.protocol)
    return {row[0]: row[1] for row in await connection.execute(statement)}


async def set_state(connection: AsyncConnection, keys: Iterable[tuple[str, str]], state: str) -> None:
    """Of these (clinic, treatment)s."""
    named = among(connection, (TREATMENT.c.clinic, TREATMENT.c.id), keys)
    await connection.execute(TREATMENT.update().where(named).values(state=state))


async def set_aside(connection: AsyncConnection, row: Any, id_: str, state: str) -> None:
    """Keep what a treatment was as one of another id, and what was planned for it with that."""
    copy = {**row._mapping, "id": id_, "state": state}  # noqa: SLF001 - SQLAlchemy's documented accessor
    await upsert_many(connection, TREATMENT, [copy])
    planned = sa.and_(REMINDER.c.clinic == row.clinic, REMINDER.c.treatment == row.id)
    await connection.execute(REMINDER.update().where(planned).values(treatment=id_))


async def take_up_again(connection: AsyncConnection, row: Any, id_: str) -> None:
    """Give a treatment what was planned for it under that other id, if anything was."""
    planned = sa.and_(REMINDER.c.clinic == row.clinic, REMINDER.c.treatment == id_)
    await connection.execute(REMINDER.update().where(planned).values(treatment=row.id))
    await connection.execute(TREATMENT.delete().where(TREATMENT.c.clinic == row.clinic, TREATMENT.c.id == id_))


async def save_courses(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    await insert_many(connection, COURSE, rows)


async def save_treatments(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Insert treatments, or bring known ones up to date. The caller has made sure that these are the newest."""
    await upsert_many(connection, TREATMENT, rows)
