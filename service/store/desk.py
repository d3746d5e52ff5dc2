"""What clinics and people at a desk read: lists of reminders and treatments a page at a time, and one thing whole.

Pages go by key, so the hundredth costs what the first did: reminders have time-ordered ids (UUIDv7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import (
    Attempt,
    Client,
    Clinic,
    Consent,
    Event,
    Recipient,
    Reminder,
    Sender,
    Treatment,
    core,
)
from service.types import ReminderState

ATTEMPT, CLIENT, CLINIC, CONSENT, EVENT = core(Attempt), core(Client), core(Clinic), core(Consent), core(Event)
RECIPIENT, REMINDER, SENDER, TREATMENT = core(Recipient), core(Reminder), core(Sender), core(Treatment)

REPORTS = 50
"""So many of a treatment's events are told of."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reminders to list; what is empty or None narrows nothing down."""

    states: tuple[ReminderState, ...] = ()
    client: str | None = None
    treatment: str | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None
    """Not at this instant any more."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a list was read: the last reminder, and whether it was among those that wait for a person."""

    waits: bool
    last: UUID


async def reminders_page(
    connection: AsyncConnection, clinic: str, wanted: Wanted, after: Mark | None, limit: int
) -> list[Any]:
    """Those that wait for a person, then the others; in both the latest planned first."""
    found: list[Any] = []
    for waits in (True, False):
        if len(found) == limit or (after is not None and after.waits < waits):
            continue
        query = _matching(clinic, wanted, waits=waits).order_by(REMINDER.c.id.desc()).limit(limit - len(found))
        if after is not None and after.waits == waits:
            query = query.where(REMINDER.c.id < after.last)
        found += (await connection.execute(query)).all()
    return found


def _matching(clinic: str, wanted: Wanted, *, waits: bool) -> sa.Select[Any]:
    # Written out, so that the partial index is used.
    review: sa.ColumnElement[str] = sa.literal_column(f"'{ReminderState.NEEDS_REVIEW}'")
    query = sa.select(REMINDER).where(
        REMINDER.c.clinic == clinic, REMINDER.c.state == review if waits else REMINDER.c.state != review
    )
    if wanted.states:
        query = query.where(REMINDER.c.state.in_([state.value for state in wanted.states]))
    if wanted.client is not None:
        query = query.where(REMINDER.c.client == wanted.client)
    if wanted.treatment is not None:
        query = query.where(REMINDER.c.treatment == wanted.treatment)
    if wanted.due_from is not None:
        query = query.where(REMINDER.c.due_at >= wanted.due_from)
    if wanted.due_to is not None:
        query = query.where(REMINDER.c.due_at < wanted.due_to)
    return query


_OF_SENDER = ("paused_at", "paused_reason", "open_at", "day_began_at", "day_spent")


async def reminder_row(connection: AsyncConnection, clinic: str, identity: UUID) -> Any | None:
    """A reminder with its visit and the sender it waits for; None where the clinic has no such reminder."""
    query = (
        sa.select(
            REMINDER,
            *(TREATMENT.c[name] for name in ("session", "of", "area", "ended_at")),
            *(SENDER.c[name].label(f"sender_{name}") for name in _OF_SENDER),
        )
        .select_from(
            REMINDER.join(
                TREATMENT, sa.and_(TREATMENT.c.clinic == REMINDER.c.clinic, TREATMENT.c.id == REMINDER.c.treatment)
            ).outerjoin(SENDER, sa.and_(SENDER.c.clinic == REMINDER.c.clinic, SENDER.c.id == REMINDER.c.sender))
        )
        .where(REMINDER.c.clinic == clinic, REMINDER.c.id == identity)
    )
    return (await connection.execute(query)).first()


async def attempts_of(connection: AsyncConnection, clinic: str, reminder: UUID) -> Sequence[Any]:
    """A reminder's attempts, oldest first."""
    query = sa.select(ATTEMPT).where(ATTEMPT.c.clinic == clinic, ATTEMPT.c.reminder == reminder)
    return (await connection.execute(query.order_by(ATTEMPT.c.fence))).all()


async def reports_of(connection: AsyncConnection, clinic: str, treatment: str) -> Sequence[Any]:
    """The events about a treatment, in the order in which they came: source, id, type, time, received_at, state."""
    columns = (EVENT.c.source, EVENT.c.id, EVENT.c.type, EVENT.c.time, EVENT.c.received_at, EVENT.c.state)
    query = sa.select(*columns).where(EVENT.c.clinic == clinic, EVENT.c.treatment == treatment)
    return (await connection.execute(query.order_by(EVENT.c.received_at, EVENT.c.id).limit(REPORTS))).all()


async def treatments_page(
    connection: AsyncConnection, clinic: str, *, planned: bool, client: str | None, after: str | None, limit: int
) -> Sequence[Any]:
    """Treatments that are planned (or the others), the latest ended first; `after` is the last one read so far."""
    state: sa.ColumnElement[str] = sa.literal_column("'planned'")  # written out, so that the partial index is used
    query = sa.select(TREATMENT).where(
        TREATMENT.c.clinic == clinic, TREATMENT.c.state == state if planned else TREATMENT.c.state != state
    )
    if client is not None:
        query = query.where(TREATMENT.c.client == client)
    if after is not None:
        mark = sa.select(TREATMENT.c.ended_at, TREATMENT.c.id).where(
            TREATMENT.c.clinic == clinic, TREATMENT.c.id == after
        )
        query = query.where(sa.tuple_(TREATMENT.c.ended_at, TREATMENT.c.id) < mark.scalar_subquery())
    ordered = query.order_by(TREATMENT.c.ended_at.desc(), TREATMENT.c.id.desc()).limit(limit)
    return (await connection.execute(ordered)).all()


async def treatment_row(connection: AsyncConnection, clinic: str, identity: str) -> Any | None:
    query = sa.select(TREATMENT).where(TREATMENT.c.clinic == clinic, TREATMENT.c.id == identity)
    return (await connection.execute(query)).first()


async def client_row(connection: AsyncConnection, clinic: str, ref: str) -> Any | None:
    return (await connection.execute(sa.select(CLIENT).where(CLIENT.c.clinic == clinic, CLIENT.c.ref == ref))).first()


async def consents_of_client(connection: AsyncConnection, clinic: str, ref: str) -> Sequence[Any]:
    query = sa.select(CONSENT).where(CONSENT.c.clinic == clinic, CONSENT.c.client == ref)
    return (await connection.execute(query.order_by(CONSENT.c.purpose, CONSENT.c.medium))).all()


async def recipients_of_client(connection: AsyncConnection, client: Any) -> dict[str, Any]:
    """What is known about the number and the address of a client's row, by medium."""
    found = {}
    for medium, address in (("sms", client.phone), ("email", client.email)):
        if address is not None:
            query = sa.select(RECIPIENT).where(
                RECIPIENT.c.clinic == client.clinic, RECIPIENT.c.medium == medium, RECIPIENT.c.address == address
            )
            found[medium] = (await connection.execute(query)).first()
    return found


async def senders_of(connection: AsyncConnection, clinic: str) -> Sequence[Any]:
    query = sa.select(SENDER).where(SENDER.c.clinic == clinic).order_by(SENDER.c.id)
    return (await connection.execute(query)).all()
