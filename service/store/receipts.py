"""What receipts read and write: attempts by their token or provider id, and the reminders that follow them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import states
from service.store.dialect import insert
from service.store.tables import (
    Attempt,
    Client,
    Consent,
    Recipient,
    RefusedWords,
    Reminder,
    SenderWatch,
    Wording,
    core,
)
from service.types import AttemptState, Json, Medium, Purpose, Receipt, ReminderState

ATTEMPT, REMINDER, CLIENT = core(Attempt), core(Reminder), core(Client)
RECIPIENT, CONSENT = core(Recipient), core(Consent)
REFUSED, WATCH, WORDING = core(RefusedWords), core(SenderWatch), core(Wording)

_HEARD_EVERY = timedelta(seconds=10)
"""Of a sender whose reports come by the hundred, one in so long is noted."""

_REMINDER_COLUMNS = ("state", "fence", "client", "protocol", "step", "purpose", "media", "medium", "sender",
                     "send_mode", "called_off", "due_at", "expires_at")  # fmt: skip
_WITH_REMINDER = (
    sa.select(ATTEMPT, *(REMINDER.c[name].label(f"reminder_{name}") for name in _REMINDER_COLUMNS))
    .join(REMINDER, sa.and_(REMINDER.c.clinic == ATTEMPT.c.clinic, REMINDER.c.id == ATTEMPT.c.reminder))
    .with_for_update(of=[ATTEMPT, REMINDER])
)


async def lock_reported(connection: AsyncConnection, token: str, provider_id: str) -> Any:
    """Lock the attempt that a report is about, and its reminder: by its token, else by the provider's id."""
    for known, named in ((token, ATTEMPT.c.token == token), (provider_id, ATTEMPT.c.provider_id == provider_id)):
        row = (await connection.execute(_WITH_REMINDER.where(named))).first() if known else None
        if row is not None:
            return row
    return None


async def lock_attempt(connection: AsyncConnection, clinic: str, attempt: Any) -> Any:
    """Lock an attempt and its reminder."""
    named = sa.and_(ATTEMPT.c.clinic == clinic, ATTEMPT.c.id == attempt)
    return (await connection.execute(_WITH_REMINDER.where(named))).first()


async def attempts_of(connection: AsyncConnection, clinic: str, reminder: Any) -> Sequence[Any]:
    """All attempts of a reminder: id, fence, medium, state, failure."""
    columns = (ATTEMPT.c[name] for name in ("id", "fence", "medium", "state", "failure"))
    named = sa.and_(ATTEMPT.c.clinic == clinic, ATTEMPT.c.reminder == reminder)
    return (await connection.execute(sa.select(*columns).where(named))).all()


async def advance_attempt(
    connection: AsyncConnection, attempt: Any, state: AttemptState, receipt: Receipt, failure: str, now: datetime
) -> None:
    states.check(states.ATTEMPT, states.Cause.REPORT, attempt.state, state)
    await connection.execute(
        ATTEMPT.update()
        .where(ATTEMPT.c.clinic == attempt.clinic, ATTEMPT.c.id == attempt.id)
        .values(
            state=state.value,
            provider_id=attempt.provider_id or receipt.provider_id or None,
            failure=failure,
            code=receipt.code or "",
            # An answer that is not written down by now comes too late to be: missed statuses are counted from here.
            settled_at=attempt.settled_at or now,
            receipt_at=receipt.at or now,
            look_up_at=None,
        )
    )


async def settle_reminder(
    connection: AsyncConnection, attempt: Any, state: ReminderState, reason: str, now: datetime
) -> None:
    """Take a reminder where its attempts are: nothing more is to be sent."""
    values: Json = {"state": state.value, "reason": reason}
    if attempt.reminder_state == ReminderState.SCHEDULED.value:  # it waited for another send, maybe another channel
        values |= {"medium": attempt.medium, "sender": attempt.sender}
    await _update_reminder(connection, attempt, values, now)


async def schedule_again(
    connection: AsyncConnection,
    attempt: Any,
    medium: Medium,
    sender: str | None,
    due_at: datetime,
    reason: str,
    now: datetime,
) -> None:
    """Have a reminder sent again. The new fence keeps an answer that is still on its way from undoing this."""
    values: Json = {
        "state": ReminderState.SCHEDULED.value,
        "reason": reason,
        "medium": medium.value,
        "sender": sender,
        "due_at": due_at,
        "fence": attempt.reminder_fence + 1,
    }
    await _update_reminder(connection, attempt, values, now)


async def _update_reminder(connection: AsyncConnection, attempt: Any, values: Json, now: datetime) -> None:
    states.check(states.REMINDER, states.Cause.REPORT, attempt.reminder_state, values["state"])
    await connection.execute(
        REMINDER.update()
        .where(REMINDER.c.clinic == attempt.clinic, REMINDER.c.id == attempt.reminder)
        .values(**values, by="worker", lease_until=None, updated_at=now)
    )


_STOPPED = {Medium.SMS: CLIENT.c.sms_stopped_at, Medium.EMAIL: CLIENT.c.email_stopped_at}
_ADDRESS = {Medium.SMS: CLIENT.c.phone, Medium.EMAIL: CLIENT.c.email}


async def way_to(connection: AsyncConnection, clinic: str, client: str, purpose: Purpose, medium: Medium) -> Any:
    """What stands between a client and a message by this medium: address, stopped_at, suppressed_at, unusable_at,
    granted (None: nothing was said).
    """
    address = _ADDRESS[medium]
    recipient = sa.and_(
        RECIPIENT.c.clinic == CLIENT.c.clinic, RECIPIENT.c.medium == medium.value, RECIPIENT.c.address == address
    )
    consent = sa.and_(
        CONSENT.c.clinic == CLIENT.c.clinic, CONSENT.c.client == CLIENT.c.ref,
        CONSENT.c.medium == medium.value, CONSENT.c.purpose == purpose.value,
    )  # fmt: skip
    columns = (address.label("address"), _STOPPED[medium].label("stopped_at"), RECIPIENT.c.suppressed_at,
               RECIPIENT.c.unusable_at, CONSENT.c.granted)  # fmt: skip
    query = sa.select(*columns).select_from(CLIENT.outerjoin(RECIPIENT, recipient).outerjoin(CONSENT, consent))
    return (await connection.execute(query.where(CLIENT.c.clinic == clinic, CLIENT.c.ref == client))).one()


async def count_refusal(connection: AsyncConnection, attempt: Any, since: datetime, now: datetime) -> int:
    """Note that a carrier refused this attempt's words; how many attempts with the same words it refused since."""
    row = {"clinic": attempt.clinic, "wording": attempt.wording, "attempt": attempt.id, "at": now}
    await connection.execute(insert(connection, REFUSED).values(row).on_conflict_do_nothing())
    same = sa.and_(REFUSED.c.clinic == attempt.clinic, REFUSED.c.wording == attempt.wording)
    return (
        await connection.scalar(sa.select(sa.func.count()).select_from(REFUSED).where(same, REFUSED.c.at >= since)) or 0
    )


async def locale_of(connection: AsyncConnection, attempt: Any) -> str:
    """The locale in which the attempt's words were written."""
    named = sa.and_(WORDING.c.clinic == attempt.clinic, WORDING.c.version == attempt.wording)
    return str(await connection.scalar(sa.select(WORDING.c.locale).where(named)) or attempt.locale)


async def forget_refusals(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(REFUSED.delete().where(REFUSED.c.at < before))


async def note_heard(connection: AsyncConnection, clinic: str, sender: str, now: datetime) -> None:
    """A report about a message of this sender has come."""
    heard = await heard_at(connection, clinic, sender)
    if heard is not None and heard > now - _HEARD_EVERY:  # an upsert would lock the row even where it changes nothing
        return
    statement = insert(connection, WATCH).values(clinic=clinic, sender=sender, probes=0, trouble="", heard_at=now)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["clinic", "sender"], set_={"heard_at": now})
    )


async def heard_at(connection: AsyncConnection, clinic: str, sender: str) -> datetime | None:
    """When a report about a message of this sender last came."""
    moment: datetime | None = await connection.scalar(
        sa.select(WATCH.c.heard_at).where(WATCH.c.clinic == clinic, WATCH.c.sender == sender)
    )
    return moment


def decision(attempt: Any, code: str, receipt: Receipt, now: datetime, more: Json) -> Json:
    """The line that says what was decided on a report, and on which."""
    detail = {
        **more,
        "attempt": str(attempt.id),
        "medium": attempt.medium,
        "reported": receipt.state.value,
        "code": receipt.code or "",
        "failure": receipt.failure.value if receipt.failure else "",
    }
    return {"clinic": attempt.clinic, "id": uuid7(), "reminder": attempt.reminder, "at": now, "code": code,
            "by": "worker", "detail": detail}  # fmt: skip
