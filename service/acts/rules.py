"""The rules, pure: what an act changes, that it was done before, or why it may not be done and what would help.

An act never goes around what is checked before a send: consent, quiet hours, expiry and the sender have the last word
when the reminder falls due. What can be known of that beforehand is told at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, assert_never

from service.acts.acts import Act, Cancel, Move, Resolve, Retry, SendNow, Verdict
from service.errors import Problem
from service.timing import QuietHours, first_instant_outside, local, moment
from service.types import AttemptState, Medium, Quiet, ReminderState

_WENT_OUT = frozenset({AttemptState.ACCEPTED, AttemptState.SENT, AttemptState.DELIVERED, AttemptState.CAPTURED})
_DID_NOT_REACH = frozenset(
    {ReminderState.FAILED, ReminderState.UNDELIVERED, ReminderState.EXPIRED, ReminderState.NEEDS_REVIEW}
)
_PUT_AWAY = frozenset({ReminderState.SKIPPED, ReminderState.CANCELLED})
_SENT = frozenset({ReminderState.SENT, ReminderState.DELIVERED, ReminderState.CAPTURED})


@dataclass(frozen=True, slots=True)
class Change:
    """What an act does to a reminder. `code` is its reason from now on, and its decision line's."""

    state: ReminderState
    code: str
    due_at: datetime | None = None
    """None: as it was."""
    medium: Medium | None = None
    """The one whose turn it is, where that changes."""
    anew: bool = False
    """Tries are counted from the beginning."""
    settles: tuple[Any, AttemptState] | None = None
    """The attempt that was in doubt, and what became of it."""

    @property
    def final(self) -> bool:
        """Nothing that plans or starts may take it up again."""
        return self.state is ReminderState.CANCELLED


@dataclass(frozen=True, slots=True)
class Done:
    """It is so already, by the same act: nothing to do."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The act is not possible, why, and what is instead."""

    problem: Problem


Decision: TypeAlias = Change | Done | Refused


def decide(act: Act, reminder: Any, attempts: Sequence[Any], quiet: QuietHours, now: datetime) -> Decision:
    """Decide about an act.

    `reminder` has the columns of a reminder; `attempts` are its attempts with `id`, `medium` and `state`, oldest first;
    `quiet` are the clinic's quiet hours.
    """
    state = ReminderState(reminder.state)
    match act:
        case Resolve(verdict):
            return _resolve(verdict, reminder, attempts, quiet, now)
        case _ if state is ReminderState.SENDING:
            return _IN_FLIGHT
        case _ if in_doubt(reminder, attempts):
            return _IN_DOUBT
        case Cancel():
            return _cancel(reminder, state)
        case Move(to):
            return _move(reminder, state, to, quiet, now)
        case SendNow():
            return _send_now(reminder, state, quiet, now)
        case Retry():
            return _retry(reminder, state, attempts, quiet, now)
        case _:
            assert_never(act)


def possible(reminder: Any, attempts: Sequence[Any], quiet: QuietHours, now: datetime) -> list[str]:
    """The names of the acts that would be taken now; for `move` there is some time that it could be moved to."""
    last_moment = reminder.expires_at
    acts: tuple[Act, ...] = (SendNow(), Retry(), Cancel(), Resolve(Verdict.SENT))
    found = [act.name for act in acts if isinstance(decide(act, reminder, attempts, quiet, now), Change)]
    if reminder.state == ReminderState.SCHEDULED and _outside(now, reminder, quiet) < last_moment:
        found.append(Move.name)
    return sorted(found)


def in_doubt(reminder: Any, attempts: Sequence[Any]) -> bool:
    """Whether a person can know better than we do if it went out."""
    if not attempts:
        return False
    last = AttemptState(attempts[-1].state)
    if reminder.state == ReminderState.SENDING:
        return last is AttemptState.UNKNOWN
    return reminder.state == ReminderState.NEEDS_REVIEW and last in {AttemptState.UNKNOWN, AttemptState.ABSENT}


def _cancel(reminder: Any, state: ReminderState) -> Decision:
    if state is ReminderState.CANCELLED and reminder.by == "person":
        return Done()
    may_come_back = state in _PUT_AWAY and reminder.by == "plan"
    if state in {ReminderState.SCHEDULED, ReminderState.NEEDS_REVIEW} or may_come_back:
        return Change(ReminderState.CANCELLED, "cancelled-by-person")
    return _refused("reminder-settled", f"it is {_said(state)}: there is nothing left to call off")


def _move(reminder: Any, state: ReminderState, to: datetime, quiet: QuietHours, now: datetime) -> Decision:
    if state is not ReminderState.SCHEDULED:
        return _not_scheduled(state)
    to = to if to.tzinfo else moment(to.date(), to.time(), reminder.zone)
    if reminder.due_at == to and reminder.reason == "moved-by-person":
        return Done()
    if to <= now:
        return _refused("time-passed", "this time has passed: send-now makes it due at once", "to")
    if to >= reminder.expires_at:
        sentence = f"it is of use until {_at(reminder.expires_at, reminder)} only: choose a time before that"
        return _refused("after-expiry", sentence, "to")
    free = _outside(to, reminder, quiet)
    if free != to:
        return _in_quiet_hours(free, reminder)
    return Change(ReminderState.SCHEDULED, "moved-by-person", due_at=to)


def _send_now(reminder: Any, state: ReminderState, quiet: QuietHours, now: datetime) -> Decision:
    if state is not ReminderState.SCHEDULED:
        return _not_scheduled(state)
    if now >= reminder.expires_at:
        return _expired(reminder)
    if reminder.due_at <= now:
        return Done()
    free = _outside(now, reminder, quiet)
    if free != now:
        return _in_quiet_hours(free, reminder)
    return Change(ReminderState.SCHEDULED, "sent-now-by-person", due_at=now)


def _retry(reminder: Any, state: ReminderState, attempts: Sequence[Any], quiet: QuietHours, now: datetime) -> Decision:
    if state is ReminderState.SCHEDULED:
        again = reminder.reason in {"retried-by-person", "resolved-as-not-sent"}
        sentence = "it waits for its time: send-now makes it due at once"
        return Done() if again else _refused("reminder-scheduled", sentence)
    if state in _PUT_AWAY and reminder.by == "plan":
        return _NOT_PLANNED
    medium = _not_tried_well(reminder, attempts)
    if state in _SENT or medium is None:
        return _refused("reminder-already-sent", "it went out: the client would get it twice")
    if state not in _DID_NOT_REACH and state not in _PUT_AWAY:
        raise AssertionError(state)
    return _again("retried-by-person", reminder, medium, quiet, now, anew=True)


def _resolve(verdict: Verdict, reminder: Any, attempts: Sequence[Any], quiet: QuietHours, now: datetime) -> Decision:
    if (reminder.state, reminder.reason) == _RESOLVED[verdict]:
        return Done()
    if not in_doubt(reminder, attempts):
        if reminder.state == ReminderState.SENDING:
            return _IN_FLIGHT
        sentence = "nothing about it is in doubt: only a send whose outcome nobody knows can be resolved"
        return _refused("nothing-in-doubt", sentence)
    last = attempts[-1]
    match verdict:
        case Verdict.SENT:
            return Change(ReminderState.SENT, "resolved-as-sent", settles=(last.id, AttemptState.SENT))
        case Verdict.GIVE_UP:
            return Change(ReminderState.CANCELLED, "given-up", settles=(last.id, AttemptState.ABSENT))
        case Verdict.SEND_AGAIN:
            settles = (last.id, AttemptState.ABSENT)
            return _again("resolved-as-not-sent", reminder, Medium(last.medium), quiet, now, settles=settles)
        case _:
            assert_never(verdict)


_RESOLVED = {
    Verdict.SENT: (ReminderState.SENT, "resolved-as-sent"),
    Verdict.GIVE_UP: (ReminderState.CANCELLED, "given-up"),
    Verdict.SEND_AGAIN: (ReminderState.SCHEDULED, "resolved-as-not-sent"),
}


def _again(
    code: str, reminder: Any, medium: Medium, quiet: QuietHours, now: datetime, *, anew: bool = False,
    settles: tuple[Any, AttemptState] | None = None,
) -> Decision:  # fmt: skip
    """Schedule it as soon as it may go, where it is wanted still and that is in time."""
    if reminder.called_off:
        return _NOT_PLANNED
    if now >= reminder.expires_at:
        return _expired(reminder)
    due_at = _outside(max(now, reminder.due_at), reminder, quiet, medium)
    if due_at >= reminder.expires_at:
        return _in_quiet_hours(due_at, reminder)
    return Change(ReminderState.SCHEDULED, code, due_at=due_at, medium=medium, anew=anew, settles=settles)


def _not_tried_well(reminder: Any, attempts: Sequence[Any]) -> Medium | None:
    """The first of the step's media by which nothing went out; whether it can reach the client is judged at the start.

    What was undelivered went out, but reached nobody: it counts as not sent.
    """
    went = {attempt.medium for attempt in attempts if AttemptState(attempt.state) in _WENT_OUT}
    return next((Medium(name) for name in reminder.media.split(",") if name not in went), None)


def _outside(instant: datetime, reminder: Any, quiet: QuietHours, medium: Medium | None = None) -> datetime:
    """The first instant from this one at which the reminder's medium may be used."""
    if (medium or Medium(reminder.medium)) not in quiet.media or reminder.quiet == Quiet.IGNORE:
        return instant
    return first_instant_outside(instant, reminder.zone, quiet)


def _not_scheduled(state: ReminderState) -> Refused:
    help_ = "retry tries once more" if state in _DID_NOT_REACH else "only what waits for its time can be rescheduled"
    return _refused("reminder-not-scheduled", f"it is {_said(state)}: {help_}")


def _expired(reminder: Any) -> Refused:
    return _refused(
        "reminder-expired",
        f"it was of use until {_at(reminder.expires_at, reminder)}, and nothing is sent later: call the client instead",
    )


def _in_quiet_hours(free: datetime, reminder: Any) -> Refused:
    sentence = f"the client's quiet hours last until {_at(free, reminder)}: "
    late = free >= reminder.expires_at
    return _refused(
        "in-quiet-hours", sentence + ("it would come too late then" if late else "move it to then or later")
    )


def _refused(code: str, message: str, where: str = "") -> Refused:
    return Refused(Problem(code, where, message))


_NOT_PLANNED = _refused("reminder-not-planned", "what is known of the treatment leaves no place for it")
_IN_FLIGHT = _refused(
    "reminder-in-flight",
    "a worker is sending it, or its outcome is being looked up: look again once that is known",
)
_IN_DOUBT = _refused(
    "reminder-in-doubt",
    "nobody knows whether it went out: resolve it first, as sent, send-again or give-up",
)


def _said(state: ReminderState) -> str:
    return state.value.replace("_", " ")


def _at(instant: datetime, reminder: Any) -> str:
    return f"{local(instant, reminder.zone):%Y-%m-%d %H:%M} {reminder.zone}"
