"""Telling: each row as a sentence, all of them in order of time, and last where the reminder stands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from service import consent
from service.reasons import SENTENCES, sentence
from service.story.values import Sentence, Story
from service.story.words import (
    BY_PERSON,
    CHANGED,
    HELD,
    MEDIA,
    REPORTS,
    SAYS_ALL,
    STANDS,
    THEN,
    TIMED,
    by,
    capitalized,
    inside,
    looked_up,
    lost,
    ordinal,
    told_of,
    who,
    with_code,
)
from service.timing import local
from service.types import AttemptState, FailureClass, Medium, ReminderState

_DAY = timedelta(hours=24)
_SEVERAL = 2
_FAILURES = frozenset(failure.value for failure in FailureClass)


def tell(
    reminder: Any, reports: Sequence[Any], decisions: Sequence[Any], attempts: Sequence[Any], now: datetime
) -> Story:
    """Tell the story of a reminder.

    `reminder` is a row of `store.desk.reminder_row`, `reports` the events about its treatment, `decisions` its
    decision lines and `attempts` its attempts, all in order.
    """
    teller = _Teller(reminder, decisions, attempts, now)
    told = sorted([*teller.planned(reports), *teller.tried(), *teller.decided()], key=lambda part: part.order)
    return Story(reminder.zone, tuple(Sentence(part.at, part.text) for part in told), teller.stands())


class _Turn(IntEnum):
    """What comes first of what happened at the same instant to the same try."""

    MADE = 0
    ANSWERED = 1
    FOUND_OUT = 2
    REPORTED = 3
    DECIDED = 4


@dataclass(frozen=True, slots=True)
class _Part:
    """A sentence and its place. `number` counts tries from 1 on; 0 is before the first."""

    at: datetime
    text: str
    number: int = 0
    turn: _Turn = _Turn.MADE

    @property
    def order(self) -> tuple[datetime, int, _Turn]:
        return self.at, self.number, self.turn


class _Teller:
    def __init__(self, reminder: Any, decisions: Sequence[Any], attempts: Sequence[Any], now: datetime) -> None:
        self._reminder = reminder
        self._decisions = decisions
        self._attempts = attempts
        self._now = now
        self._numbers = {str(attempt.id): number for number, attempt in enumerate(attempts, 1)}
        self._lost_at = {line.at for line in decisions if line.code == "outcome-unknown"}

    def _at(self, moment: datetime) -> str:
        """`Sat 21 Nov, 10:00`, with the year where it is another one than now's."""
        wall = local(moment, self._reminder.zone)
        year = "" if wall.year == local(self._now, self._reminder.zone).year else f" {wall.year}"
        return f"{wall:%a} {wall.day} {wall:%b}{year}, {wall:%H:%M}"

    def _when(self, stored: str) -> str:
        return self._at(datetime.fromisoformat(stored))

    # What planned it

    def planned(self, reports: Sequence[Any]) -> Iterator[_Part]:
        if not reports:
            return
        first, *later = reports
        yield _Part(first.received_at, f"{self._visit()} Event {first.id} from {first.source} reported it.")
        yield _Part(first.received_at, self._step())
        if put_aside := self._put_aside():
            yield _Part(first.received_at, put_aside)
        for report in later:
            yield _Part(report.received_at, f"Event {report.id} from {report.source} {told_of(report)}.")

    def _visit(self) -> str:
        row = self._reminder
        session = f", session {row.session}" + (f" of {row.of}" if row.of else "") if row.session else ""
        area = f", {row.area}" if row.area else ""
        return f"The visit {row.treatment} ({row.protocol}{session}{area}) ended on {self._at(row.ended_at)}."

    def _step(self) -> str:
        row = self._reminder
        again = f", for the {ordinal(row.occurrence + 1)} time" if row.occurrence else ""
        return (
            f"Its protocol has the step {row.step}{again}: {by(row.media, row.send_mode)}, "
            f"meant for {self._at(row.intended_at)}, of use until {self._at(row.expires_at)}."
        )

    def _put_aside(self) -> str:
        """What planning itself did to it; it writes no decision line for what it plans for the first time."""
        row = self._reminder
        at_once = row.by == "plan" and row.state == ReminderState.SKIPPED and row.reason and not self._decisions
        return f"It was set aside at once. {sentence(row.reason)}" if at_once else ""

    # Each try

    def tried(self) -> Iterator[_Part]:
        for number, attempt in enumerate(self._attempts, 1):
            which = f"the {ordinal(number)} try" if len(self._attempts) > 1 else "sending"
            taken_up = f"It was taken up for {which}, by {MEDIA[attempt.medium]}."
            yield _Part(attempt.created_at, taken_up, number)
            if answered := self._answered(attempt):
                yield _Part(attempt.settled_at, answered, number, _Turn.ANSWERED)
            if reported := self._reported(attempt):
                at = max(attempt.receipt_at, attempt.settled_at or attempt.created_at)
                yield _Part(at, reported, number, _Turn.REPORTED)

    def _answered(self, attempt: Any) -> str:
        """What the provider answered at once; where the answer was lost, the decision lines tell what was found out."""
        if attempt.settled_at is None or self._was_lost(attempt):
            return ""
        if attempt.state == AttemptState.CAPTURED:
            return "The outbox kept it: nothing left the house."
        if attempt.provider_id:
            return f"The provider took it, as {attempt.provider_id}."
        failed = attempt.state == AttemptState.FAILED and attempt.failure
        return with_code(sentence(attempt.failure), attempt.code) if failed else ""

    def _reported(self, attempt: Any) -> str:
        if attempt.receipt_at is None or attempt.state not in REPORTS:
            return ""
        so = ": so it had gone out" if self._was_lost(attempt) and not attempt.evidence else ""
        why = f" {with_code(sentence(attempt.failure), attempt.code)}" if attempt.failure in _FAILURES else ""
        return f"The provider reported that it {REPORTS[AttemptState(attempt.state)]}{so}.{why}"

    def _was_lost(self, attempt: Any) -> bool:
        """Whether the provider's answer to this try was lost: the line that says so bears the same time."""
        return bool(attempt.evidence) or attempt.settled_at in self._lost_at

    # What was decided

    def decided(self) -> Iterator[_Part]:
        for line in self._decisions:
            detail = line.detail or {}
            if line.code in _FAILURES and "attempt" in detail:
                continue  # the try itself tells of it
            looked = "asked_at" in detail or "silent_until" in detail
            turn = _Turn.FOUND_OUT if looked or line.code == "outcome-unknown" else _Turn.DECIDED
            yield _Part(line.at, self._decision(line, detail), self._number(line, detail), turn)

    def _number(self, line: Any, detail: Mapping[str, Any]) -> int:
        """Which try a line follows: the one that it names, else the last before it."""
        named = self._numbers.get(str(detail.get("attempt", "")))
        return named or len([attempt for attempt in self._attempts if attempt.created_at <= line.at])

    def _decision(self, line: Any, detail: Mapping[str, Any]) -> str:
        if line.code in BY_PERSON:
            return f"{who(str(detail.get('who', '')))} {BY_PERSON[line.code]}{self._until(line, detail)}."
        if "asked_at" in detail or "silent_until" in detail:
            return looked_up(line.code, detail, self._when, otherwise=sentence(line.code))
        if line.code == "outcome-unknown":
            return lost(detail)
        if line.code in THEN:
            return f"{THEN[line.code]}{self._until(line, detail) if line.code in TIMED else ''}."
        if "change" in detail:
            return f"{sentence(line.code)}{self._changed(line.code, detail)}"
        if "next" in detail:
            next_one = MEDIA[detail["next"]]
            return f"Not by {MEDIA[detail['medium']]}: {inside(sentence(line.code))}. It goes on to {next_one}."
        if "until" in detail:
            return f"{sentence(line.code)} It was put off{self._until(line, detail)}."
        return sentence(line.code)

    def _changed(self, code: str, detail: Mapping[str, Any]) -> str:
        """What an event did to it, where the reason alone does not say that."""
        if "to" in detail:
            return f" It is due on {self._when(detail['to'])} now."
        return CHANGED.get(detail["change"], "") if code != "corrected-late" else ""

    def _until(self, line: Any, detail: Mapping[str, Any]) -> str:
        """The time that a decision gave it, where that is known: noted, or still the one that it has."""
        if given := detail.get("until") or detail.get("to"):
            return f", due on {self._when(given)}"
        stays = line is self._decisions[-1] and self._reminder.state == ReminderState.SCHEDULED
        return f", due on {self._at(self._reminder.due_at)}" if stays else ""

    # Where it stands

    def stands(self) -> str:
        row = self._reminder
        match ReminderState(row.state):
            case ReminderState.SCHEDULED:
                return f"{self._waits()} It expires on {self._at(row.expires_at)}."
            case ReminderState.SENDING:
                return self._in_flight()
            case ReminderState.SENT:
                heard = bool(self._attempts) and self._attempts[-1].receipt_at is not None
                return "It is on its way." if heard else "It was sent; the provider has not reported on it yet."
            case state:
                return f"{STANDS[state]}{self._why(state)}"

    def _why(self, state: ReminderState) -> str:
        row = self._reminder
        if not row.reason or state in SAYS_ALL or row.reason in BY_PERSON:
            return ""
        if state is ReminderState.SKIPPED and (each := self._by_each_channel()):
            return each
        if row.reason in SENTENCES:
            return f" {HELD if row.reason == 'outcome-unknown' else sentence(row.reason)}"
        failure = self._attempts[-1].failure if self._attempts else ""
        return f" {with_code(sentence(failure), row.reason)}" if failure else f" The provider's code is {row.reason}."

    def _by_each_channel(self) -> str:
        """Why not by any of its channels, where the last one's reason alone would hide what else is to be mended."""
        hindrances: dict[str, str] = {}
        for line in reversed(self._decisions):
            detail = line.detail or {}
            if line.code not in consent.SENTENCES or "medium" not in detail or ("next" in detail) != bool(hindrances):
                break  # what stood in the way before that is of another day
            hindrances[detail["medium"]] = line.code
        if len(hindrances) < _SEVERAL:
            return ""
        told = (f"by {MEDIA[medium]}, {inside(sentence(code))}" for medium, code in reversed(hindrances.items()))
        return f" {capitalized('; '.join(told))}."

    def _waits(self) -> str:
        row = self._reminder
        late = row.due_at <= self._now
        due = f"It {'has been' if late else 'is'} due {'since' if late else 'on'} {self._at(row.due_at)}"
        if row.sender is None:
            return f"{due}, but the clinic has no sender for {MEDIA[row.medium]}."
        if row.sender_paused_at is not None:
            why = f" ({inside(sentence(row.sender_paused_reason))})" if row.sender_paused_reason else ""
            since = self._at(row.sender_paused_at)
            return f"{due}, but the sender {row.sender} is paused since {since}{why}: it waits for that."
        if late and self._now < row.sender_open_at:
            return f"{due}; {self._spent()}the sender {row.sender} may go on at {self._at(row.sender_open_at)}."
        return f"{due}, by {MEDIA[row.medium]}."

    def _spent(self) -> str:
        """Why the sender is shut, where that is its daily cap: then it opens a day after its first message."""
        row = self._reminder
        if row.sender_day_began_at is None or row.sender_open_at < row.sender_day_began_at + _DAY:
            return ""
        what = "segments of text" if row.medium == Medium.SMS else "letters"
        return f"the clinic has sent as much as it may in a day ({row.sender_day_spent} {what}), and "

    def _in_flight(self) -> str:
        last = self._attempts[-1] if self._attempts else None
        if last is None or last.state != AttemptState.UNKNOWN:
            return "It is being sent right now."
        if last.look_up_at is None:
            return "Nobody knows yet whether it went out; nothing more is sent meanwhile."
        asked = self._at(last.look_up_at)
        return (
            f"Nobody knows yet whether it went out. The provider's records are asked on {asked}; until then it waits."
        )
