"""Attempts: the intent before a send, the evidence after it. Outcomes are always stored, whatever the fence."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service import states
from service.store.bulk import insert_many, update_many
from service.store.dialect import among, insert
from service.store.tables import Attempt, Client, Decision, Recipient, Reminder, Wording, core
from service.types import AttemptState, Json, Medium, ReminderState, SendMode

ATTEMPT, REMINDER, WORDING, RECIPIENT = core(Attempt), core(Reminder), core(Wording), core(Recipient)
DECISION, CLIENT = core(Decision), core(Client)

_MOVABLE = states.sources(states.REMINDER, states.Cause.ANSWER, ReminderState.SCHEDULED)
_UNSETTLED = states.sources(states.ATTEMPT, states.Cause.ANSWER, AttemptState.UNKNOWN)
OUTWEIGHED = states.sources(states.ATTEMPT, states.Cause.ANSWER, AttemptState.ACCEPTED)
_GIVEN_UP = tuple(
    state
    for state in states.sources(states.REMINDER, states.Cause.WENT, ReminderState.SENT)
    if state != ReminderState.SCHEDULED
)

_ADDRESS = ("clinic", "medium", "address")
"""The key of the recipients."""
LOOKED_UP_FOR = timedelta(days=2)
"""An unknown attempt older than this is asked about no more; a person or a late callback may still resolve it."""


async def keep_wordings(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Remember the template versions that attempts point to."""
    await insert_many(connection, WORDING, rows)


async def move_reminders(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Settle, defer or reroute reminders that are scheduled or sending and still carry the fence given."""
    await update_many(connection, REMINDER, rows, by=("clinic", "id", "fence"), while_={"state": _MOVABLE})


async def record_outcomes(connection: AsyncConnection, rows: Sequence[Json], now: datetime) -> None:
    """Store what a send came to on its attempt; never takes back what a receipt has told already.

    An answer that comes after the provider's records did not show the message outweighs them; a lost one does not.
    """
    lost = [row for row in rows if row["state"] == AttemptState.UNKNOWN.value]
    told = [row for row in rows if row["state"] != AttemptState.UNKNOWN.value]
    settled = {"settled_at": now}
    await update_many(connection, ATTEMPT, lost, by=("clinic", "id"), same=settled, while_={"state": _UNSETTLED})
    await update_many(connection, ATTEMPT, told, by=("clinic", "id"), same=settled, while_={"state": OUTWEIGHED})


async def cancel_unwanted(
    connection: AsyncConnection, reminders: Collection[tuple[str, UUID]], now: datetime
) -> Sequence[Any]:
    """Of these, cancel what was scheduled again though the plan wants it no longer; returns clinic, id and reason."""
    if not reminders:
        return []
    statement = (
        REMINDER.update()
        .where(
            among(connection, (REMINDER.c.clinic, REMINDER.c.id), reminders),
            REMINDER.c.state == ReminderState.SCHEDULED.value,
            REMINDER.c.called_off != "",
        )
        .values(state=ReminderState.CANCELLED.value, reason=REMINDER.c.called_off, by="plan", updated_at=now)
        .returning(REMINDER.c.clinic, REMINDER.c.id, REMINDER.c.reason)
    )
    return (await connection.execute(statement)).all()


async def stay_sent(connection: AsyncConnection, reminders: Collection[tuple[str, UUID]]) -> None:
    """A reminder that was sent once stays so, whatever became of the channels and tries after it.

    Those given up on, and those that wait for another try though an earlier one turned out to have gone. A step that
    goes by all its channels waits for the next of them.
    """
    if not reminders:
        return
    went = AttemptState.ACCEPTED, AttemptState.SENT
    state = sa.case(
        (_has_attempt(AttemptState.DELIVERED), ReminderState.DELIVERED.value),
        (_has_attempt(*went), ReminderState.SENT.value),
        else_=ReminderState.CAPTURED.value,
    )
    await connection.execute(
        REMINDER.update()
        .where(
            among(connection, (REMINDER.c.clinic, REMINDER.c.id), reminders),
            sa.or_(
                REMINDER.c.state.in_(_GIVEN_UP),
                sa.and_(
                    REMINDER.c.state == ReminderState.SCHEDULED.value, REMINDER.c.send_mode == SendMode.FIRST.value
                ),
            ),
            _has_attempt(AttemptState.DELIVERED, *went, AttemptState.CAPTURED),
        )
        .values(state=state, reason="")
    )


def _has_attempt(*states: AttemptState) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        ATTEMPT.c.clinic == REMINDER.c.clinic, ATTEMPT.c.reminder == REMINDER.c.id, ATTEMPT.c.state.in_(states)
    )


async def suppress(
    connection: AsyncConnection, clinic: str, medium: str, address: str, *, reason: str, now: datetime
) -> None:
    """Nothing more to this address until its owner asks for it again, whether anybody is known to have it or not.

    An attempt whose client was erased has no address any more: nothing is kept then.
    """
    if not address:
        return
    said = {"suppressed_at": now, "suppressed_reason": reason}
    row = {"clinic": clinic, "medium": medium, "address": address, "created_at": now, "unusable_reason": ""}
    await connection.execute(
        insert(connection, RECIPIENT)
        .values(**row, **said)
        .on_conflict_do_update(index_elements=_ADDRESS, set_=said, where=RECIPIENT.c.suppressed_at.is_(None))
    )


async def mark_unusable(
    connection: AsyncConnection, clinic: str, medium: str, address: str, *, reason: str, now: datetime
) -> None:
    """The provider says that this address takes no messages. One that nobody has any more is not remembered anew."""
    said = {"unusable_at": now, "unusable_reason": reason}
    one = (RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == medium, RECIPIENT.c.address == address)
    if (await connection.execute(RECIPIENT.update().where(*one).values(**said))).rowcount:
        return
    row = {"clinic": clinic, "medium": medium, "address": address, "created_at": now, "suppressed_reason": "", **said}
    column = CLIENT.c.phone if medium == Medium.SMS else CLIENT.c.email
    had = sa.exists().where(CLIENT.c.clinic == clinic, column == address)
    values = sa.select(*(sa.literal(value, RECIPIENT.c[name].type) for name, value in row.items())).where(had)
    anew = insert(connection, RECIPIENT).from_select(list(row), values)
    await connection.execute(anew.on_conflict_do_update(index_elements=_ADDRESS, set_=said))


async def overdue_attempts(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Any]:
    """Lock attempts whose lease ran out while sending: their process was stopped, or lost its database."""
    statement = (
        sa.select(ATTEMPT.c.clinic, ATTEMPT.c.id, ATTEMPT.c.reminder, ATTEMPT.c.created_at)
        .where(ATTEMPT.c.state == AttemptState.SENDING.value, ATTEMPT.c.lease_until <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await connection.execute(statement)).all()


async def unknown_attempts(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Any]:
    """Lock unknown attempts that are to be looked up now, with what deciding about them takes."""
    statement = (
        sa.select(
            ATTEMPT,
            *(REMINDER.c[name].label(f"reminder_{name}") for name in (
                "state", "fence", "expires_at", "if_unknown", "sender", "media", "send_mode", "tries",
                "called_off")),
        )
        .join(REMINDER, sa.and_(REMINDER.c.clinic == ATTEMPT.c.clinic, REMINDER.c.id == ATTEMPT.c.reminder))
        .where(
            ATTEMPT.c.state == AttemptState.UNKNOWN.value,
            ATTEMPT.c.look_up_at <= now,
            ATTEMPT.c.created_at > now - LOOKED_UP_FOR,
        )
        .order_by(ATTEMPT.c.look_up_at)
        .limit(limit)
        .with_for_update(of=ATTEMPT, skip_locked=True)
    )  # fmt: skip
    return (await connection.execute(statement)).all()


async def postpone_look_up(
    connection: AsyncConnection, keys: Sequence[tuple[str, UUID]], until: datetime | None
) -> None:
    """Take these attempts for a look-up (or put it off): no other worker looks before `until`."""
    rows = [{"clinic": clinic, "id": id_, "look_up_at": until} for clinic, id_ in keys]
    await update_many(connection, ATTEMPT, rows, by=("clinic", "id"))


async def held_ids(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Those of these provider ids that an attempt of ours already holds."""
    rows = await connection.execute(sa.select(ATTEMPT.c.provider_id).where(ATTEMPT.c.provider_id.in_(sorted(ids))))
    return {row.provider_id for row in rows}


async def unknowns_like(connection: AsyncConnection, row: Any, *, apart: timedelta) -> int:
    """How many attempts to this recipient from this sender, started at most `apart` from this one, are unsettled.

    With more than one, a match proves nothing.
    """
    count = await connection.scalar(
        sa.select(sa.func.count())
        .select_from(ATTEMPT)
        .where(
            ATTEMPT.c.clinic == row.clinic,
            ATTEMPT.c.state.in_(_UNSETTLED),
            ATTEMPT.c.recipient == row.recipient,
            ATTEMPT.c.sender == row.sender,
            ATTEMPT.c.created_at.between(row.created_at - apart, row.created_at + apart),
        )
    )
    return count or 0
