"""A client's dossier: everything that is stored about them as one document, with the words of each message."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import AftercareError
from service.reasons import sentence
from service.store.dossier import rows_about, wordings_of
from service.types import Email, Json, Message

Show: TypeAlias = Callable[[Any, Any], Message]
"""(attempt, wording) -> the message word for word. Raises AftercareError where it cannot be made again."""

_Rows: TypeAlias = dict[str, Sequence[Any]]

_LEFT_OUT = frozenset({"clinic", "token", "digest", "body_hash"})
"""The clinic is named once; a token opens the client's own pages, and hashes tell a reader nothing."""


async def dossier(connection: AsyncConnection, clinic: str, ref: str, show: Show, now: datetime) -> Json | None:
    """All that is stored about a client; None where the clinic has no such client.

    Every column of every row is there but for `_LEFT_OUT`. Messages hang below their treatments, tries and decisions
    below their messages. `message` is None where its words or values are no longer kept.
    """
    rows = await rows_about(connection, clinic, ref)
    if not rows["client"]:
        return None
    wordings = await wordings_of(connection, clinic, rows["attempt"])
    own = {row.id for row in rows["treatment"]}
    return {
        "clinic": clinic,
        "exported_at": now,
        "client": _plain(rows["client"][0]),
        "addresses": _all(rows["recipient"]),
        "consents": _all(rows["consent"]),
        "courses": _all(rows["course"]),
        "treatments": [_treatment(row, rows, wordings, show) for row in rows["treatment"]],
        "other_messages": [
            _reminder(row, rows, wordings, show) for row in rows["reminder"] if row.treatment not in own
        ],
        "to_be_planned_anew": _all(rows["replan"]),
        "voided": _all(rows["void"]),
        "appointments": _all(rows["appointment"]),
        "replies": _all(rows["reply"]),
        "told_to_staff": _all(rows["alert"]),
        "events": _all(rows["event"]),
        "seen_and_changed_by": _all(rows["audit"]),
    }


def _treatment(row: Any, rows: _Rows, wordings: dict[str, Any], show: Show) -> Json:
    messages = [_reminder(one, rows, wordings, show) for one in rows["reminder"] if one.treatment == row.id]
    return {**_plain(row), "messages": messages}


def _reminder(row: Any, rows: _Rows, wordings: dict[str, Any], show: Show) -> Json:
    return {
        **_plain(row),
        **({"why": sentence(row.reason)} if row.reason else {}),
        "decisions": [
            {**_plain(one), "sentence": sentence(one.code)} for one in rows["decision"] if one.reminder == row.id
        ],
        "tries": [_attempt(one, rows, wordings, show) for one in rows["attempt"] if one.reminder == row.id],
    }


def _attempt(row: Any, rows: _Rows, wordings: dict[str, Any], show: Show) -> Json:
    return {
        **_plain(row),
        "message": _words(row, wordings.get(row.wording), show),
        "refusals": _all(one for one in rows["refused_words"] if one.attempt == row.id),
        "receipts_waiting": _all(one for one in rows["parked_receipt"] if one.token == row.token),
    }


def _words(attempt: Any, wording: Any, show: Show) -> Json | None:
    if wording is None or not attempt.recipient:
        return None
    try:
        message = show(attempt, wording)
    except AftercareError:
        return None
    return {"subject": message.subject, "text": message.text} if isinstance(message, Email) else {"text": message.text}


def _all(rows: Iterable[Any]) -> list[Json]:
    return [_plain(row) for row in rows]


def _plain(row: Any) -> Json:
    columns = row._mapping.items()  # noqa: SLF001 - SQLAlchemy's documented accessor
    return {name: str(value) if isinstance(value, UUID) else value for name, value in columns if name not in _LEFT_OUT}
