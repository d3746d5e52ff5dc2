"""What one start writes, gathered for all its reminders and saved in a few statements."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.dispatch.intent import Intent, Lease, StatusCallback
from service.store.attempts import keep_wordings, move_reminders, stay_sent, write_intents
from service.store.clinics import House
from service.store.lanes import Lane
from service.store.reminders import record_decisions
from service.types import AttemptState, Json, Medium, Outgoing, ReminderState, SenderAddress
from service.words import Written

_GIVEN_UP = frozenset({ReminderState.SKIPPED, ReminderState.EXPIRED})


@dataclass(slots=True)
class Started:
    """What one start did: intents to send now, how many reminders were settled without, and when to look again."""

    intents: list[Intent] = field(default_factory=list)
    settled: int = 0
    wake_up: datetime | None = None
    now: datetime | None = None


class Batch:
    """The intents and settlements of one start."""

    def __init__(self, now: datetime, lease: Lease, *, started_at: float) -> None:
        """`started_at` is on `clock.monotonic()`: the send deadline runs from it."""
        self.now = now
        self.started = Started(now=now)
        self.spent: dict[Lane, int] = {}
        """Tokens by lane."""
        self.due: dict[Lane, datetime] = {}
        """Lanes on which something was scheduled again, with when."""
        self.new_wordings: dict[tuple[str, str], Json] = {}
        self._lease_until = now + lease.lease
        self._start_before = started_at + lease.deadline.total_seconds()
        self._attempts: list[Json] = []
        self._starts: list[Json] = []
        self._moves: list[Json] = []
        self._given_up: list[tuple[str, UUID]] = []
        self._decisions: list[Json] = []

    def intend(self, row: Any, house: House, address: str, written: Written, callback: StatusCallback) -> None:
        """Commit to sending this reminder now."""
        outgoing = self._outgoing(row, house.senders[Medium(row.medium)], address, written, callback)
        lane = (row.clinic, row.sender)
        self.spent[lane] = self.spent.get(lane, 0) + 1
        self._attempts.append(self._attempt(row, outgoing, written))
        self._starts.append(self._start(row))
        self.started.intents.append(_intent(row, house, outgoing, self.now))

    def move(
        self,
        row: Any,
        state: ReminderState,
        reason: str,
        *,
        due_at: datetime | None = None,
        medium: Medium | None = None,
        sender: SenderAddress | None = None,
    ) -> None:
        """Settle, defer or reroute a reminder without sending it, with the line that says why."""
        lane_id = row.sender if medium is None else (sender.sender if sender else None)
        self._moves.append(
            {
                "clinic": row.clinic,
                "id": row.id,
                "fence": row.fence,
                "state": state.value,
                "reason": reason,
                "by": "worker",
                "medium": medium.value if medium else row.medium,
                "sender": lane_id,
                "due_at": due_at or row.due_at,
                "lease_until": None,
                "tries": row.tries,
                "updated_at": self.now,
            }
        )
        self._decisions.append(
            {"clinic": row.clinic, "id": uuid7(), "reminder": row.id, "at": self.now, "code": reason, "by": "worker",
             "detail": {"state": state.value, "medium": row.medium}}
        )  # fmt: skip
        if state in _GIVEN_UP and row.fence:
            self._given_up.append((row.clinic, row.id))
        if state is ReminderState.SCHEDULED and lane_id is not None:
            lane = (row.clinic, lane_id)
            self.due[lane] = min(due_at or row.due_at, self.due.get(lane, due_at or row.due_at))
        self.started.settled += 1

    async def save(self, connection: AsyncConnection) -> None:
        await keep_wordings(connection, list(self.new_wordings.values()))
        await write_intents(connection, self._attempts, self._starts)
        await move_reminders(connection, self._moves)
        await stay_sent(connection, self._given_up)
        await record_decisions(connection, self._decisions)

    def _outgoing(
        self, row: Any, sender: SenderAddress, address: str, written: Written, callback: StatusCallback
    ) -> Outgoing:
        token = secrets.token_urlsafe(16)
        return Outgoing(
            attempt=uuid7(),
            token=token,
            to=address,
            sender=sender,
            message=written.message,
            start_before=self._start_before,
            useful_for=(row.expires_at - self.now).total_seconds(),
            status_callback=callback(Medium(row.medium), token),
        )

    def _attempt(self, row: Any, outgoing: Outgoing, written: Written) -> Json:
        return {
            "clinic": row.clinic,
            "id": outgoing.attempt,
            "reminder": row.id,
            "token": outgoing.token,
            "fence": row.fence + 1,
            "medium": row.medium,
            "sender": row.sender,
            "recipient": outgoing.to,
            "wording": written.version,
            "locale": written.locale,
            "pinned": written.pinned,
            "body_hash": written.body_hash,
            "segments": written.segments,
            "state": AttemptState.SENDING.value,
            "failure": "",
            "code": "",
            "created_at": self.now,
            "lease_until": self._lease_until,
        }

    def _start(self, row: Any) -> Json:
        return {
            "clinic": row.clinic,
            "id": row.id,
            "fence": row.fence + 1,
            "tries": row.tries + 1,
            "state": ReminderState.SENDING.value,
            "reason": "",
            "by": "worker",
            "lease_until": self._lease_until,
            "updated_at": self.now,
        }


def _intent(row: Any, house: House, outgoing: Outgoing, now: datetime) -> Intent:
    return Intent(
        clinic=row.clinic,
        reminder=row.id,
        fence=row.fence + 1,
        tries=row.tries + 1,
        media=",".join(medium for medium in row.media.split(",") if medium in house.senders),
        medium=Medium(row.medium),
        send_mode=row.send_mode,
        expires_at=row.expires_at,
        due_at=row.due_at,
        started_at=now,
        outgoing=outgoing,
    )
