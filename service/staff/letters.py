"""What staff are sent: codes, and messages marked as a test. Kept first, sent by a worker."""

import tomllib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.render.clean import for_html, one_line
from service.segments import measure
from service.store.clinics import House
from service.store.signals import notify_alert
from service.store.staff import add_message
from service.types import Email, Json, Medium, Message, Sms

MARK = "TEST: "
_SMS_LIMIT = 1_600


@dataclass(frozen=True, slots=True)
class Asked:
    """A message to a staff member's address (its row), as it was asked for. `about`: the words that a test is of."""

    address: Any
    kind: str
    by: str
    at: datetime
    good_for: timedelta
    about: Json = field(default_factory=dict)


def code_message(house: House, medium: Medium, code: str) -> Message:
    """The message with a code, in the clinic's language."""
    words = _words().get(house.locale.partition("-")[0].lower(), _words()["en"])
    values = {"clinic": one_line(house.name), "code": code}
    subject, text = (words[part].format(**values) for part in ("subject", "text"))
    if medium is Medium.SMS:
        return Sms(text, *measure(text))
    return Email(subject, "", f'<!doctype html><meta charset="utf-8"><p>{for_html(text)}</p>', f"{text}\n")


def marked(message: Message) -> Message:
    """The message as a test of it: nobody can take it for one that a client was meant to get."""
    if isinstance(message, Sms):
        text = f"{MARK}{message.text}"[:_SMS_LIMIT]
        return Sms(text, *measure(text))
    return replace(message, subject=f"{MARK}{message.subject}", text=f"{MARK}{message.text}")


async def post(connection: AsyncConnection, asked: Asked, message: Message) -> Any:
    """Keep a message until a worker has sent it; returns its id. Workers are woken once this transaction commits."""
    row, id_ = asked.address, uuid7()
    words = {"text": message.text} if isinstance(message, Sms) else {
        "subject": message.subject, "text": message.text, "html": message.html,
    }  # fmt: skip
    where = {"clinic": row.clinic, "staff": row.staff, "medium": row.medium, "recipient": row.address}
    when = {"created_at": asked.at, "due_at": asked.at, "expires_at": asked.at + asked.good_for}
    more = {"kind": asked.kind, "about": asked.about, "asked_by": asked.by, "tries": 0, "state": "waiting"}
    await add_message(connection, {"id": id_, **where, **words, **when, **more})
    await notify_alert(connection)
    return id_


def kept(row: Any) -> Message:
    """The message of a row."""
    if row.medium == Medium.SMS:
        return Sms(row.text, *measure(row.text))
    return Email(row.subject, "", row.html, row.text)


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
