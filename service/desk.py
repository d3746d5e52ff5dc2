"""A reminder opened on the desk, whole: what it is, its decisions and tries, its story, and what may be done about it.

The API, the command line and the console all show this; each of them gives it its own form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.acts.performing import version_of
from service.acts.rules import possible
from service.errors import BadInput, Problem
from service.intake.courses import quiet_hours
from service.reasons import sentence
from service.store import desk as queries
from service.store.clinics import houses
from service.store.views import decisions
from service.story import Story, tell
from service.timing import local
from service.types import Json


@dataclass(frozen=True, slots=True)
class Opened:
    """One reminder with all that is known of it; rows as stored, oldest first."""

    row: Any
    attempts: Sequence[Any]
    decisions: Sequence[Any]
    story: Story
    acts: Sequence[str]
    """The acts that would be taken now, by name."""

    @property
    def version(self) -> str:
        return version_of(self.row)

    def as_json(self) -> Json:
        return {
            **reminder_json(self.row),
            "acts": list(self.acts),
            "story": self.story.as_json(),
            "attempts": [attempt_json(attempt) for attempt in self.attempts],
            "decisions": [
                {"at": utc(line.at), **reason_json(line.code), "by": line.by, "detail": line.detail}
                for line in self.decisions
            ],
        }


async def open_reminder(connection: AsyncConnection, clinic: str, identity: UUID, now: datetime) -> Opened | None:
    """Read a reminder whole; None where the clinic has no such reminder."""
    row = await queries.reminder_row(connection, clinic, identity)
    if row is None:
        return None
    attempts = await queries.attempts_of(connection, clinic, identity)
    decided = await decisions(connection, clinic, identity)
    reports = await queries.reports_of(connection, clinic, row.treatment)
    house = (await houses(connection, [clinic]))[clinic]
    story = tell(row, reports, decided, attempts, now)
    return Opened(row, attempts, decided, story, possible(row, attempts, quiet_hours(house), now))


def reminder_json(row: Any) -> Json:
    """A reminder's row as one line of a list."""
    return {
        "id": str(row.id),
        "treatment": row.treatment,
        "client": row.client,
        "protocol": row.protocol,
        "step": row.step,
        "occurrence": row.occurrence,
        "purpose": row.purpose,
        "media": row.media.split(","),
        "medium": row.medium,
        "sender": row.sender,
        "state": row.state,
        "reason": reason_json(row.reason) if row.reason else None,
        "by": row.by,
        "intended_at": utc(row.intended_at),
        "due_at": utc(row.due_at),
        "local_due": local(row.due_at, row.zone).isoformat(timespec="minutes"),
        "zone": row.zone,
        "expires_at": utc(row.expires_at),
        "updated_at": utc(row.updated_at),
        "version": version_of(row),
    }


def attempt_json(row: Any) -> Json:
    return {
        "id": str(row.id),
        "medium": row.medium,
        "sender": row.sender,
        "recipient": row.recipient,
        "wording": row.wording,
        "locale": row.locale,
        "segments": row.segments,
        "state": row.state,
        "failure": reason_json(row.failure) if row.failure else None,
        "code": row.code or None,
        "provider_id": row.provider_id,
        "created_at": utc(row.created_at),
        "settled_at": utc(row.settled_at) if row.settled_at else None,
        "receipt_at": utc(row.receipt_at) if row.receipt_at else None,
        "look_up_at": utc(row.look_up_at) if row.look_up_at else None,
        "evidence": row.evidence,
    }


def reason_json(code: str) -> Json:
    return {"code": code, "sentence": sentence(code)}


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def page_json(rows: Sequence[Any], limit: int) -> Json:
    """A page of a list, from one row more than it shows where there are more."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {"reminders": [reminder_json(row) for row in shown], "next": _cursor_of(shown[-1]) if more else None}


_REVIEW, _REST = "r", "o"


def _cursor_of(row: Any) -> str:
    """Where a list goes on after this reminder."""
    return f"{_REVIEW if row.state == 'needs_review' else _REST}{row.id.hex}"


def mark_of(cursor: str) -> queries.Mark:
    """The place that a cursor names. Raises BadInput (`bad-cursor`)."""
    try:
        last = UUID(hex=cursor[1:])
    except ValueError:
        last = None
    if last is None or cursor[:1] not in {_REVIEW, _REST}:
        raise BadInput(Problem("bad-cursor", "cursor", "this is no cursor of ours: take `next` of the page before"))
    return queries.Mark(cursor[0] == _REVIEW, last)
