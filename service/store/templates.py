"""A clinic's own words: their history, which version is sent, what is held, and what a change would touch.

Whoever changes what is sent calls `touch` in the same transaction: processes that write messages notice by the clinic's
stamp, which they read with the clinic itself.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clinics import hold_clinic
from service.store.dialect import insert
from service.store.due import LOCALE
from service.store.lanes import lower_next_due
from service.store.tables import (
    Attempt,
    Client,
    Clinic,
    ProtocolReview,
    Reminder,
    TemplateCurrent,
    TemplateHold,
    TemplateSeen,
    TemplateVersion,
    core,
)
from service.types import Json, Medium, ReminderState

CLINIC, CLIENT, REMINDER, ATTEMPT = core(Clinic), core(Client), core(Reminder), core(Attempt)
VERSION, CURRENT, SEEN = core(TemplateVersion), core(TemplateCurrent), core(TemplateSeen)
HOLD, REVIEW = core(TemplateHold), core(ProtocolReview)

HELD = "message-held"
"""The reason of reminders that a hold keeps back."""
UNCONFIRMED = "protocol-unconfirmed"
"""The reason of messages that stay in the outbox until the clinic has confirmed their protocol."""
_SCHEDULED = REMINDER.c.state == sa.literal_column(f"'{ReminderState.SCHEDULED.value}'")
"""Written out, so that the partial index is seen to fit."""


class TemplateKey(NamedTuple):
    """One message in one language by one medium."""

    protocol: str
    step: str
    medium: Medium
    locale: str


_KEY = [VERSION.c[name] for name in TemplateKey._fields]


def _of(table: sa.Table, clinic: str, key: TemplateKey) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.clinic == clinic, *(table.c[name] == value for name, value in key._asdict().items()))


async def touch(connection: AsyncConnection, clinic: str) -> None:
    """Tell every process that what is sent in this clinic's name has changed."""
    await hold_clinic(connection, clinic)
    await connection.execute(
        CLINIC.update().where(CLINIC.c.id == clinic).values(words_stamp=CLINIC.c.words_stamp + sa.literal(1))
    )


async def add_version(connection: AsyncConnection, clinic: str, key: TemplateKey, row: Json) -> bool:
    """Append to a message's history; False where this number was taken in the meantime."""
    added = await connection.execute(
        insert(connection, VERSION).values(clinic=clinic, **key._asdict(), **row).on_conflict_do_nothing()
    )
    return added.rowcount > 0


async def latest_number(connection: AsyncConnection, clinic: str, key: TemplateKey) -> int:
    """The newest version's number; 0 where the clinic never wrote this message."""
    return await connection.scalar(sa.select(sa.func.max(VERSION.c.number)).where(_of(VERSION, clinic, key))) or 0


async def version_at(connection: AsyncConnection, clinic: str, key: TemplateKey, number: int) -> Any | None:
    query = sa.select(VERSION).where(_of(VERSION, clinic, key), VERSION.c.number == number)
    return (await connection.execute(query)).first()


async def history_of(connection: AsyncConnection, clinic: str, key: TemplateKey) -> Sequence[Any]:
    """Every version, the newest first, without their sources."""
    columns = [column for column in VERSION.c if column.name != "source"]
    query = sa.select(*columns).where(_of(VERSION, clinic, key)).order_by(VERSION.c.number.desc())
    return (await connection.execute(query)).all()


async def newest_sources(connection: AsyncConnection, clinic: str) -> dict[TemplateKey, Any]:
    """The newest version, with its source, of every message that the clinic ever wrote."""
    newest = sa.select(*_KEY, sa.func.max(VERSION.c.number).label("number")).where(VERSION.c.clinic == clinic)
    top = newest.group_by(*_KEY).subquery()
    same = sa.and_(*(VERSION.c[name] == top.c[name] for name in (*TemplateKey._fields, "number")))
    rows = await connection.execute(sa.select(VERSION).join(top, same).where(VERSION.c.clinic == clinic))
    return {_key(row): row for row in rows}


async def locales_written(connection: AsyncConnection, clinic: str, protocol: str) -> set[str]:
    """The locales in which the clinic has words of its own of this protocol, drafts too."""
    query = sa.select(VERSION.c.locale).where(VERSION.c.clinic == clinic, VERSION.c.protocol == protocol)
    return set(await connection.scalars(query.distinct()))


async def current_of(connection: AsyncConnection, clinic: str, key: TemplateKey) -> Any | None:
    return (await connection.execute(sa.select(CURRENT).where(_of(CURRENT, clinic, key)))).first()


async def set_current(
    connection: AsyncConnection, clinic: str, key: TemplateKey, number: int, before: int, now: datetime
) -> None:
    values = {"number": number, "before": before, "changed_at": now}
    statement = insert(connection, CURRENT).values(clinic=clinic, **key._asdict(), **values)
    keys = [column.name for column in CURRENT.primary_key.columns]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))


async def current_sources(
    connection: AsyncConnection, clinics: Collection[str]
) -> dict[str, dict[TemplateKey, list[Any]]]:
    """What clinics send of their own, by clinic and message: the version in force, then the one that was before it."""
    own = CURRENT.join(
        VERSION,
        sa.and_(
            *(VERSION.c[name] == CURRENT.c[name] for name in ("clinic", *TemplateKey._fields)),
            sa.or_(VERSION.c.number == CURRENT.c.number, VERSION.c.number == CURRENT.c.before),
        ),
    )
    columns = [VERSION.c[name] for name in ("clinic", *TemplateKey._fields, "number", "source")]
    query = sa.select(*columns).select_from(own).where(CURRENT.c.clinic.in_(clinics), CURRENT.c.number > 0)
    found: dict[str, dict[TemplateKey, list[Any]]] = {clinic: {} for clinic in clinics}
    for row in await connection.execute(query.order_by(VERSION.c.number.desc())):
        found[row.clinic].setdefault(_key(row), []).append(row)
    return found


async def mark_seen(connection: AsyncConnection, clinic: str, key: TemplateKey, number: int, now: datetime) -> None:
    row = {"clinic": clinic, **key._asdict(), "number": number, "seen_at": now}
    await connection.execute(insert(connection, SEEN).values(row).on_conflict_do_nothing())


async def was_seen(connection: AsyncConnection, clinic: str, key: TemplateKey, number: int) -> bool:
    query = sa.select(SEEN.c.number).where(_of(SEEN, clinic, key), SEEN.c.number == number)
    return await connection.scalar(query) is not None


async def holds_of(connection: AsyncConnection, clinics: Collection[str]) -> Sequence[Any]:
    order = (HOLD.c.clinic, HOLD.c.protocol, HOLD.c.step, HOLD.c.medium, HOLD.c.locale)
    return (await connection.execute(sa.select(HOLD).where(HOLD.c.clinic.in_(clinics)).order_by(*order))).all()


async def hold(connection: AsyncConnection, clinic: str, row: Json) -> bool:
    """Whether this was not held yet. `row`: protocol, step, medium and locale (empty: all), author, note, held_at."""
    held = await connection.execute(insert(connection, HOLD).values(clinic=clinic, **row).on_conflict_do_nothing())
    return held.rowcount > 0


async def release(
    connection: AsyncConnection, clinic: str, what: Mapping[str, str], now: datetime, *, alone: bool = False
) -> bool:
    """Take holds away: those of this message, by this medium or language where one is named; `alone`: the very one.
    What they kept back is looked at now. Must be the transaction's last act: it lowers lanes."""
    named = [HOLD.c[name] == value for name, value in what.items() if value or alone]
    removed = await connection.execute(HOLD.delete().where(HOLD.c.clinic == clinic, *named))
    if not removed.rowcount:
        return False
    await touch(connection, clinic)
    kept_back = REMINDER.update().where(
        _SCHEDULED,
        REMINDER.c.clinic == clinic,
        REMINDER.c.protocol == what["protocol"],
        REMINDER.c.step == what["step"],
        REMINDER.c.reason == HELD,
    )
    rows = await connection.execute(
        kept_back.values(due_at=now, reason="", updated_at=now).returning(REMINDER.c.sender)
    )
    await lower_next_due(connection, {(clinic, row.sender): now for row in rows if row.sender})
    return True


async def scheduled_by_locale(connection: AsyncConnection, clinic: str, key: TemplateKey) -> dict[str, int]:
    """How many reminders wait to be sent as this message by this medium, by the locale that their clients read."""
    query = (
        sa.select(LOCALE.label("locale"), sa.func.count().label("waiting"))
        .join_from(REMINDER, CLIENT, sa.and_(CLIENT.c.clinic == REMINDER.c.clinic, CLIENT.c.ref == REMINDER.c.client))
        .where(
            _SCHEDULED,
            REMINDER.c.clinic == clinic,
            REMINDER.c.protocol == key.protocol,
            REMINDER.c.step == key.step,
            REMINDER.c.medium == key.medium,
        )
        .group_by(LOCALE)
    )
    return {row.locale: row.waiting for row in await connection.execute(query)}


async def locales_read(connection: AsyncConnection, clinic: str) -> set[str]:
    """The locales that the clinic's clients read; empty stands for those who gave none."""
    return set(await connection.scalars(sa.select(LOCALE).where(CLIENT.c.clinic == clinic).distinct()))


async def recipients_of(
    connection: AsyncConnection, clinic: str, key: TemplateKey, version: str, *, before: UUID | None, limit: int
) -> Sequence[Any]:
    """Who was sent this version of these words, the latest first: attempt, reminder, client, state, when."""
    query = (
        sa.select(
            ATTEMPT.c.id, ATTEMPT.c.reminder, ATTEMPT.c.state, ATTEMPT.c.created_at, ATTEMPT.c.medium,
            REMINDER.c.client, REMINDER.c.treatment,
        )
        .join_from(
            ATTEMPT, REMINDER, sa.and_(REMINDER.c.clinic == ATTEMPT.c.clinic, REMINDER.c.id == ATTEMPT.c.reminder)
        )
        .where(
            ATTEMPT.c.clinic == clinic,
            ATTEMPT.c.wording == version,
            ATTEMPT.c.medium == key.medium,
            REMINDER.c.protocol == key.protocol,
            REMINDER.c.step == key.step,
        )
    )  # fmt: skip
    if before is not None:
        query = query.where(ATTEMPT.c.id < before)
    return (await connection.execute(query.order_by(ATTEMPT.c.id.desc()).limit(limit))).all()


async def reviews_of(connection: AsyncConnection, clinics: Collection[str]) -> Sequence[Any]:
    order = (REVIEW.c.clinic, REVIEW.c.protocol, REVIEW.c.locale)
    return (await connection.execute(sa.select(REVIEW).where(REVIEW.c.clinic.in_(clinics)).order_by(*order))).all()


async def confirm(connection: AsyncConnection, clinic: str, rows: Collection[Json]) -> None:
    """Record who has read protocols for this clinic: protocol, locale, clinician, reader, confirmed_at."""
    for row in rows:
        statement = insert(connection, REVIEW).values(clinic=clinic, **row)
        keys = [column.name for column in REVIEW.primary_key.columns]
        changed = {name: value for name, value in row.items() if name not in keys}
        await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
    await touch(connection, clinic)


def _key(row: Any) -> TemplateKey:
    return TemplateKey(row.protocol, row.step, Medium(row.medium), row.locale)
