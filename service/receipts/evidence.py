"""What a report does to what is stored: its attempt, the address, the sender, and the reminder.

Used for receipts, for statuses that were asked for, and for messages that a look-up found: evidence is evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.alerts.record import alert
from service.receipts.consequences import (
    MARKS,
    SUPPRESSES,
    Failed,
    GiveUp,
    Switch,
    TryAgain,
    Waits,
    consequence,
)
from service.receipts.progress import NextChannel, NotReached, Reached, Standing, moved, reminder_after
from service.receipts.reach import other_channel
from service.store import receipts as queries
from service.store import templates
from service.store.attempts import mark_unusable, suppress
from service.store.clinics import House, houses
from service.store.lanes import Lane, pause_sender, shut_lane
from service.store.reminders import record_decisions
from service.types import AttemptState, FailureClass, Json, Medium, Purpose, Receipt, ReminderState, SendMode

log = logs.get(__name__)

_NEGATIVE = frozenset({AttemptState.UNDELIVERED, AttemptState.FAILED})
REFUSALS_COUNT_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EvidenceRules:
    waits: Waits = field(default_factory=Waits)
    refusals: int = 5
    """So many refusals of the same words by carriers within a day hold these words back."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report, and the attempt that it is about."""

    attempt: Any
    """A row of `store.receipts`, locked together with its reminder."""
    receipt: Receipt
    now: datetime

    @property
    def medium(self) -> Medium:
        return Medium(self.attempt.medium)

    def line(self, code: str, **more: str) -> Json:
        """The decision line for what was decided on it."""
        return queries.decision(self.attempt, code, self.receipt, self.now, more)


class Evidence:
    """Applies reports within one transaction, each to an attempt that the caller has locked.

    `due` gathers the lanes on which something was scheduled, with when: the caller lowers them at the very end.
    """

    def __init__(self, connection: AsyncConnection, rules: EvidenceRules) -> None:
        self.due: dict[Lane, datetime] = {}
        self._connection = connection
        self._rules = rules

    async def apply(self, report: Report) -> bool:
        """Store what it says; whether that was anything new."""
        receipt = report.receipt
        await self._learn_about_address(report)
        state = moved(report.medium, AttemptState(report.attempt.state), receipt.state)
        if state is None:
            return False
        failure = receipt.failure.value if receipt.failure and state in _NEGATIVE else ""
        await queries.advance_attempt(self._connection, report.attempt, state, receipt, failure, report.now)
        if failure:
            await self._learn_about_sender(report)
        await self._follow(report, state)
        return True

    async def _learn_about_address(self, report: Report) -> None:
        """What a failure says about the address holds whatever the attempt's state."""
        failure, attempt = report.receipt.failure, report.attempt
        to = (attempt.clinic, attempt.medium, attempt.recipient)
        if failure in SUPPRESSES:
            await suppress(self._connection, *to, reason=failure.value, now=report.now)
        elif failure in MARKS:
            await mark_unusable(self._connection, *to, reason=failure.value, now=report.now)

    async def _learn_about_sender(self, report: Report) -> None:
        lane, code = (report.attempt.clinic, report.attempt.sender), report.receipt.code or ""
        match report.receipt.failure:
            case FailureClass.CREDENTIAL | FailureClass.ACCOUNT_CAP as failure:
                if await pause_sender(self._connection, lane, failure.value, report.now):
                    log.error("sender paused", clinic=lane[0], sender=lane[1], code=code, failure=failure)
            case FailureClass.SENDER_SATURATED:
                await shut_lane(self._connection, lane, report.now + self._rules.waits.sender)
            case FailureClass.ROUTE:
                await alert(self._connection, lane[0], "route-closed", lane[1], {"code": code}, report.now)
            case FailureClass.CONTENT:
                await self._hold_refused_words(report)

    async def _hold_refused_words(self, report: Report) -> None:
        """Words that carriers refuse again and again would only harm the sender's name."""
        attempt, now = report.attempt, report.now
        refused = await queries.count_refusal(self._connection, attempt, now - REFUSALS_COUNT_FOR, now)
        if refused < self._rules.refusals:
            return
        message = {"protocol": attempt.reminder_protocol, "step": attempt.reminder_step}
        locale = await queries.locale_of(self._connection, attempt)
        row = {**message, "medium": attempt.medium, "locale": locale, "author": "aftercare",
               "note": "carriers refused these words", "held_at": now}  # fmt: skip
        if await templates.hold(self._connection, attempt.clinic, row):
            await templates.touch(self._connection, attempt.clinic)
            about = f"{attempt.reminder_protocol}/{attempt.reminder_step}/{locale}"
            await alert(self._connection, attempt.clinic, "words-refused", about, {**message, "refused": refused}, now)
            log.error("words held", clinic=attempt.clinic, step=attempt.reminder_step, refused=refused)

    async def _follow(self, report: Report, state: AttemptState) -> None:
        """Take the reminder along."""
        others = await self._others(report.attempt)
        match reminder_after(_standing(report.attempt, state, others)):
            case NotReached():
                await self._conclude(report, state, others)
            case Reached() | NextChannel() as after:
                await self._take_along(report, after)

    async def went_before(self, report: Report) -> bool:
        """An attempt turned out absent: whether its reminder needs it no more, because an earlier one went after all.

        Then the reminder is taken to where that one led; nothing is sent again by the same channel.
        """
        others = await self._others(report.attempt)
        after = reminder_after(_standing(report.attempt, AttemptState.ABSENT, others))
        if not isinstance(after, Reached | NextChannel):
            return False
        await self._take_along(report, after)
        return True

    async def _take_along(self, report: Report, after: Reached | NextChannel) -> None:
        match after:
            case Reached(reached):
                await self._reach(report, reached)
            case NextChannel(media, otherwise):
                senders = (await self._house(report)).senders
                usable = next((medium for medium in media if medium in senders), None)
                if usable is None:
                    await self._reach(report, otherwise)
                else:
                    await self._schedule(report, usable, report.now, "next-channel")

    async def _others(self, attempt: Any) -> Sequence[Any]:
        """The reminder's other attempts: nearly always none."""
        if attempt.reminder_fence <= 1:
            return []
        found = await queries.attempts_of(self._connection, attempt.clinic, attempt.reminder)
        return [row for row in found if row.id != attempt.id]

    async def _reach(self, report: Report, state: ReminderState) -> None:
        await queries.settle_reminder(self._connection, report.attempt, state, "", report.now)
        if report.attempt.reminder_state not in _EXPECTED:
            await record_decisions(self._connection, [report.line("went-out-after-all")])

    async def _conclude(self, report: Report, state: AttemptState, others: Sequence[Any]) -> None:
        """Nothing of it arrived: decide what follows, and write down why."""
        failure = report.receipt.failure
        alike = [row for row in others if failure and (row.medium, row.failure) == (report.medium, failure)]
        failed = Failed(
            failure=failure,
            as_state=ReminderState(state.value),
            times=1 + len(alike),
            other=await self._other_channel(report),
            now=report.now,
            expires_at=report.attempt.reminder_expires_at,
            wanted=not report.attempt.reminder_called_off,
        )
        match consequence(failed, self._rules.waits):
            case TryAgain(due_at, reason):
                await self._schedule(report, report.medium, due_at, reason)
            case Switch(medium, reason):
                await self._schedule(report, medium, report.now, reason)
            case GiveUp(reached, reason):
                await queries.settle_reminder(self._connection, report.attempt, reached, reason, report.now)
                await record_decisions(self._connection, [report.line(reason)])

    async def _schedule(self, report: Report, medium: Medium, due_at: datetime, reason: str) -> None:
        """Have it sent again, with the line that says why. A retry stays with its sender."""
        attempt, sender = report.attempt, report.attempt.sender
        if medium is not report.medium:
            other = (await self._house(report)).senders.get(medium)
            sender = other.sender if other else None
        await queries.schedule_again(self._connection, attempt, medium, sender, due_at, reason, report.now)
        later = {"until": due_at.isoformat()} if due_at > report.now else {}
        await record_decisions(self._connection, [report.line(reason, **later)])
        if sender is not None:
            lane = (attempt.clinic, sender)
            self.due[lane] = min(due_at, self.due.get(lane, due_at))

    async def _other_channel(self, report: Report) -> Medium | None:
        """The first channel after this one by which the client may be written to. A step that goes by all of its
        channels comes to them anyway.
        """
        attempt = report.attempt
        if attempt.reminder_send_mode == SendMode.ALL:
            return None
        purpose, house = Purpose(attempt.reminder_purpose), await self._house(report)
        return await other_channel(
            self._connection, house, attempt.reminder_client, purpose, attempt.reminder_media, report.medium
        )

    async def _house(self, report: Report) -> House:
        clinic = report.attempt.clinic
        return (await houses(self._connection, [clinic]))[clinic]


_EXPECTED = frozenset({ReminderState.SENDING.value, ReminderState.SENT.value, ReminderState.DELIVERED.value})
"""Where a reminder is when its message goes the usual way; from anywhere else the turn is worth a line."""


def _standing(attempt: Any, state: AttemptState, others: Sequence[Any]) -> Standing:
    now = [(Medium(row.medium), AttemptState(row.state)) for row in others]
    return Standing(
        state=ReminderState(attempt.reminder_state),
        medium=Medium(attempt.reminder_medium),
        media=attempt.reminder_media,
        send_mode=attempt.reminder_send_mode,
        was=AttemptState(attempt.state),
        latest=all(row.fence < attempt.fence for row in others),
        attempts=[(Medium(attempt.medium), state), *now],
    )
