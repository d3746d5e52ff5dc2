"""From which state to which, why, and on whose word: the two transition tables, as data.

The store takes its guards from here (`sources`, `check`), tests hold every database to them, and `docs/reliability.md`
draws them. A move that is not listed does not happen.
"""

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import Final, Generic, NamedTuple, TypeVar

from service.types import AttemptState as A
from service.types import ReminderState as R

S = TypeVar("S", A, R)


class Cause(StrEnum):
    """On whose word a state changes."""

    START = "start"
    """A worker looks at a due reminder."""
    ANSWER = "answer"
    """What the provider answered to a send, or that its answer was lost; also when that comes late."""
    LEASE = "lease"
    """Whoever was sending has not been heard of for too long."""
    REPORT = "report"
    """A provider's receipt, a status that was asked for, a message that a look-up found."""
    RECORDS = "records"
    """The provider's records, or its silence, about an unknown outcome."""
    WENT = "went"
    """One of its attempts turned out to have gone."""
    TIME = "time"
    """The expiry has passed."""
    PLAN = "plan"
    """An event changed what is known of the treatment, or had the client forgotten."""
    PERSON = "person"


class Move(NamedTuple, Generic[S]):
    source: S
    target: S
    cause: Cause
    why: str


class IllegalMove(RuntimeError):
    """A change of state that is not in the tables: a fault of ours, and nothing was written."""


def _moves(cause: Cause, sources: Iterable[S], targets: Iterable[S], why: str) -> list[Move[S]]:
    into = tuple(targets)
    return [Move(source, target, cause, why) for source in sources for target in into]


_UNHEARD = (A.SENDING, A.UNKNOWN, A.ABSENT)
_LAST = (A.DELIVERED, A.UNDELIVERED, A.FAILED)

ATTEMPT: Final[Sequence[Move[A]]] = (
    *_moves(Cause.ANSWER, [A.SENDING, A.UNKNOWN], [A.UNKNOWN], "the answer was lost: the message may have gone"),
    *_moves(Cause.ANSWER, _UNHEARD, [A.ACCEPTED], "the provider took it; an answer outweighs records without it"),
    *_moves(Cause.ANSWER, _UNHEARD, [A.CAPTURED], "the outbox kept it"),
    *_moves(Cause.ANSWER, _UNHEARD, [A.FAILED], "it surely was not taken"),
    *_moves(Cause.LEASE, [A.SENDING], [A.UNKNOWN], "the lease ran out: it may have gone"),
    *_moves(Cause.REPORT, _UNHEARD, [A.ACCEPTED, A.SENT, *_LAST], "the provider tells of it, before we knew"),
    *_moves(Cause.REPORT, [A.ACCEPTED], [A.SENT, *_LAST], "it moved on"),
    *_moves(Cause.REPORT, [A.SENT], _LAST, "its last word"),
    *_moves(Cause.REPORT, [A.FAILED], [A.UNDELIVERED, A.DELIVERED], "a truer last word"),
    *_moves(Cause.REPORT, [A.UNDELIVERED], [A.DELIVERED], "a text that was shown outweighs a carrier's doubt"),
    *_moves(Cause.REPORT, [A.DELIVERED], [A.UNDELIVERED], "a letter that was taken came back"),
    *_moves(Cause.RECORDS, [A.UNKNOWN], [A.ABSENT], "the provider does not have it"),
    *_moves(Cause.RECORDS, [A.UNKNOWN], [A.UNKNOWN], "the records fit more than one message"),
    *_moves(Cause.PERSON, [A.UNKNOWN, A.ABSENT], [A.SENT], "a person knows that it went"),
    *_moves(Cause.PERSON, [A.UNKNOWN, A.ABSENT], [A.ABSENT], "a person knows that it did not go"),
)

_GIVEN_UP = (R.SKIPPED, R.EXPIRED, R.FAILED, R.CANCELLED)
_TROUBLE = (R.UNDELIVERED, R.NEEDS_REVIEW)
_BEFORE_LAST_WORD = (R.SCHEDULED, R.SENDING, R.SENT, R.DELIVERED, R.NEEDS_REVIEW, R.EXPIRED)

REMINDER: Final[Sequence[Move[R]]] = (
    *_moves(Cause.START, [R.SCHEDULED], [R.SENDING], "its intent is committed"),
    *_moves(Cause.START, [R.SCHEDULED], [R.SCHEDULED], "deferred, or handed to the next channel"),
    *_moves(Cause.START, [R.SCHEDULED], [R.SKIPPED], "no channel may be used"),
    *_moves(Cause.START, [R.SCHEDULED], [R.CANCELLED], "the plan called it off while it was under way"),
    *_moves(Cause.START, [R.SCHEDULED], [R.EXPIRED], "too late to be of use"),
    *_moves(Cause.START, [R.SCHEDULED], [R.NEEDS_REVIEW], "it cannot be written, or not be decided about"),
    *_moves(Cause.ANSWER, [R.SENDING, R.SCHEDULED, R.NEEDS_REVIEW, R.EXPIRED], [R.SENT], "the provider took it"),
    *_moves(Cause.ANSWER, [R.SENDING, R.SCHEDULED, R.NEEDS_REVIEW, R.EXPIRED], [R.CAPTURED], "the outbox kept it"),
    *_moves(Cause.ANSWER, [R.SENDING, R.SCHEDULED], [R.SCHEDULED], "another try, or the next channel"),
    *_moves(Cause.ANSWER, [R.SENDING, R.SCHEDULED], [R.FAILED], "refused for good"),
    *_moves(Cause.ANSWER, [R.SENDING, R.SCHEDULED], [R.EXPIRED], "another try would come too late"),
    *_moves(Cause.ANSWER, [R.SENDING, R.SCHEDULED], [R.CANCELLED], "called off while it was under way"),
    *_moves(Cause.WENT, [R.SCHEDULED, *_GIVEN_UP], [R.SENT, R.DELIVERED, R.CAPTURED], "one of its attempts had gone"),
    *_moves(Cause.REPORT, [R.SCHEDULED, R.SENDING, *_TROUBLE, *_GIVEN_UP], [R.SENT, R.DELIVERED], "it went after all"),
    *_moves(Cause.REPORT, [R.SENT], [R.DELIVERED], "it arrived"),
    *_moves(Cause.REPORT, [R.DELIVERED], [R.SENT], "one channel's message came back, another's is on its way"),
    *_moves(Cause.REPORT, _BEFORE_LAST_WORD, [R.SCHEDULED], "it did not arrive: another try, or the next channel"),
    *_moves(Cause.REPORT, _BEFORE_LAST_WORD, [R.UNDELIVERED, R.FAILED], "it did not arrive"),
    *_moves(Cause.RECORDS, [R.SENDING, R.NEEDS_REVIEW], [R.SCHEDULED], "it is not there: sent once more"),
    *_moves(Cause.RECORDS, [R.SENDING, R.NEEDS_REVIEW], [R.NEEDS_REVIEW], "a person must decide"),
    *_moves(Cause.RECORDS, [R.SENDING, R.NEEDS_REVIEW], [R.EXPIRED], "it is not there, and its time has passed"),
    *_moves(Cause.RECORDS, [R.SENDING, R.NEEDS_REVIEW], [R.CANCELLED], "it is not there, and no longer planned"),
    *_moves(Cause.TIME, [R.SCHEDULED], [R.EXPIRED], "its time passed before it could be sent"),
    *_moves(Cause.TIME, [R.SENDING], [R.NEEDS_REVIEW], "nobody knows by its expiry whether it went"),
    *_moves(Cause.PLAN, [R.SCHEDULED], [R.CANCELLED, R.SKIPPED], "no longer planned"),
    *_moves(Cause.PLAN, [R.SCHEDULED, R.SKIPPED, R.CANCELLED], [R.SCHEDULED], "planned, at other times or again"),
    *_moves(Cause.PLAN, [R.SENDING, R.NEEDS_REVIEW], [R.CANCELLED], "its client was erased"),
    *_moves(Cause.PERSON, [R.SCHEDULED, R.NEEDS_REVIEW, R.SKIPPED, R.CANCELLED], [R.CANCELLED], "called off"),
    *_moves(Cause.PERSON, [R.SCHEDULED], [R.SCHEDULED], "moved, or made due at once"),
    *_moves(Cause.PERSON, [*_TROUBLE, *_GIVEN_UP], [R.SCHEDULED], "to be tried once more"),
    *_moves(Cause.PERSON, [R.SENDING, R.NEEDS_REVIEW], [R.SENT], "a person knows that it went"),
    *_moves(Cause.PERSON, [R.SENDING], [R.SCHEDULED, R.CANCELLED], "a person knows that it did not go"),
)


def sources(moves: Sequence[Move[S]], cause: Cause, target: S) -> tuple[str, ...]:
    """From where a state may be reached on this word: what an update's `while_` names."""
    return tuple(dict.fromkeys(move.source.value for move in moves if (move.cause, move.target) == (cause, target)))


def pairs(moves: Sequence[Move[S]]) -> Collection[tuple[S, S]]:
    """Every (source, target) there is, on whatever word."""
    return {(move.source, move.target) for move in moves}


def check(moves: Sequence[Move[S]], cause: Cause, source: str, target: str) -> None:
    """Raises IllegalMove for a change that is not listed; staying where one is always is."""
    if source != target and not any((cause, source, target) == (one.cause, one.source, one.target) for one in moves):
        raise IllegalMove(f"{cause}: from {source} to {target}")
