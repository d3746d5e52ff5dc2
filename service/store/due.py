"""What a start reads: due reminders with everything needed to decide about them, and the locks that make it safe."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clients import remember_recipients
from service.store.dialect import POSTGRESQL, as_records, each_given, keys_for, records
from service.store.lanes import SCHEDULED, Lane
from service.store.tables import Attempt, Client, Consent, Recipient, Reminder, Treatment, core
from service.types import Quiet, ReminderState

REMINDER, CLIENT, TREATMENT = core(Reminder), core(Client), core(Treatment)
RECIPIENT, CONSENT, ATTEMPT = core(Recipient), core(Consent), core(Attempt)

LOCALE = sa.case((CLIENT.c.locale_chosen != "", CLIENT.c.locale_chosen), else_=CLIENT.c.locale)
"""What the client reads: the language chosen on their page, else what events say."""

Address = tuple[str, str, str]
"""(clinic, medium, address)."""

_NOW = sa.bindparam("now", type_=REMINDER.c.due_at.type)


class Due(NamedTuple):
    """A due reminder with what deciding about it and writing it takes. Read some hundred times as often as made."""

    clinic: str
    id: UUID
    treatment: str
    client: str
    step: str
    protocol: str
    purpose: str
    media: str
    medium: str
    sender: str
    send_mode: str
    quiet: str
    due_at: datetime
    expires_at: datetime
    zone: str
    tries: int
    fence: int
    by: str
    intended_at: datetime
    called_off: str
    # Of the client.
    first_name: str
    phone: str | None
    email: str | None
    sms_stopped_at: datetime | None
    email_stopped_at: datetime | None
    paused_until: datetime | None
    locale: str
    # Of the treatment.
    session: int | None
    of: int | None
    area: str
    location: str
    provider: str
    note: str
    ended_at: datetime


_OF_CLIENT = frozenset({"first_name", "phone", "email", "sms_stopped_at", "email_stopped_at", "paused_until", "locale"})
_OF_TREATMENT = frozenset({"session", "of", "area", "location", "provider", "note", "ended_at"})
_OF_REMINDER = [name for name in Due._fields if name not in _OF_CLIENT | _OF_TREATMENT]


def _picked(clinic: Any, sender: Any, quota: Any) -> sa.Select[Any]:
    """A lane's due reminders, what expires first first, locked; ones that someone else holds are left."""
    return (
        sa.select(*(REMINDER.c[name] for name in _OF_REMINDER))
        .where(SCHEDULED, REMINDER.c.clinic == clinic, REMINDER.c.sender == sender, REMINDER.c.due_at <= _NOW)
        .order_by(REMINDER.c.expires_at, REMINDER.c.due_at)
        .limit(quota)
        .with_for_update(skip_locked=True)
    )


_CLIENTS = {name: LOCALE.label(name) if name == "locale" else CLIENT.c[name] for name in _OF_CLIENT}
_TREATMENTS = {name: TREATMENT.c[name] for name in _OF_TREATMENT}


def _is_client_of(picked: Any) -> sa.ColumnElement[bool]:
    return sa.and_(CLIENT.c.clinic == picked.c.clinic, CLIENT.c.ref == picked.c.client)


def _is_treatment_of(picked: Any) -> sa.ColumnElement[bool]:
    return sa.and_(TREATMENT.c.clinic == picked.c.clinic, TREATMENT.c.id == picked.c.treatment)


def _due_of_lanes() -> sa.Select[Any]:
    """On PostgreSQL: those of many lanes at once, with each lane's quota.

    What is picked is limited, and each client and treatment looked up by itself: else all that is due would be joined,
    to be sorted away after. A planner cannot see a quota, takes it for a tenth of all rows, and reads whole tables.
    """
    columns = sa.column("clinic", sa.Text), sa.column("sender", sa.Text), sa.column("quota", sa.Integer)
    lane = records(sa.bindparam("lanes"), *columns)
    picked = _picked(lane.c.clinic, lane.c.sender, lane.c.quota).lateral("picked")
    client = sa.select(*_CLIENTS.values()).where(_is_client_of(picked)).limit(1).lateral("its_client")
    treatment = sa.select(*_TREATMENTS.values()).where(_is_treatment_of(picked)).limit(1).lateral("its_treatment")
    found = {**picked.c, **client.c, **treatment.c}
    source = lane.join(picked, sa.true()).join(client, sa.true()).join(treatment, sa.true())
    return _due(found, picked).select_from(source)


def _due_of_lane() -> sa.Select[Any]:
    """On SQLite, which knows no LATERAL: those of one lane."""
    picked = _picked(sa.bindparam("clinic"), sa.bindparam("sender"), sa.bindparam("quota", type_=sa.Integer))
    lane = picked.cte("picked")
    source = lane.join(CLIENT, _is_client_of(lane)).join(TREATMENT, _is_treatment_of(lane))
    return _due({**lane.c, **_CLIENTS, **_TREATMENTS}, lane).select_from(source)


def _due(found: Mapping[str, Any], picked: Any) -> sa.Select[Any]:
    return sa.select(*(found[name] for name in Due._fields)).order_by(picked.c.expires_at, picked.c.due_at)


_DUE_OF_LANES, _DUE_OF_LANE = _due_of_lanes(), _due_of_lane()


async def lock_due(connection: AsyncConnection, quotas: Mapping[Lane, int], now: datetime) -> list[Due]:
    """Lock due reminders of lanes, at most each lane's quota, what expires first first; ones that someone else holds
    are left.
    """
    lanes = [{"clinic": clinic, "sender": sender, "quota": most} for (clinic, sender), most in quotas.items()]
    if connection.dialect.name == POSTGRESQL:
        rows = await connection.execute(_DUE_OF_LANES, {"lanes": as_records(lanes), "now": now})
        return [Due._make(row) for row in rows]
    return [Due._make(row) for lane in lanes for row in await connection.execute(_DUE_OF_LANE, {**lane, "now": now})]


class Held(NamedTuple):
    """What is known of an address, whoever has it."""

    clinic: str
    medium: str
    address: str
    suppressed_at: datetime | None
    unusable_at: datetime | None
    shared: bool
    """Whether several clients have it."""


async def hold_addresses(
    connection: AsyncConnection, addresses: Collection[Address], now: datetime
) -> dict[Address, Held]:
    """Hold these recipients' rows: a STOP that has not committed by now waits until this start has ended, and so does
    another start that would send there.

    Must run before `consents_of` and `sent_between`, in a statement of its own, so that what these read is as any STOP
    or start that was first has left it.
    """
    if not addresses:
        return {}
    held = await _hold(connection, addresses)
    if gone := set(addresses) - held.keys():  # forgotten with one client while another with the same was being recorded
        await remember_recipients(connection, gone, now)
        held |= await _hold(connection, gone)
    return held


async def _hold(connection: AsyncConnection, addresses: Collection[Address]) -> dict[Address, Held]:
    rows = await connection.execute(
        _recipients(connection.dialect.name), {"addresses": keys_for(connection, addresses)}
    )
    return {held[:3]: held for held in map(Held._make, rows)}


@cache
def _recipients(dialect: str) -> sa.Select[Any]:
    """Locked in the order of their keys, as every start locks them."""
    found = sa.select(*(RECIPIENT.c[name] for name in Held._fields)).with_for_update(key_share=True)
    return each_given(dialect, (RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address), "addresses", found)


async def consents_of(connection: AsyncConnection, due: Collection[Any]) -> dict[tuple[str, str, str, str], bool]:
    """What the clients of these due reminders said to their purposes: by (clinic, client, medium, purpose)."""
    if not due:
        return {}
    keys = keys_for(connection, ((row.clinic, row.client, row.medium, row.purpose) for row in due))
    rows = await connection.execute(_consents(connection.dialect.name), {"keys": keys})
    return {(clinic, client, medium, purpose): granted for clinic, client, medium, purpose, granted in rows.all()}


@cache
def _consents(dialect: str) -> sa.Select[Any]:
    key = CONSENT.c.clinic, CONSENT.c.client, CONSENT.c.medium, CONSENT.c.purpose
    return each_given(dialect, key, "keys", sa.select(*key, CONSENT.c.granted))


WENT = [
    state.value
    for state in (
        ReminderState.SENDING, ReminderState.SENT, ReminderState.DELIVERED, ReminderState.UNDELIVERED,
        ReminderState.CAPTURED, ReminderState.NEEDS_REVIEW)
]  # fmt: skip
"""What counts as sent to somebody: perhaps it was."""
_TRIED_AGAIN_WITHIN = timedelta(days=1)
"""What went may have been due again, for another try, when that was found out. One that was put off for longer (a hold,
a client's break) is not counted: looking so far ahead for each would cost more than all the rest."""


async def sent_between(
    connection: AsyncConnection, due: Collection[Any], since: datetime, now: datetime
) -> Sequence[Any]:
    """What went to the clients of these due reminders, for the same purposes: clinic, client, purpose, due_at.

    Not what may ignore quiet hours: safety advice of the same day is not counted. What is still far ahead is not looked
    at: most of a client's reminders are, and a planner that takes them for as many as went reads the whole table.
    """
    if not due:
        return []
    keys = keys_for(connection, ((row.client, row.clinic, row.purpose) for row in due))
    sent = _sent(connection.dialect.name)
    given = {"keys": keys, "since": since, "until": now + _TRIED_AGAIN_WITHIN}
    rows: Sequence[Any] = (await connection.execute(sent, given)).all()
    return rows


@cache
def _sent(dialect: str) -> sa.Select[Any]:
    found = sa.select(*(REMINDER.c[name] for name in ("clinic", "client", "purpose", "due_at"))).where(
        REMINDER.c.due_at > sa.bindparam("since", type_=REMINDER.c.due_at.type),
        REMINDER.c.due_at <= sa.bindparam("until", type_=REMINDER.c.due_at.type),
        REMINDER.c.state.in_(WENT),
        REMINDER.c.quiet != Quiet.IGNORE.value,
    )
    return each_given(dialect, (REMINDER.c.client, REMINDER.c.clinic, REMINDER.c.purpose), "keys", found)
