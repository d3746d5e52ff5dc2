"""What a start reads: due reminders with everything needed to decide about them, and the locks that make it safe."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clients import remember_recipients
from service.store.dialect import among
from service.store.lanes import Lane
from service.store.tables import Attempt, Client, Consent, Recipient, Reminder, Treatment, core
from service.types import Quiet, ReminderState

REMINDER, CLIENT, TREATMENT = core(Reminder), core(Client), core(Treatment)
RECIPIENT, CONSENT, ATTEMPT = core(Recipient), core(Consent), core(Attempt)

LOCALE = sa.case((CLIENT.c.locale_chosen != "", CLIENT.c.locale_chosen), else_=CLIENT.c.locale)
"""What the client reads: the language chosen on their page, else what events say."""

Address = tuple[str, str, str]
"""(clinic, medium, address)."""

_SCHEDULED = REMINDER.c.state == sa.literal_column(f"'{ReminderState.SCHEDULED.value}'")
"""Written out, not bound: only then does the planner see that the partial index fits."""

_PICKED = (
    sa.select(*(REMINDER.c[name] for name in (
        "clinic", "id", "treatment", "client", "step", "occurrence", "protocol", "purpose", "media", "medium",
        "sender", "send_mode", "quiet", "due_at", "expires_at", "zone", "tries", "fence", "by",
        "intended_at", "called_off")))
    .where(
        _SCHEDULED,
        REMINDER.c.clinic == sa.bindparam("clinic"),
        REMINDER.c.sender == sa.bindparam("sender"),
        REMINDER.c.due_at <= sa.bindparam("now", type_=REMINDER.c.due_at.type),
    )
    .order_by(REMINDER.c.expires_at, REMINDER.c.due_at)
    .limit(sa.bindparam("quota", type_=sa.Integer))
    .with_for_update(skip_locked=True)
    .cte("picked")
)  # fmt: skip
"""A statement of its own within the next: what is not picked must not be joined first, to be sorted away after."""

_DUE = (
    sa.select(
        _PICKED,
        *(CLIENT.c[name] for name in (
            "first_name", "phone", "phone_problem", "email", "email_problem", "sms_stopped_at", "email_stopped_at",
            "paused_until")),
        LOCALE.label("locale"),
        *(TREATMENT.c[name] for name in ("session", "of", "area", "location", "provider", "note", "ended_at")),
    )
    .join(CLIENT, sa.and_(CLIENT.c.clinic == _PICKED.c.clinic, CLIENT.c.ref == _PICKED.c.client))
    .join(TREATMENT, sa.and_(TREATMENT.c.clinic == _PICKED.c.clinic, TREATMENT.c.id == _PICKED.c.treatment))
    .order_by(_PICKED.c.expires_at, _PICKED.c.due_at)
)  # fmt: skip


async def lock_due(connection: AsyncConnection, lane: Lane, now: datetime, quota: int) -> Sequence[Any]:
    """Lock at most `quota` due reminders of a lane, what expires first first; ones that someone else holds are left."""
    values = {"clinic": lane[0], "sender": lane[1], "now": now, "quota": quota}
    return (await connection.execute(_DUE, values)).all()


_NEXT = sa.select(sa.func.min(REMINDER.c.due_at)).where(
    _SCHEDULED, REMINDER.c.clinic == sa.bindparam("clinic"), REMINDER.c.sender == sa.bindparam("sender")
)


async def next_due(connection: AsyncConnection, lane: Lane) -> datetime | None:
    """When the lane's earliest scheduled reminder falls due."""
    moment: datetime | None = await connection.scalar(_NEXT, {"clinic": lane[0], "sender": lane[1]})
    return moment


async def hold_addresses(
    connection: AsyncConnection, addresses: Collection[Address], now: datetime
) -> dict[Address, Any]:
    """Hold these recipients' rows FOR SHARE: a STOP that has not committed by now waits until this start has ended.

    Must run before `consents_of`, in a statement of its own, so that the consents read are those after any STOP that
    committed first.
    """
    if not addresses:
        return {}
    held = await _hold(connection, addresses)
    if gone := set(addresses) - held.keys():  # forgotten with one client while another with the same was being recorded
        await remember_recipients(connection, gone, now)
        held |= await _hold(connection, gone)
    return held


async def _hold(connection: AsyncConnection, addresses: Collection[Address]) -> dict[Address, Any]:
    statement = (
        sa.select(
            *(RECIPIENT.c[name] for name in ("clinic", "medium", "address", "suppressed_at", "unusable_at", "shared"))
        )
        .where(among(connection, (RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address), addresses))
        .order_by(RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address)
        .with_for_update(read=True)
    )
    rows = (await connection.execute(statement)).all()
    return {(row.clinic, row.medium, row.address): row for row in rows}


async def consents_of(connection: AsyncConnection, due: Collection[Any]) -> dict[tuple[str, str, str, str], bool]:
    """What the clients of these due reminders said to their purposes: by (clinic, client, medium, purpose)."""
    if not due:
        return {}
    columns = (CONSENT.c.clinic, CONSENT.c.client, CONSENT.c.medium, CONSENT.c.purpose, CONSENT.c.granted)
    clients = {(row.clinic, row.client) for row in due}
    statement = sa.select(*columns).where(
        among(connection, (CONSENT.c.clinic, CONSENT.c.client), clients),
        CONSENT.c.purpose.in_(sorted({row.purpose for row in due})),
    )
    rows = (await connection.execute(statement)).all()
    return {(row.clinic, row.client, row.medium, row.purpose): row.granted for row in rows}


WENT = [
    state.value
    for state in (
        ReminderState.SENDING, ReminderState.SENT, ReminderState.DELIVERED, ReminderState.UNDELIVERED,
        ReminderState.CAPTURED, ReminderState.NEEDS_REVIEW)
]  # fmt: skip
"""What counts as sent to somebody: perhaps it was."""


async def sent_between(
    connection: AsyncConnection, due: Collection[Any], since: datetime, now: datetime
) -> Sequence[Any]:
    """What went to the clients of these due reminders, for the same purposes: clinic, client, purpose, due_at.

    Not what may ignore quiet hours: safety advice of the same day is not counted. Nothing goes before it is due, so
    what is still to come is not looked at: most of a client's reminders are, and a planner that takes them for as many
    as went reads the whole table instead.
    """
    if not due:
        return []
    columns = (REMINDER.c.clinic, REMINDER.c.client, REMINDER.c.purpose, REMINDER.c.due_at)
    statement = sa.select(*columns).where(
        among(connection, (REMINDER.c.client, REMINDER.c.clinic), {(row.client, row.clinic) for row in due}),
        REMINDER.c.due_at > since,
        REMINDER.c.due_at <= now,
        REMINDER.c.purpose.in_(sorted({row.purpose for row in due})),
        REMINDER.c.state.in_(WENT),
        REMINDER.c.quiet != Quiet.IGNORE.value,
    )
    return (await connection.execute(statement)).all()
