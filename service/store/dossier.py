"""All that is stored about one client, table by table: what an export hands over.

A table that names a client must be listed here, or among `NOT_PERSONAL` with the reason why not: a test compares both
with the schema.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.dialect import among
from service.store.tables import (
    Alert,
    Appointment,
    Attempt,
    Audit,
    Client,
    Consent,
    Course,
    Decision,
    Event,
    ParkedReceipt,
    Recipient,
    RefusedWords,
    Reminder,
    Replan,
    Reply,
    Treatment,
    Void,
    Wording,
    core,
)
from service.types import Medium

ALERT, APPOINTMENT, ATTEMPT, AUDIT, CLIENT = core(Alert), core(Appointment), core(Attempt), core(Audit), core(Client)
CONSENT, COURSE, DECISION, EVENT = core(Consent), core(Course), core(Decision), core(Event)
PARKED, RECIPIENT, REFUSED, REMINDER = core(ParkedReceipt), core(Recipient), core(RefusedWords), core(Reminder)
REPLAN, REPLY, TREATMENT, VOID, WORDING = core(Replan), core(Reply), core(Treatment), core(Void), core(Wording)

NOT_PERSONAL: Mapping[str, str] = {
    "refusal": "codes and places of what was refused, nothing of what it said",
    "kept_answer": "answers to requests, for a day, by the request's key: they name nobody that they could be found by",
    "platform_answer": "answers to requests of the platform, for a day: how clinics are set up",
    "number_block": "counts numbers by their beginning",
    "number_text": "counts texts to numbers that were given up, by keyed digests, for a day",
    "staff_address": "of the clinic's staff",
    "staff_message": "to the clinic's staff",
    "sender": "the clinic's own addresses",
    "location": "the clinic's own addresses",
    "clinic": "the clinic's own addresses",
}
"""Tables with a column that sounds like a person's, and why it is no client's."""


async def rows_about(connection: AsyncConnection, clinic: str, ref: str) -> dict[str, Sequence[Any]]:
    """By table, the rows about this client in order; no rows of `client`: the clinic knows nobody of this ref."""
    found = await _rows_by_client(connection, clinic, ref)
    if not found["client"]:
        return found
    found |= await _rows_by_reminder(connection, clinic, [row.id for row in found["reminder"]])
    found |= await _rows_by_attempt(connection, clinic, found["attempt"])
    found["recipient"] = await _recipients(connection, clinic, found["client"][0], found["attempt"])
    treatments = [row.id for row in found["treatment"]]
    found["event"] = [*found["event"], *await _events_of_nobody(connection, clinic, treatments)]
    found["reply"] = [*found["reply"], *await _replies_of_nobody(connection, found["client"][0])]
    found["void"] = await _select(connection, VOID, VOID.c.clinic == clinic, VOID.c.treatment.in_(treatments))
    told = [str(row.id) for row in (*found["reply"], *found["reminder"])]
    found["alert"] = await _select(connection, ALERT, ALERT.c.clinic == clinic, ALERT.c.about.in_(told))
    return found


async def wordings_of(connection: AsyncConnection, clinic: str, attempts: Sequence[Any]) -> dict[str, Any]:
    """The templates that these attempts were made of, by version."""
    versions = sorted({row.wording for row in attempts})
    rows = await _select(connection, WORDING, WORDING.c.clinic == clinic, WORDING.c.version.in_(versions))
    return {row.version: row for row in rows}


async def _rows_by_client(connection: AsyncConnection, clinic: str, ref: str) -> dict[str, Sequence[Any]]:
    found = {CLIENT.name: await _select(connection, CLIENT, CLIENT.c.clinic == clinic, CLIENT.c.ref == ref)}
    for table in (CONSENT, COURSE, TREATMENT, APPOINTMENT, EVENT, REMINDER, REPLY, REPLAN, AUDIT):
        found[table.name] = await _select(connection, table, table.c.clinic == clinic, table.c.client == ref)
    return found


async def _events_of_nobody(connection: AsyncConnection, clinic: str, treatments: Sequence[str]) -> Sequence[Any]:
    """Events that name one of these treatments and nobody: a void that came first."""
    return await _select(
        connection, EVENT, EVENT.c.clinic == clinic, EVENT.c.treatment.in_(treatments), EVENT.c.client == ""
    )


async def _replies_of_nobody(connection: AsyncConnection, client: Any) -> Sequence[Any]:
    """Texts that name nobody, from a number that nobody else has: of a shared one, nothing tells who wrote."""
    number = (REPLY.c.clinic == client.clinic, REPLY.c.address == client.phone, REPLY.c.client.is_(None))
    others = sa.exists().where(
        CLIENT.c.clinic == client.clinic, CLIENT.c.phone == client.phone, CLIENT.c.ref != client.ref
    )
    return await _select(connection, REPLY, *number, ~others) if client.phone else []


async def _rows_by_reminder(
    connection: AsyncConnection, clinic: str, reminders: Sequence[Any]
) -> dict[str, Sequence[Any]]:
    return {
        table.name: await _select(connection, table, table.c.clinic == clinic, table.c.reminder.in_(reminders))
        for table in (ATTEMPT, DECISION)
    }


async def _rows_by_attempt(
    connection: AsyncConnection, clinic: str, attempts: Sequence[Any]
) -> dict[str, Sequence[Any]]:
    ids = [row.id for row in attempts]
    refused = await _select(connection, REFUSED, REFUSED.c.clinic == clinic, REFUSED.c.attempt.in_(ids))
    parked = await _select(connection, PARKED, PARKED.c.token.in_([row.token for row in attempts]))
    return {"refused_words": refused, "parked_receipt": parked}


async def _recipients(connection: AsyncConnection, clinic: str, client: Any, attempts: Sequence[Any]) -> Sequence[Any]:
    """The client's addresses, and those that messages went to before and nobody else has now."""
    own = {(Medium.SMS.value, client.phone), (Medium.EMAIL.value, client.email)}
    used = {(row.medium, row.recipient) for row in attempts}
    keys = [(clinic, medium, address) for medium, address in own | used if address]
    if not keys:
        return []
    theirs = sa.exists().where(
        CLIENT.c.clinic == clinic, CLIENT.c.ref != client.ref,
        sa.or_(CLIENT.c.phone == RECIPIENT.c.address, CLIENT.c.email == RECIPIENT.c.address),
    )  # fmt: skip
    mine = RECIPIENT.c.address.in_([address for _, address in own if address])
    columns = (RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address)
    return await _select(connection, RECIPIENT, among(connection, columns, keys), sa.or_(mine, ~theirs))


async def _select(connection: AsyncConnection, table: sa.Table, *where: sa.ColumnElement[bool]) -> Sequence[Any]:
    in_order = [column for column in table.primary_key.columns if column.name != "clinic"]
    return (await connection.execute(sa.select(table).where(*where).order_by(*in_order))).all()
