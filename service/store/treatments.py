"""Events, courses and treatments: what was reported, and what is known from it."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import insert_many, upsert_many
from service.store.dialect import among
from service.store.tables import Course, Event, Treatment, core
from service.types import Json

EVENT, COURSE, TREATMENT = core(Event), core(Course), core(Treatment)

EventKey = tuple[str, str, str]
"""(clinic, source, id)."""


async def insert_events(connection: AsyncConnection, rows: Sequence[Json]) -> set[EventKey]:
    """Insert events whose key is new; returns the keys inserted. The unique key decides, not a look beforehand."""
    inserted = await insert_many(connection, EVENT, rows, returning=("clinic", "source", "id"))
    return {(row.clinic, row.source, row.id) for row in inserted}


async def known_events(connection: AsyncConnection, keys: Iterable[EventKey]) -> dict[EventKey, Any]:
    """The events of these keys that are stored: digest, treatment, state."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    columns = (EVENT.c.clinic, EVENT.c.source, EVENT.c.id, EVENT.c.digest, EVENT.c.treatment, EVENT.c.state)
    rows = await connection.execute(
        sa.select(*columns).where(among(connection, (EVENT.c.clinic, EVENT.c.source, EVENT.c.id), wanted))
    )
    return {(row.clinic, row.source, row.id): row for row in rows}


_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 8117363)) FROM unnest(CAST(:names AS text[])) name"
)


async def lock_treatments(connection: AsyncConnection, keys: Iterable[tuple[str, str]]) -> None:
    """Let nobody else record anything about these (clinic, treatment)s before this transaction has ended.

    What is the newest word on a treatment, and whose it is, can only be told then; a new one has no row to lock.
    SQLite has one writer at a time as it is.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_LOCK, {"names": [f"{clinic} {id_}" for clinic, id_ in sorted(set(keys))]})


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


async def save_courses(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    await insert_many(connection, COURSE, rows)


async def save_treatments(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Insert treatments, or bring known ones up to date. The caller has made sure that these are the newest."""
    await upsert_many(connection, TREATMENT, rows)
