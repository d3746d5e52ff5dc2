"""Where a report takes an attempt, and its reminder with it: pure, and the same in whatever order reports come.

An attempt only moves forward. Among last words the truer one wins, whichever came first: a phone that has shown a text
outweighs a carrier's doubt, while a mail server that first took a letter may still send it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.consent import other_media
from service.types import AttemptState, Medium, ReminderState, SendMode

_EARLY: Mapping[AttemptState, int] = {
    AttemptState.SENDING: 0,
    AttemptState.UNKNOWN: 0,
    AttemptState.ABSENT: 0,
    AttemptState.ACCEPTED: 1,
    AttemptState.SENT: 2,
    AttemptState.CAPTURED: 9,
}
_LAST_WORDS: Mapping[Medium, Sequence[AttemptState]] = {
    Medium.SMS: (AttemptState.FAILED, AttemptState.UNDELIVERED, AttemptState.DELIVERED),
    Medium.EMAIL: (AttemptState.FAILED, AttemptState.DELIVERED, AttemptState.UNDELIVERED),
}
"""From the weakest to the strongest."""

_WENT = frozenset({AttemptState.ACCEPTED, AttemptState.SENT, AttemptState.DELIVERED})
_IN_FLIGHT = frozenset({AttemptState.SENDING, AttemptState.UNKNOWN})
_UNRESOLVED = _IN_FLIGHT | {AttemptState.ABSENT}


def rank(medium: Medium, state: AttemptState) -> int:
    """How far along an attempt in this state is."""
    early = _EARLY.get(state)
    return early if early is not None else 3 + _LAST_WORDS[medium].index(state)


def moved(medium: Medium, current: AttemptState, reported: AttemptState) -> AttemptState | None:
    """Where a report takes an attempt, or None where it is already as far or farther."""
    return reported if rank(medium, reported) > rank(medium, current) else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a reminder stands once a report has moved one of its attempts."""

    state: ReminderState
    medium: Medium
    """The one whose turn it is."""
    media: str
    send_mode: str
    was: AttemptState
    """The attempt's state before the report."""
    latest: bool
    """Nothing newer than this attempt was started."""
    attempts: Sequence[tuple[Medium, AttemptState]]
    """All of the reminder's, this one as it is now."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The reminder is where the best of its attempts is; nothing more is sent."""

    state: ReminderState


@dataclass(frozen=True, slots=True)
class NextChannel:
    """This channel is done, and the step goes by all of them: the first of these that the clinic can use is next."""

    media: Sequence[Medium]
    otherwise: ReminderState
    """Where the reminder is if it can use none."""


@dataclass(frozen=True, slots=True)
class NotReached:
    """Nothing of it arrived: what follows depends on why."""


def reminder_after(standing: Standing) -> Reached | NextChannel | NotReached | None:
    """What a moved attempt means for its reminder; None: nothing."""
    best = _best(standing.attempts)
    if best is None:
        return NotReached() if _ends_here(standing) else None
    if standing.state is ReminderState.SENDING and not standing.latest:
        return None  # the newer send will tell, and finds this one when it fails
    if standing.send_mode == SendMode.ALL and standing.state in {ReminderState.SENDING, ReminderState.SCHEDULED}:
        return _channel_done(standing, best)
    return Reached(best) if standing.state is not best else None


def _best(attempts: Sequence[tuple[Medium, AttemptState]]) -> ReminderState | None:
    states = {state for _, state in attempts}
    if AttemptState.DELIVERED in states:
        return ReminderState.DELIVERED
    return ReminderState.SENT if states & _WENT else None


def _channel_done(standing: Standing, best: ReminderState) -> NextChannel | None:
    went = {medium for medium, state in standing.attempts if state in _WENT}
    if standing.medium not in went:
        return None  # the next channel's turn has come already
    later = [medium for medium in other_media(standing.media, standing.medium) if medium not in went]
    return NextChannel(later, otherwise=best)


def _ends_here(standing: Standing) -> bool:
    """Whether the failed attempt was the one that the reminder's state stands on."""
    if not standing.latest or any(state in _IN_FLIGHT for _, state in standing.attempts):
        return False
    if standing.state in {ReminderState.SENDING, ReminderState.SENT, ReminderState.DELIVERED}:
        return True
    waits = {ReminderState.SCHEDULED, ReminderState.NEEDS_REVIEW, ReminderState.EXPIRED}
    return standing.state in waits and standing.was in _UNRESOLVED
