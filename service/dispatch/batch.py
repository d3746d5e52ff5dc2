"""What one start writes, gathered for all its reminders and saved in a few statements."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import logs
from service.dispatch.intent import Intent, Lease, StatusCallback
from service.dispatch.lanes import Day
from service.store.attempts import keep_wordings, move_reminders, stay_sent
from service.store.clinics import House
from service.store.lanes import Lane
from service.store.reminders import record_decisions
from service.store.sends import write_intents
from service.store.session import is_passing
from service.types import MEDIA, Json, Medium, Outgoing, Purpose, ReminderState, SenderAddress
from service.words import Written

log = logs.get(__name__)

_GIVEN_UP = frozenset({ReminderState.SKIPPED, ReminderState.EXPIRED, ReminderState.CANCELLED})


@dataclass(slots=True)
class Started:
    """What one start did: intents to send now, how many reminders were settled without, and when to look again."""

    intents: list[Intent] = field(default_factory=list)
    settled: int = 0
    wake_up: datetime | None = None
    now: datetime | None = None


class Batch:
    """The intents and settlements of one start. What has gathered can be saved at any time, and the rest later."""

    def __init__(self, now: datetime, lease: Lease, *, started_at: float) -> None:
        """`started_at` is on `clock.monotonic()`: the send deadline runs from it."""
        self.now = now
        self.started = Started(now=now)
        self.spent: dict[Lane, int] = {}
        """Tokens by lane."""
        self.due: dict[Lane, datetime] = {}
        """Lanes on which something was scheduled again, with when."""
        self.days: dict[Lane, Day] = {}
        """What is left of the senders' daily caps."""
        self.new_wordings: dict[tuple[str, str], Json] = {}
        self._lease_until = now + lease.lease
        self._started_at = started_at
        self._start_before = started_at + lease.deadline.total_seconds()
        self._unsaved = _Unsaved()

    def intend(
        self, row: Any, house: House, address: str, written: Written, callback: StatusCallback, kept_for: str = ""
    ) -> None:
        """Commit to sending this reminder now; or, with a reason `kept_for`, to keeping its message in the outbox."""
        outgoing = self._outgoing(row, house.senders[MEDIA[row.medium]], address, written, callback)
        lane = (row.clinic, row.sender)
        self.spent[lane] = self.spent.get(lane, 0) + 1
        intent = _intent(row, house, outgoing, self.now, kept_for)
        self.started.intents.append(intent)
        self._unsaved.intents.append((row, intent))
        self._unsaved.attempts.append(_attempt(row, outgoing, written))

    @property
    def is_empty(self) -> bool:
        """Whether it has neither begun nor settled anything."""
        return not (self.started.intents or self.started.settled)

    def reword(self, clinic: str, written: Written) -> None:
        """Remember words that were not used before."""
        key = clinic, written.version
        if key not in self.new_wordings:
            self.new_wordings[key] = row = written.wording_row(clinic, self.now)
            self._unsaved.wordings.append(row)

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
        self._unsaved.moves.append(
            {
                "clinic": row.clinic,
                "id": row.id,
                "fence": row.fence,
                "state": state.value,
                "reason": reason,
                "by": "plan" if state is ReminderState.CANCELLED else "worker",
                "medium": medium.value if medium else row.medium,
                "sender": lane_id,
                "due_at": due_at or row.due_at,
                "lease_until": None,
                "tries": row.tries,
                "updated_at": self.now,
            }
        )
        self._unsaved.decisions.append(
            {"clinic": row.clinic, "id": uuid7(), "reminder": row.id, "at": self.now, "code": reason, "by": "worker",
             "detail": {"state": state.value, "medium": row.medium, **_instead(due_at, medium)}}
        )  # fmt: skip
        if state in _GIVEN_UP and row.fence:
            self._unsaved.given_up.append((row.clinic, row.id))
        if state is ReminderState.SCHEDULED and lane_id is not None:
            lane = (row.clinic, lane_id)
            self.due[lane] = min(due_at or row.due_at, self.due.get(lane, due_at or row.due_at))
        self.started.settled += 1

    async def save(self, connection: AsyncConnection) -> None:
        """Write what has gathered since it was saved last."""
        unsaved, self._unsaved = self._unsaved, _Unsaved()
        await keep_wordings(connection, unsaved.wordings)
        await self._write(connection, unsaved.attempts)
        await _settle(connection, unsaved)

    async def save_singly(self, connection: AsyncConnection) -> None:
        """The same, each intent within a savepoint of its own: one that the database refuses waits for a person."""
        unsaved, self._unsaved = self._unsaved, _Unsaved()
        await keep_wordings(connection, unsaved.wordings)
        for (row, intent), attempt in zip(unsaved.intents, unsaved.attempts, strict=True):
            try:
                async with connection.begin_nested():
                    await self._write(connection, [attempt])
            except DBAPIError as error:
                if is_passing(error):
                    raise
                log.error("reminder refused", reminder=str(row.id), exc_info=error)
                self.started.intents.remove(intent)
                self.move(row, ReminderState.NEEDS_REVIEW, "internal-error")
        await _settle(connection, unsaved)
        await self.save(connection)  # what was refused

    async def _write(self, connection: AsyncConnection, attempts: list[Json]) -> None:
        await write_intents(connection, attempts, now=self.now, lease_until=self._lease_until)

    def _outgoing(
        self, row: Any, sender: SenderAddress, address: str, written: Written, callback: StatusCallback
    ) -> Outgoing:
        token = written.link.key
        useful_for = (row.expires_at - self.now).total_seconds()
        return Outgoing(
            attempt=uuid7(),
            token=token,
            to=address,
            sender=sender,
            message=written.message,
            start_before=min(self._start_before, self._started_at + useful_for),
            useful_for=useful_for,
            status_callback=callback(sender.medium, token),
            unsubscribe_url=written.link.unsubscribe if _takes_one_click(row) else None,
        )


@dataclass(slots=True)
class _Unsaved:
    """What a start has decided and not yet written."""

    intents: list[tuple[Any, Intent]] = field(default_factory=list)
    """With their rows, in the order of their attempts."""
    attempts: list[Json] = field(default_factory=list)
    wordings: list[Json] = field(default_factory=list)
    moves: list[Json] = field(default_factory=list)
    given_up: list[tuple[str, UUID]] = field(default_factory=list)
    decisions: list[Json] = field(default_factory=list)


async def _settle(connection: AsyncConnection, unsaved: _Unsaved) -> None:
    await move_reminders(connection, unsaved.moves)
    await stay_sent(connection, unsaved.given_up)
    await record_decisions(connection, unsaved.decisions)


def _attempt(row: Any, outgoing: Outgoing, written: Written) -> Json:
    return {
        "clinic": row.clinic,
        "id": outgoing.attempt,
        "reminder": row.id,
        "token": outgoing.token,
        "fence": row.fence + 1,
        "tries": row.tries + 1,
        "medium": row.medium,
        "sender": row.sender,
        "recipient": outgoing.to,
        "wording": written.version,
        "locale": written.locale,
        "pinned": written.pinned,
        "body_hash": written.body_hash,
        "segments": written.segments,
    }


@lru_cache(maxsize=1024)
def _served(media: str, house: House) -> str:
    """Those of a step's channels that the clinic has a sender for."""
    return ",".join(medium for medium in media.split(",") if medium in house.senders)


def _instead(due_at: datetime | None, medium: Medium | None) -> Json:
    """When it is due instead, or by what."""
    return ({"until": due_at.isoformat()} if due_at else {}) | ({"next": medium.value} if medium else {})


def _takes_one_click(row: Any) -> bool:
    """Letters that suggest something carry RFC 8058's headers. Care letters do not: mail programs put a button beside
    the sender, and one press in passing would silence safety advice; their foot leads to the preferences."""
    return bool(row.medium == Medium.EMAIL and row.purpose != Purpose.CARE)


def _intent(row: Any, house: House, outgoing: Outgoing, now: datetime, kept_for: str) -> Intent:
    return Intent(
        clinic=row.clinic,
        reminder=row.id,
        fence=row.fence + 1,
        tries=row.tries + 1,
        media=_served(row.media, house),
        medium=outgoing.sender.medium,
        send_mode=row.send_mode,
        expires_at=row.expires_at,
        due_at=row.due_at,
        started_at=now,
        outgoing=outgoing,
        kept_for=kept_for,
    )
