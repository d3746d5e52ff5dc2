"""Who read or changed what: one line for each record that was opened and each act, written in the act's transaction.

A line holds ids and codes. Lists are not logged row by row; whoever opens one of their rows is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.store.audit import Sought, add_line, lines_page
from service.types import Json

_ONE_LOOK: Final = timedelta(hours=1)
_LOOKS: Final = 100


class Deed(StrEnum):
    """What was done, as a stable code."""

    CLIENT_READ = "client-read"
    CLIENT_EXPORTED = "client-exported"
    CLIENT_ERASED = "client-erased"
    TREATMENT_READ = "treatment-read"
    MESSAGE_READ = "message-read"
    REMINDER_CANCELLED = "reminder-cancel"
    REMINDER_MOVED = "reminder-move"
    REMINDER_SENT_NOW = "reminder-send-now"
    REMINDER_RETRIED = "reminder-retry"
    REMINDER_RESOLVED = "reminder-resolve"
    TEMPLATE_SAVED = "template-saved"
    TEMPLATE_PUBLISHED = "template-published"
    TEMPLATE_RESTORED = "template-restored"
    TEMPLATE_HELD = "template-held"
    TEMPLATE_RELEASED = "template-released"
    PROTOCOL_CONFIRMED = "protocol-confirmed"
    CLINIC_ADDED = "clinic-added"
    CLINIC_CHANGED = "clinic-changed"
    CLINIC_PAUSED = "clinic-paused"
    CLINIC_RESUMED = "clinic-resumed"
    LOCATION_CHANGED = "location-changed"
    LOCATION_REMOVED = "location-removed"
    CODE_MAPPED = "code-mapped"
    SENDER_CHANGED = "sender-changed"
    SENDER_PAUSED = "sender-paused"
    SENDER_RESUMED = "sender-resumed"
    SENDER_CAPPED = "sender-capped"
    SIGN_IN_ISSUED = "sign-in-issued"
    STAFF_CHANGED = "staff-changed"
    STAFF_CONFIRMED = "staff-confirmed"
    STAFF_REMOVED = "staff-removed"
    TEST_SENT = "test-sent"
    KEY_ISSUED = "key-issued"
    KEY_ENDED = "key-ended"


async def note(
    connection: AsyncConnection, clinic: str, who: object, deed: Deed, now: datetime, *, about: object = "",
    client: str = "",
) -> None:  # fmt: skip
    """Write down what somebody does, in the transaction in which they do it: there is neither without the other.

    `who` as text is `staff:owner`, `key:ac_1f2e3d4c`, `command:deploy` or `event:` and its source and id; `about` the
    id of what it is done to; `client` whose data that is.
    """
    row = {"clinic": clinic, "id": uuid7(), "at": now, "who": str(who), "act": deed.value, "about": str(about),
           "client": client}  # fmt: skip
    await add_line(connection, row)


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody has a message and its story before them."""

    clinic: str
    who: str
    about: str
    client: str


async def is_noted(connection: AsyncConnection, look: Look, now: datetime) -> bool:
    """Whether this was written down within the hour: a page that keeps itself up to date is looked at once."""
    sought = Sought(look.client, look.who, Deed.MESSAGE_READ.value, now - _ONE_LOOK)
    return any(row.about == look.about for row in await lines_page(connection, look.clinic, sought, None, _LOOKS))


async def note_looks(connection: AsyncConnection, looks: Sequence[Look], now: datetime) -> None:
    for look in looks:
        await note(connection, look.clinic, look.who, Deed.MESSAGE_READ, now, about=look.about, client=look.client)


def lines_json(rows: Sequence[Any], limit: int) -> Json:
    """A page of lines, from one row more than it shows where there are more."""
    shown = rows[:limit]
    lines = [
        {"id": str(row.id), "at": row.at, "who": row.who, "act": row.act, "about": row.about or None,
         "client": row.client or None}
        for row in shown
    ]  # fmt: skip
    return {"lines": lines, "next": lines[-1]["id"] if len(rows) > limit else None}
