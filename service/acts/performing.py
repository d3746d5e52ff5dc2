"""Carrying an act out: in one transaction that holds the reminder against workers, planning and other people."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import logs
from service.acts.acts import Act, Who
from service.acts.rules import Change, Done, Refused, decide
from service.audit import Deed, note
from service.errors import Conflict, NotFound, Problem
from service.intake.courses import quiet_hours
from service.store.acts import change_reminder, hold_reminder, settle_attempt
from service.store.clinics import House, houses
from service.store.lanes import lower_next_due
from service.store.reminders import record_decisions
from service.store.session import Database
from service.store.signals import notify
from service.types import Json, Medium, ReminderState

log = logs.get(__name__)


class Changed(Conflict):
    """What the caller saw is not what is stored any longer."""

    status = 412


@dataclass(frozen=True, slots=True)
class Performed:
    """`changed` is False where the same act had been performed before; `due_at` where the reminder is scheduled."""

    changed: bool
    due_at: datetime | None


class Acts:
    """`due` is told of reminders that were scheduled, for a worker in this process; others are notified."""

    def __init__(self, database: Database, due: Callable[[datetime], None] = lambda _: None) -> None:
        self._database = database
        self._due = due

    async def perform(
        self, clinic: str, reminder: UUID, act: Act, who: Who, *, version: str | None = None
    ) -> Performed:
        """Perform an act on one of the clinic's reminders; committed on return.

        `version` is what the caller has seen (`version_of`); None: whatever it is by now. Raises NotFound
        (`unknown-reminder`), Changed (`reminder-changed`), Conflict with the code of the rule that forbids it.
        """

        async def work(connection: AsyncConnection) -> Performed:
            return await self._perform(connection, clinic, reminder, act, who, version)

        performed = await self._database.transact(work)
        if performed.due_at is not None:
            self._due(performed.due_at)
        return performed

    async def _perform(
        self, connection: AsyncConnection, clinic: str, reminder: UUID, act: Act, who: Who, version: str | None
    ) -> Performed:
        now = await self._database.now(connection)
        held = await hold_reminder(connection, clinic, reminder)
        if held is None:
            raise unknown_reminder()
        row, attempts = held
        house = (await houses(connection, [clinic]))[clinic]
        decided = decide(act, row, attempts, quiet_hours(house), now)
        match decided:
            case Done():
                return Performed(changed=False, due_at=_due_at(row, row.due_at))
            case _ if version is not None and version != version_of(row):
                raise Changed(_SEEN_OTHERWISE)
            case Refused(problem):
                raise Conflict(problem)
            case Change():
                await note(
                    connection, clinic, who, Deed(f"reminder-{act.name}"), now, about=reminder, client=row.client
                )
                return await _write(connection, _Writing(row, attempts, house, decided, who, now))


_SEEN_OTHERWISE = Problem(
    "reminder-changed", "version", "it has changed since you saw it: look at it again, then decide"
)


def unknown_reminder() -> NotFound:
    return NotFound(Problem("unknown-reminder", "", "this clinic has no such reminder"))


def version_of(row: Any) -> str:
    """Changes whenever the reminder does: what an act can name, to be refused where somebody was faster."""
    return f"{row.fence}-{int(row.updated_at.timestamp() * 1_000_000):x}"


@dataclass(frozen=True, slots=True)
class _Writing:
    """All that writing a change takes."""

    row: Any
    attempts: Any
    house: House
    change: Change
    who: Who
    now: datetime


async def _write(connection: AsyncConnection, it: _Writing) -> Performed:
    row, change = it.row, it.change
    values = _columns(it)
    await change_reminder(connection, row, values)
    if change.settles is not None:
        attempt, state = change.settles
        await settle_attempt(connection, row.clinic, attempt, state, _evidence(it, attempt), it.now)
    await record_decisions(connection, [_line(it, values)])
    log.info("reminder acted on", reminder=str(row.id), code=change.code)
    due_at = values["due_at"] if change.state is ReminderState.SCHEDULED else None
    if due_at is not None and values["sender"] is not None:
        await lower_next_due(connection, {(row.clinic, values["sender"]): due_at})
        await notify(connection, due_at)
    return Performed(changed=True, due_at=due_at)


def _columns(it: _Writing) -> Json:
    """The reminder from now on. A final act moves the fence too, so that a plan made before it cannot undo it; others
    leave it: evidence about the last attempt must still find its reminder.
    """
    row, change = it.row, it.change
    medium = change.medium or Medium(row.medium)
    sender = it.house.senders.get(medium)
    return {
        "state": change.state.value,
        "reason": change.code,
        "by": "person",
        "medium": medium.value,
        "sender": sender.sender if sender else None,
        "due_at": change.due_at or row.due_at,
        "tries": 0 if change.anew else row.tries,
        "fence": row.fence + 1 if change.final else row.fence,
        "lease_until": None,
        "updated_at": it.now,
    }


def _evidence(it: _Writing, attempt: UUID) -> Json:
    """What was found out before stays beside what the person said."""
    before = next(one.evidence for one in it.attempts if one.id == attempt)
    return {**(before or {}), "said_by": str(it.who), "said_at": it.now.isoformat()}


def _line(it: _Writing, values: Json) -> Json:
    detail: Json = {"who": str(it.who), "was": it.row.state}
    if it.change.state is ReminderState.SCHEDULED:
        detail |= {"medium": values["medium"], "until": values["due_at"].isoformat()}
    return {"clinic": it.row.clinic, "id": uuid7(), "reminder": it.row.id, "at": it.now, "code": it.change.code,
            "by": "person", "detail": detail}  # fmt: skip


def _due_at(row: Any, due_at: datetime) -> datetime | None:
    return due_at if row.state == ReminderState.SCHEDULED else None
