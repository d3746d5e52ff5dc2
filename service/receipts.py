"""Receipts: what providers report later. They move attempts forward only, so late, repeated and unordered ones, and
ones that come before our own commit, all end in the same place.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.store import receipts as queries
from service.store.attempts import mark_unusable, suppress
from service.store.session import Database
from service.types import AttemptState, FailureClass, Receipt, ReminderState

log = logs.get(__name__)

_RANK: Mapping[AttemptState, int] = {
    AttemptState.SENDING: 0,
    AttemptState.UNKNOWN: 0,
    AttemptState.ABSENT: 0,
    AttemptState.ACCEPTED: 1,
    AttemptState.SENT: 2,
    AttemptState.DELIVERED: 3,
    AttemptState.UNDELIVERED: 3,
    AttemptState.FAILED: 3,
    AttemptState.CAPTURED: 3,
}
"""How far along an attempt is. Of those that share the last rank, the first to be told stays."""

_REMINDER: Mapping[AttemptState, ReminderState] = {
    AttemptState.ACCEPTED: ReminderState.SENT,
    AttemptState.SENT: ReminderState.SENT,
    AttemptState.DELIVERED: ReminderState.DELIVERED,
    AttemptState.UNDELIVERED: ReminderState.UNDELIVERED,
    AttemptState.FAILED: ReminderState.FAILED,
}

_SUPPRESSES = frozenset({FailureClass.OPTED_OUT, FailureClass.EMAIL_REFUSED})
_MARKS = frozenset({FailureClass.NOT_TEXTABLE, FailureClass.HANDSET_GONE, FailureClass.EMAIL_DEAD})


def moved(current: AttemptState, reported: AttemptState) -> AttemptState | None:
    """Where a report takes an attempt, or None where it is already as far or farther."""
    return reported if _RANK[reported] > _RANK[current] else None


class Receipts:
    """Applies receipts; safe to call with the same ones again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, receipts: Sequence[Receipt]) -> int:
        """Apply these; returns how many named an attempt of ours. All are committed, or none."""
        ordered = sorted(receipts, key=lambda receipt: (receipt.token or "", _RANK[receipt.state]))

        async def work(connection: AsyncConnection) -> int:
            now = await self._database.now(connection)
            return sum([await self._apply(connection, receipt, now) for receipt in ordered])

        return await self._database.transact(work)

    async def _apply(self, connection: AsyncConnection, receipt: Receipt, now: datetime) -> bool:
        attempt = await queries.lock_attempt(connection, receipt.token, receipt.provider_id)
        if attempt is None:
            log.warning("receipt unknown", state=receipt.state.value)
            return False
        state = moved(AttemptState(attempt.state), receipt.state)
        if state is not None:
            await queries.advance_attempt(connection, attempt, state, receipt, now)
            await queries.follow(connection, attempt, _REMINDER[state], receipt.code or "", now)
        await self._draw_conclusions(connection, attempt, receipt, now)
        return True

    async def _draw_conclusions(
        self, connection: AsyncConnection, attempt: Any, receipt: Receipt, now: datetime
    ) -> None:
        """What a failure says about the address holds whatever the attempt's state."""
        to = (attempt.clinic, attempt.medium, attempt.recipient)
        if receipt.failure in _SUPPRESSES:
            await suppress(connection, *to, reason=receipt.failure.value, now=now)
        elif receipt.failure in _MARKS:
            await mark_unusable(connection, *to, reason=receipt.failure.value, now=now)
