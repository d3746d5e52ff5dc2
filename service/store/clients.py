"""Clients, their addresses and their consents."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.bulk import insert_many, update_many, upsert_many
from service.store.dialect import among
from service.store.tables import Client, Consent, Recipient, core
from service.types import Json

CLIENT, CONSENT, RECIPIENT = core(Client), core(Consent), core(Recipient)

BY_CLIENT = "client"
"""The source of consents that clients set themselves."""
_STANDS = f"consent.source = '{BY_CLIENT}' AND NOT consent.granted"
"""As `stands`, in SQL."""
_FIRST = "consent.at = excluded.at AND consent.source > excluded.source"
"""Of two words of the same time one counts, whichever comes first."""

_MERGED = ("first_name", "phone", "phone_given", "phone_problem", "email", "email_given", "email_problem",
           "time_zone", "locale", "as_of", "as_of_event", "told", "has_booked")  # fmt: skip


async def lock_clients(
    connection: AsyncConnection, rows: Sequence[Json], others: Collection[tuple[str, str]] = ()
) -> dict[tuple[str, str], Any]:
    """Insert clients that are new, and lock all of them, with `others` that are known: everything planned for a client
    happens in turn.

    `rows` must be in (clinic, ref) order, as every taker of these locks takes them. Returns the rows as stored.
    """
    await insert_many(connection, CLIENT, rows)
    keys = {*((row["clinic"], row["ref"]) for row in rows), *others}
    if not keys:
        return {}
    stored = await connection.execute(
        sa.select(CLIENT)
        .where(among(connection, (CLIENT.c.clinic, CLIENT.c.ref), keys))
        .order_by(CLIENT.c.clinic, CLIENT.c.ref)
        .with_for_update()
    )
    return {(row.clinic, row.ref): row for row in stored}


async def update_clients(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    changed = [{name: row[name] for name in ("clinic", "ref", *_MERGED)} for row in rows]
    await update_many(connection, CLIENT, changed, by=("clinic", "ref"))


async def remember_recipients(
    connection: AsyncConnection, addresses: Iterable[tuple[str, str, str]], now: datetime
) -> set[tuple[str, str, str]]:
    """Make sure that each (clinic, medium, address) has its row: a STOP needs one to update, a start one to lock.

    Returns those that had none.
    """
    rows = [
        {"clinic": clinic, "medium": medium, "address": address, "created_at": now,
         "suppressed_reason": "", "unusable_reason": ""}
        for clinic, medium, address in sorted(set(addresses))
    ]  # fmt: skip
    new = await insert_many(connection, RECIPIENT, rows, returning=("clinic", "medium", "address"))
    return {(row.clinic, row.medium, row.address) for row in new}


async def record_consents(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """Keep the newest word on each (client, medium, purpose); an older event changes nothing.

    Nor does any touch what clients withdrew themselves: only they give it back.
    """
    await upsert_many(connection, CONSENT, rows, newest="at", unless=f"({_STANDS}) OR ({_FIRST})")


async def consents_by_client(
    connection: AsyncConnection, clients: Collection[tuple[str, str]]
) -> dict[tuple[str, ...], Any]:
    """What these clients have said: by (clinic, client, medium, purpose)."""
    if not clients:
        return {}
    rows = await connection.execute(
        sa.select(CONSENT).where(among(connection, (CONSENT.c.clinic, CONSENT.c.client), clients))
    )
    return {(row.clinic, row.client, row.medium, row.purpose): row for row in rows}


async def record_choices(connection: AsyncConnection, rows: Sequence[Json]) -> None:
    """What clients chose themselves, whatever was said before."""
    await upsert_many(connection, CONSENT, [row | {"source": BY_CLIENT} for row in rows])


def stands(consent: Any) -> bool:
    """Whether no event changes this row of consents: the client withdrew it."""
    return bool(consent.source == BY_CLIENT and not consent.granted)


async def hold_recipients(connection: AsyncConnection, addresses: Collection[tuple[str, str, str]]) -> None:
    """Lock these rows as one who takes consent away must: no send to them starts until this transaction has ended.

    In one order, by everybody.
    """
    if not addresses:
        return
    key = (RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address)
    await connection.execute(
        sa.select(RECIPIENT.c.address).where(among(connection, key, addresses)).order_by(*key).with_for_update()
    )
