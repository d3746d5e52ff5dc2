"""What a client's own pages read and write: the message that a link came with, and what its client chose."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clients import BY_CLIENT, CLIENT, CONSENT, RECIPIENT
from service.store.dialect import among
from service.store.due import LOCALE
from service.store.tables import Attempt, Reminder, Treatment, Wording, core
from service.types import Json, Medium, ReminderState

ATTEMPT, REMINDER, TREATMENT, WORDING = core(Attempt), core(Reminder), core(Treatment), core(Wording)

PAUSED = "client-paused"
"""The reason of reminders that wait for the end of their client's pause."""

_MESSAGE = (
    sa.select(
        *(ATTEMPT.c[name] for name in ("clinic", "id", "medium", "recipient", "wording", "pinned", "created_at")),
        *(REMINDER.c[name] for name in ("client", "treatment", "step", "protocol", "purpose", "zone")),
        *(TREATMENT.c[name] for name in (
            "course", "session", "of", "area", "location", "provider", "note", "ended_at")),
        TREATMENT.c.state.label("treatment_state"),
        *(CLIENT.c[name] for name in ("phone", "email", "erased_at")),
        ATTEMPT.c.locale.label("sent_locale"),
        LOCALE.label("locale"),
        sa.literal("").label("first_name"),  # pages greet nobody: a phone is seen by others
    )
    .join(REMINDER, sa.and_(REMINDER.c.clinic == ATTEMPT.c.clinic, REMINDER.c.id == ATTEMPT.c.reminder))
    .join(TREATMENT, sa.and_(TREATMENT.c.clinic == REMINDER.c.clinic, TREATMENT.c.id == REMINDER.c.treatment))
    .join(CLIENT, sa.and_(CLIENT.c.clinic == REMINDER.c.clinic, CLIENT.c.ref == REMINDER.c.client))
)  # fmt: skip


async def message_behind(connection: AsyncConnection, keys: Collection[str], *, lock: bool = False) -> Any | None:
    """The message that was sent with a link, with all that its pages need of reminder, treatment and client.

    `keys` are the names that its attempt may have (`Links.keys`). Needs no clinic: they are unguessable. `lock` its
    client before changing anything: everything about a client happens in turn.
    """
    if not keys:
        return None
    query = _MESSAGE.where(ATTEMPT.c.token.in_(keys))
    return (await connection.execute(query.with_for_update(of=CLIENT) if lock else query)).first()


async def wording_of(connection: AsyncConnection, clinic: str, version: str) -> Any | None:
    query = sa.select(WORDING).where(WORDING.c.clinic == clinic, WORDING.c.version == version)
    return (await connection.execute(query)).first()


async def last_visit(connection: AsyncConnection, clinic: str, course: str) -> datetime:
    """When the newest treatment of a course ended."""
    newest = sa.select(sa.func.max(TREATMENT.c.ended_at))
    query = newest.where(TREATMENT.c.clinic == clinic, TREATMENT.c.course == course)
    moment: datetime = (await connection.execute(query)).scalar_one()
    return moment


async def client_of(connection: AsyncConnection, clinic: str, ref: str) -> Any:
    query = sa.select(CLIENT).where(CLIENT.c.clinic == clinic, CLIENT.c.ref == ref)
    return (await connection.execute(query)).one()


async def recipients_of(connection: AsyncConnection, addresses: Collection[tuple[str, str, str]]) -> Sequence[Any]:
    """The rows of these (clinic, medium, address)."""
    if not addresses:
        return []
    columns = (RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address)
    return (await connection.execute(sa.select(RECIPIENT).where(among(connection, columns, addresses)))).all()


async def consents_of_client(connection: AsyncConnection, clinic: str, ref: str) -> dict[tuple[str, str], bool]:
    """What a client said, by (purpose, medium)."""
    query = sa.select(CONSENT.c.purpose, CONSENT.c.medium, CONSENT.c.granted)
    rows = await connection.execute(query.where(CONSENT.c.clinic == clinic, CONSENT.c.client == ref))
    return {(row.purpose, row.medium): row.granted for row in rows}


async def withdrawn_by_owners(connection: AsyncConnection, clinic: str, ref: str) -> set[tuple[str, str]]:
    """What was withdrawn by a link that had come to the address it is about, by (purpose, medium)."""
    query = sa.select(CONSENT.c.purpose, CONSENT.c.medium).where(
        CONSENT.c.clinic == clinic, CONSENT.c.client == ref, CONSENT.c.by_owner, CONSENT.c.source == BY_CLIENT
    )
    return {(row.purpose, row.medium) for row in await connection.execute(query)}


async def change_client(connection: AsyncConnection, clinic: str, ref: str, values: Json) -> None:
    if values:
        await connection.execute(CLIENT.update().where(CLIENT.c.clinic == clinic, CLIENT.c.ref == ref).values(**values))


async def is_shared(connection: AsyncConnection, clinic: str, medium: Medium, address: str) -> bool:
    """Whether several clients of the clinic have this number or address."""
    held = CLIENT.c.phone if medium is Medium.SMS else CLIENT.c.email
    count = sa.select(sa.func.count()).where(CLIENT.c.clinic == clinic, held == address)
    return (await connection.scalar(count) or 0) > 1


async def lift_suppression(connection: AsyncConnection, clinic: str, medium: str, address: str) -> None:
    """The owner of this address asks for messages again. Nobody else may call this."""
    await connection.execute(
        RECIPIENT.update()
        .where(RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == medium, RECIPIENT.c.address == address)
        .values(suppressed_at=None, suppressed_reason="")
    )


async def wake_paused(connection: AsyncConnection, clinic: str, ref: str, now: datetime) -> set[str]:
    """What waited for the end of this client's pause is looked at now. Returns the senders that it belongs to."""
    rows = await connection.execute(
        REMINDER.update()
        .where(
            REMINDER.c.clinic == clinic,
            REMINDER.c.client == ref,
            REMINDER.c.state == ReminderState.SCHEDULED.value,
            REMINDER.c.reason == PAUSED,
        )
        .values(due_at=now, reason="", updated_at=now)
        .returning(REMINDER.c.sender)
    )
    return {row.sender for row in rows if row.sender is not None}
