"""What taking in a client's text reads and writes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clients import BY_CLIENT
from service.store.questions import ASKS
from service.store.tables import Attempt, Client, Consent, Recipient, Reminder, Reply, Sender, Treatment, core
from service.types import AttemptState, Json, Medium, Purpose

ATTEMPT, CLIENT, CONSENT, RECIPIENT = core(Attempt), core(Client), core(Consent), core(Recipient)
REMINDER, REPLY, SENDER, TREATMENT = core(Reminder), core(Reply), core(Sender), core(Treatment)

_MAY_HAVE_ARRIVED = [
    state.value
    for state in (
        AttemptState.SENDING, AttemptState.ACCEPTED, AttemptState.SENT, AttemptState.DELIVERED, AttemptState.UNKNOWN)
]  # fmt: skip


async def sender_written_to(
    connection: AsyncConnection, clinic: str, sender: str, *, to: str, service: str
) -> Any | None:
    """The clinic's SMS sender of this id, if this is its number or its messaging service."""
    named = sa.or_(
        sa.and_(SENDER.c.address == to, SENDER.c.address != ""),
        sa.and_(SENDER.c.messaging_service == service, SENDER.c.messaging_service != ""),
    )
    query = sa.select(SENDER).where(
        SENDER.c.clinic == clinic, SENDER.c.id == sender, SENDER.c.medium == Medium.SMS.value
    )
    return (await connection.execute(query.where(named))).first()


async def lock_people_of(connection: AsyncConnection, clinic: str, number: str) -> Sequence[Any]:
    """Lock the clients of a clinic that have this number, in the order in which all lock clients."""
    query = sa.select(CLIENT).where(CLIENT.c.clinic == clinic, CLIENT.c.phone == number).order_by(CLIENT.c.ref)
    return (await connection.execute(query.with_for_update())).all()


async def lock_number(connection: AsyncConnection, clinic: str, number: str) -> Any:
    """Lock the recipient's row, which exists: no start to this number is under way until this transaction ends."""
    return (await connection.execute(sa.select(RECIPIENT).where(*_number(clinic, number)).with_for_update())).one()


async def is_known(connection: AsyncConnection, clinic: str, provider_id: str) -> bool:
    """Whether this text has been taken in before."""
    known = sa.select(REPLY.c.id).where(REPLY.c.clinic == clinic, REPLY.c.provider_id == provider_id)
    return await connection.scalar(known) is not None


async def add_reply(connection: AsyncConnection, row: Json) -> None:
    await connection.execute(REPLY.insert().values(**row))


async def stop_texts(connection: AsyncConnection, clinic: str, number: str, reason: str, now: datetime) -> None:
    """No more texts to this number, nor to the clients who have it. The caller holds both."""
    await connection.execute(
        RECIPIENT.update()
        .where(*_number(clinic, number), RECIPIENT.c.suppressed_at.is_(None))
        .values(suppressed_at=now, suppressed_reason=reason)
    )
    await connection.execute(
        CLIENT.update()
        .where(CLIENT.c.clinic == clinic, CLIENT.c.phone == number, CLIENT.c.sms_stopped_at.is_(None))
        .values(sms_stopped_at=now)
    )


async def resume_texts(
    connection: AsyncConnection, clinic: str, number: str, reasons: Collection[str], now: datetime
) -> None:
    """Take back what stopped texts to this number for one of these reasons. The caller holds the rows.

    Clients who stopped everything on their own page get care by text again; what else they said no to there stays so.
    """
    await connection.execute(
        RECIPIENT.update()
        .where(*_number(clinic, number), RECIPIENT.c.suppressed_reason.in_(sorted(reasons)))
        .values(suppressed_at=None, suppressed_reason="")
    )
    theirs = (CLIENT.c.clinic == clinic, CLIENT.c.phone == number)
    await connection.execute(CLIENT.update().where(*theirs).values(sms_stopped_at=None))
    await connection.execute(CONSENT.update().where(*_care_refused(clinic, number)).values(granted=True, at=now))


async def has_refused_care(connection: AsyncConnection, clinic: str, number: str) -> bool:
    """Whether somebody with this number said on their own page that they want no care by text."""
    return bool(await connection.scalar(sa.select(sa.exists().where(*_care_refused(clinic, number)))))


def _care_refused(clinic: str, number: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        CONSENT.c.clinic == clinic,
        CONSENT.c.client.in_(sa.select(CLIENT.c.ref).where(CLIENT.c.clinic == clinic, CLIENT.c.phone == number)),
        CONSENT.c.medium == Medium.SMS.value,
        CONSENT.c.purpose == Purpose.CARE.value,
        CONSENT.c.source == BY_CLIENT,
        CONSENT.c.granted.is_(sa.false()),
    )


async def newest_text(connection: AsyncConnection, clinic: str, number: str, kind: str) -> datetime | None:
    """When this number's owner last wrote a text of this kind."""
    query = sa.select(sa.func.max(REPLY.c.received_at)).where(
        REPLY.c.clinic == clinic, REPLY.c.address == number, REPLY.c.kind == kind
    )
    moment: datetime | None = await connection.scalar(query)
    return moment


async def newest_refusal(connection: AsyncConnection, clinic: str, number: str, kind: str) -> datetime | None:
    """When texts to this number were last refused: by a text of this kind, at the provider, or on a page."""
    moments = (
        await newest_text(connection, clinic, number, kind),
        await connection.scalar(sa.select(RECIPIENT.c.suppressed_at).where(*_number(clinic, number))),
        await connection.scalar(sa.select(sa.func.max(CONSENT.c.at)).where(*_care_refused(clinic, number))),
    )
    return max((moment for moment in moments if moment is not None), default=None)


async def questions_asked(
    connection: AsyncConnection, clinic: str, number: str, since: datetime, until: datetime
) -> Sequence[Any]:
    """The questions that were texted to this number in between, newest first: reminder, client."""
    query = (
        sa.select(REMINDER.c.id.label("reminder"), REMINDER.c.client)
        .join_from(CLIENT, REMINDER, sa.and_(REMINDER.c.clinic == CLIENT.c.clinic, REMINDER.c.client == CLIENT.c.ref))
        .join(ATTEMPT, sa.and_(ATTEMPT.c.clinic == REMINDER.c.clinic, ATTEMPT.c.reminder == REMINDER.c.id))
        .where(
            CLIENT.c.clinic == clinic,
            CLIENT.c.phone == number,
            ASKS,
            ATTEMPT.c.medium == Medium.SMS.value,
            ATTEMPT.c.recipient == number,
            ATTEMPT.c.state.in_(_MAY_HAVE_ARRIVED),
            ATTEMPT.c.created_at.between(since, until),
        )
        .order_by(ATTEMPT.c.created_at.desc())
    )
    return (await connection.execute(query)).all()


async def reply_to_tell(connection: AsyncConnection, clinic: str, reply: UUID) -> Any | None:
    """A reply with its client and the question it answers, as far as they are known."""
    query = (
        sa.select(
            *(REPLY.c[name] for name in ("address", "text", "media", "kind", "client", "received_at")),
            CLIENT.c.first_name,
            REMINDER.c.step,
            REMINDER.c.protocol,
            TREATMENT.c.ended_at,
            TREATMENT.c.location,
        )
        .outerjoin(CLIENT, sa.and_(CLIENT.c.clinic == REPLY.c.clinic, CLIENT.c.ref == REPLY.c.client))
        .outerjoin(REMINDER, sa.and_(REMINDER.c.clinic == REPLY.c.clinic, REMINDER.c.id == REPLY.c.reminder))
        .outerjoin(TREATMENT, sa.and_(TREATMENT.c.clinic == REMINDER.c.clinic, TREATMENT.c.id == REMINDER.c.treatment))
        .where(REPLY.c.clinic == clinic, REPLY.c.id == reply)
    )
    return (await connection.execute(query)).first()


async def people_with(connection: AsyncConnection, clinic: str, number: str) -> Sequence[Any]:
    """Who has this number: ref, first_name."""
    query = sa.select(CLIENT.c.ref, CLIENT.c.first_name).where(CLIENT.c.clinic == clinic, CLIENT.c.phone == number)
    return (await connection.execute(query.order_by(CLIENT.c.ref).limit(10))).all()


def _number(clinic: str, number: str) -> tuple[sa.ColumnElement[bool], ...]:
    return RECIPIENT.c.clinic == clinic, RECIPIENT.c.medium == Medium.SMS.value, RECIPIENT.c.address == number
