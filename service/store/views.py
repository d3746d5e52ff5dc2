"""What the console reads: messages, what comes next, and the plans of treatments. Every query is one clinic's."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import (
    Attempt,
    Client,
    Clinic,
    Decision,
    Location,
    Reminder,
    Sender,
    Staff,
    Treatment,
    Wording,
    core,
)
from service.types import AttemptState, ReminderState

ATTEMPT, CLIENT, CLINIC, DECISION, LOCATION = core(Attempt), core(Client), core(Clinic), core(Decision), core(Location)
REMINDER, SENDER, STAFF = core(Reminder), core(Sender), core(Staff)
TREATMENT, WORDING = core(Treatment), core(Wording)

COMING = (ReminderState.SCHEDULED, ReminderState.SENDING)
DID_NOT_ARRIVE = (
    ReminderState.NEEDS_REVIEW,
    ReminderState.FAILED,
    ReminderState.UNDELIVERED,
    ReminderState.EXPIRED,
)
_DID_NOT_APPLY = (ReminderState.SKIPPED, ReminderState.CANCELLED)
_NEVER_LEFT = (AttemptState.ABSENT.value, AttemptState.FAILED.value)

_CONTEXT = (
    REMINDER.c.id.label("reminder"),
    REMINDER.c.treatment,
    REMINDER.c.client,
    REMINDER.c.step,
    REMINDER.c.occurrence,
    REMINDER.c.protocol,
    REMINDER.c.purpose,
    REMINDER.c.media,
    REMINDER.c.medium.label("turn"),
    REMINDER.c.state.label("reminder_state"),
    REMINDER.c.reason,
    REMINDER.c.due_at,
    REMINDER.c.expires_at,
    REMINDER.c.zone,
    REMINDER.c.updated_at,
    CLIENT.c.first_name,
    TREATMENT.c.ended_at,
    TREATMENT.c.area,
    TREATMENT.c.session,
    TREATMENT.c.of,
    sa.func.coalesce(LOCATION.c.name, TREATMENT.c.location).label("location"),
)
_OF_REMINDERS = (
    REMINDER.join(CLIENT, sa.and_(CLIENT.c.clinic == REMINDER.c.clinic, CLIENT.c.ref == REMINDER.c.client))
    .join(TREATMENT, sa.and_(TREATMENT.c.clinic == REMINDER.c.clinic, TREATMENT.c.id == REMINDER.c.treatment))
    .outerjoin(LOCATION, sa.and_(LOCATION.c.clinic == TREATMENT.c.clinic, LOCATION.c.id == TREATMENT.c.location))
)
_OF_MESSAGES = _OF_REMINDERS.join(
    ATTEMPT, sa.and_(ATTEMPT.c.clinic == REMINDER.c.clinic, ATTEMPT.c.reminder == REMINDER.c.id)
).outerjoin(SENDER, sa.and_(SENDER.c.clinic == ATTEMPT.c.clinic, SENDER.c.id == ATTEMPT.c.sender))

# An attempt's own columns keep their names (the renderer reads them as an attempt); `reminder` is in both alike.
_REMINDERS = sa.select(*_CONTEXT).select_from(_OF_REMINDERS)
_MESSAGES = sa.select(
    *(column for column in ATTEMPT.c if column.name != "reminder"),
    *_CONTEXT,
    SENDER.c.name.label("sender_name"),
    SENDER.c.address.label("sender_address"),
).select_from(_OF_MESSAGES)


@dataclass(frozen=True, slots=True)
class Member:
    """Someone on a clinic's staff, as the tables have it now."""

    clinic: str
    staff: str
    role: str
    clinic_name: str
    zone: str
    since: datetime
    """When they were put on the staff."""
    signed_out_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is scheduled: the next reminder (None: nothing waits) and how many fall due within a day."""

    first: Any
    within_a_day: int


async def member(connection: AsyncConnection, clinic: str, staff: str) -> Member | None:
    found = (
        await connection.execute(
            sa.select(STAFF.c.role, STAFF.c.created_at, STAFF.c.signed_out_at, CLINIC.c.name, CLINIC.c.time_zone)
            .join_from(STAFF, CLINIC, CLINIC.c.id == STAFF.c.clinic)
            .where(STAFF.c.clinic == clinic, STAFF.c.id == staff)
        )
    ).first()
    if found is None:
        return None
    return Member(clinic, staff, found.role, found.name, found.time_zone, found.created_at, found.signed_out_at)


async def messages(
    connection: AsyncConnection, clinic: str, *, medium: str = "", before: UUID | None = None, limit: int
) -> Sequence[Any]:
    """Attempts with what surrounds them, newest first; `before` is the last one of the page shown already.

    Attempts have time-ordered ids (UUIDv7), so the primary key is the order and no page costs more than another.
    """
    query = _MESSAGES.where(ATTEMPT.c.clinic == clinic)
    if medium:
        query = query.where(ATTEMPT.c.medium == medium)
    if before:
        query = query.where(ATTEMPT.c.id < before)
    return (await connection.execute(query.order_by(ATTEMPT.c.id.desc()).limit(limit))).all()


async def message(connection: AsyncConnection, clinic: str, attempt: UUID) -> Any | None:
    return (await connection.execute(_MESSAGES.where(ATTEMPT.c.clinic == clinic, ATTEMPT.c.id == attempt))).first()


async def last_message_of(connection: AsyncConnection, clinic: str, reminder: UUID) -> Any | None:
    """The newest attempt of a reminder; None where it never came to one."""
    query = _MESSAGES.where(ATTEMPT.c.clinic == clinic, ATTEMPT.c.reminder == reminder)
    return (await connection.execute(query.order_by(ATTEMPT.c.id.desc()).limit(1))).first()


async def earlier_texts(connection: AsyncConnection, row: Any, *, limit: int) -> Sequence[Any]:
    """The last texts that stood above this one on the same client's phone, oldest first."""
    query = _MESSAGES.where(
        ATTEMPT.c.clinic == row.clinic,
        REMINDER.c.client == row.client,
        ATTEMPT.c.medium == row.medium,
        ATTEMPT.c.recipient == row.recipient,
        ATTEMPT.c.id < row.id,
        ATTEMPT.c.state.not_in(_NEVER_LEFT),
    )
    found = (await connection.execute(query.order_by(ATTEMPT.c.id.desc()).limit(limit))).all()
    return found[::-1]


async def wordings(connection: AsyncConnection, clinic: str, versions: Iterable[str]) -> dict[str, Any]:
    wanted = sorted(set(versions))
    rows = await connection.execute(sa.select(WORDING).where(WORDING.c.clinic == clinic, WORDING.c.version.in_(wanted)))
    return {row.version: row for row in rows}


async def coming(connection: AsyncConnection, clinic: str, *, medium: str = "", limit: int) -> Sequence[Any]:
    """Reminders that wait for their time, the next one first.

    Read lane by lane: within one, the index has them in order of time, however many there are.
    """
    found: list[Any] = []
    for lane in await _lanes(connection, clinic):
        query = _REMINDERS.where(REMINDER.c.clinic == clinic, REMINDER.c.sender == lane, _is(ReminderState.SCHEDULED))
        if medium:
            query = query.where(REMINDER.c.medium == medium)
        found += (await connection.execute(query.order_by(REMINDER.c.due_at).limit(limit))).all()
    return sorted(found, key=lambda row: (row.due_at, row.reminder))[:limit]


async def not_sent(connection: AsyncConnection, clinic: str, *, medium: str = "", limit: int) -> Sequence[Any]:
    """Reminders that reached nobody: those that should have, the latest first; then those that did not apply."""
    query = _REMINDERS.where(REMINDER.c.clinic == clinic)
    if medium:
        query = query.where(REMINDER.c.medium == medium)
    troubled = query.where(_is(*DID_NOT_ARRIVE)).order_by(REMINDER.c.updated_at.desc(), REMINDER.c.id).limit(limit)
    found = (await connection.execute(troubled)).all()
    others = query.where(_is(*_DID_NOT_APPLY)).order_by(REMINDER.c.id.desc()).limit(limit - len(found))
    return [*found, *(await connection.execute(others)).all()]


async def attention(
    connection: AsyncConnection, clinic: str, *, before: UUID | None = None, limit: int
) -> Sequence[Any]:
    """Reminders that need someone: those that wait for a person, then those that reached nobody; the latest first.

    `before` is the last one of the page shown already.
    """
    mark = await reminder(connection, clinic, before) if before else None
    found: list[Any] = []
    for states in ((ReminderState.NEEDS_REVIEW,), DID_NOT_ARRIVE[1:]):
        if mark is not None and mark.reminder_state not in states and states != DID_NOT_ARRIVE[1:]:
            continue
        query = _REMINDERS.where(REMINDER.c.clinic == clinic, _is(*states))
        if mark is not None and mark.reminder_state in states:
            query = query.where(sa.tuple_(REMINDER.c.updated_at, REMINDER.c.id) < (mark.updated_at, mark.reminder))
        latest = query.order_by(REMINDER.c.updated_at.desc(), REMINDER.c.id.desc()).limit(limit - len(found))
        found += (await connection.execute(latest)).all()
    return found


async def waiting_for_a_person(connection: AsyncConnection, clinic: str) -> int:
    query = sa.select(sa.func.count()).where(REMINDER.c.clinic == clinic, _is(ReminderState.NEEDS_REVIEW))
    return await connection.scalar(query) or 0


async def ahead(connection: AsyncConnection, clinic: str, now: datetime) -> Ahead:
    first = await coming(connection, clinic, limit=1)
    count = 0
    for lane in await _lanes(connection, clinic):
        soon = sa.select(sa.func.count()).where(
            REMINDER.c.clinic == clinic,
            REMINDER.c.sender == lane,
            _is(ReminderState.SCHEDULED),
            REMINDER.c.due_at <= now + timedelta(days=1),
        )
        count += await connection.scalar(soon) or 0
    return Ahead(first[0] if first else None, count)


async def _lanes(connection: AsyncConnection, clinic: str) -> list[str | None]:
    """The clinic's senders, and None: what waits for one that the clinic has not got yet."""
    return [*await connection.scalars(sa.select(SENDER.c.id).where(SENDER.c.clinic == clinic)), None]


def _is(*states: ReminderState) -> sa.ColumnElement[bool]:
    """The state is one of these, written out: a bound value would keep partial indexes from being used."""
    if len(states) == 1:
        return REMINDER.c.state == sa.literal_column(f"'{states[0]}'")
    return REMINDER.c.state.in_([sa.literal_column(f"'{state}'") for state in states])


async def reminder(connection: AsyncConnection, clinic: str, identity: UUID) -> Any | None:
    return (await connection.execute(_REMINDERS.where(REMINDER.c.clinic == clinic, REMINDER.c.id == identity))).first()


async def decisions(connection: AsyncConnection, clinic: str, reminder: UUID) -> Sequence[Any]:
    """What was decided about a reminder, in order."""
    query = sa.select(DECISION).where(DECISION.c.clinic == clinic, DECISION.c.reminder == reminder)
    return (await connection.execute(query.order_by(DECISION.c.at, DECISION.c.id))).all()


async def plans(connection: AsyncConnection, clinic: str, treatments: Collection[str]) -> dict[str, list[Any]]:
    """The reminders of these treatments, each plan in order of time."""
    found: dict[str, list[Any]] = {identity: [] for identity in treatments}
    query = _REMINDERS.where(REMINDER.c.clinic == clinic, REMINDER.c.treatment.in_(sorted(found)))
    for row in await connection.execute(query.order_by(REMINDER.c.due_at, REMINDER.c.step, REMINDER.c.occurrence)):
        found[row.treatment].append(row)
    return found
