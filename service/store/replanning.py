"""Clients whose courses wait to be planned anew, and the zone rules that plans were made by."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import upsert_many
from service.store.dialect import among, insert
from service.store.tables import Reminder, Replan, ZoneRules, core
from service.types import ReminderState

REMINDER, REPLAN, RULES = core(Reminder), core(Replan), core(ZoneRules)

ClientKey = tuple[str, str]
"""(clinic, ref)."""


async def replan_clinic(connection: AsyncConnection, clinic: str, now: datetime) -> None:
    """Have all plans of this clinic that have a future made anew."""
    await _remember(connection, REMINDER.c.clinic == clinic, REMINDER.c.expires_at > now, now=now)


async def replan_zones(connection: AsyncConnection, zones: Collection[str], now: datetime) -> None:
    """Have every plan that waits in one of these zones made anew."""
    waits = REMINDER.c.state == sa.literal_column(f"'{ReminderState.SCHEDULED.value}'")
    await _remember(connection, waits, REMINDER.c.zone.in_(sorted(zones)), now=now)


async def _remember(connection: AsyncConnection, *which: sa.ColumnElement[bool], now: datetime) -> None:
    clients = sa.select(REMINDER.c.clinic, REMINDER.c.client, sa.literal(now, REPLAN.c.since.type)).where(*which)
    statement = insert(connection, REPLAN).from_select(["clinic", "client", "since"], clients.distinct())
    await connection.execute(statement.on_conflict_do_nothing())


async def take_waiting(connection: AsyncConnection, limit: int) -> Sequence[ClientKey]:
    """Take clients off the list, the first that came first; what this transaction does not commit stays on it."""
    waiting = (
        sa.select(REPLAN.c.clinic, REPLAN.c.client)
        .order_by(REPLAN.c.since, REPLAN.c.clinic, REPLAN.c.client)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    keys = [(row.clinic, row.client) for row in await connection.execute(waiting)]
    if keys:
        await connection.execute(REPLAN.delete().where(among(connection, (REPLAN.c.clinic, REPLAN.c.client), keys)))
    return keys


async def strike(connection: AsyncConnection, key: ClientKey) -> None:
    """Take this client off the list."""
    await connection.execute(REPLAN.delete().where(REPLAN.c.clinic == key[0], REPLAN.c.client == key[1]))


async def zone_rules(connection: AsyncConnection) -> dict[str, str]:
    """By zone, the digest of the rules by which plans were last made; empty before the first look."""
    return {row.zone: row.digest for row in await connection.execute(sa.select(RULES))}


async def save_zone_rules(connection: AsyncConnection, rules: Mapping[str, str]) -> None:
    rows = [{"zone": zone, "digest": digest} for zone, digest in sorted(rules.items())]
    await upsert_many(connection, RULES, rows)
