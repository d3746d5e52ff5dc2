"""Anything may happen to a reminder in any order: the real store, and a provider that remembers what it took.

Hypothesis strings together starts, sends, kills, look-ups, receipts, corrections, acts of people and the passing of
time. The database refuses every move that is not in `service.states`; what must always hold is asked after each step.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.acts.acts import Act, Cancel, Resolve, Retry, SendNow, Verdict, Who
from service.acts.performing import Acts
from service.channels.base import LookUp
from service.dispatch.intent import Intent
from service.errors import Conflict
from service.receipts import Receipts
from service.rescue import Rescue, RescueRules
from service.store.tables import Attempt, Recipient, Reminder, core
from service.types import (
    Accepted,
    AttemptState,
    FailureClass,
    Found,
    Medium,
    Outcome,
    Receipt,
    Rejected,
    Unknown,
)
from service.types import Retry as TryLater
from tests.conftest import new_migrated_file
from tests.dispatch.acting import change
from tests.support.house import CLINIC, House, close_house, open_house, visit

T = TypeVar("T")
ATTEMPT, REMINDER = core(Attempt), core(Reminder)
ACTS: tuple[Act, ...] = (Cancel(), SendNow(), Retry(), *(Resolve(verdict) for verdict in Verdict))
DEADLINE = timedelta(seconds=15)
PHONES = ("+447400123456", "+447400123457")
FATES = (
    "taken",
    "taken, answer lost",
    "lost",
    "later",
    "refused",
    "killed before the request",
    "killed after the 201",
    "stands still before the request",
    "stands still between the deadline's check and the first byte",
    "stands still after the 201",
)
HAPPENS = (*["work"] * 5, "correct", "wake", "wake", "report", "report", "person", "stop")
REPORTS = (AttemptState.SENT, AttemptState.DELIVERED, AttemptState.UNDELIVERED, AttemptState.FAILED)
STEPS = (timedelta(seconds=10), timedelta(seconds=61), timedelta(minutes=21))
OPEN = {"sending", "unknown"}
WENT = {"accepted", "sent", "delivered"}


@dataclass
class Message:
    """What the provider took."""

    token: str
    medium: Medium
    to: str
    id: str
    at: datetime
    state: AttemptState = AttemptState.ACCEPTED


class Provider:
    """One of both media: keeps every message, and shows texts to whoever looks."""

    name = "provider"

    def __init__(self, medium: Medium, book: list[Message]) -> None:
        self.medium = medium
        self._book = book

    async def look_up(self, query: LookUp) -> list[Found] | None:
        if self.medium is Medium.EMAIL:
            return None
        return [
            Found(one.id, one.state, one.at, one.to)
            for one in self._book
            if one.to == query.to and query.since <= one.at <= query.until
        ]


class Reminders(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = TemporaryDirectory()
        self._numbers = itertools.count(1)
        self.book: list[Message] = []
        self.standing: list[Callable[[], None]] = []
        """What workers that stand still will do next."""
        self.stopped: set[str] = set()
        self.told_by_person: set[Any] = set()
        """Attempts that a person has settled."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @initialize()
    def furnish(self) -> None:
        """Two clients who share nothing; one step of theirs goes by every channel."""
        self.house = self.run(self._open())
        self.house.channels = {medium: Provider(medium, self.book) for medium in Medium}  # type: ignore[misc]
        rules = RescueRules(look_up_after=timedelta(minutes=20))
        self.rescue = Rescue(self.house.database, self.house.channels, rules)
        self.receipts = Receipts(self.house.database)
        self.acts = Acts(self.house.database)
        self.correct(0, 0)
        self.correct(1, 0)

    async def _open(self) -> House:
        folder = Path(self._folder.name)
        return await open_house(await new_migrated_file(folder / "house.db", _shared_folder()))

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.run(close_house(self.house))
        self._runner.close()
        self._folder.cleanup()

    @rule(what=st.sampled_from(HAPPENS), data=st.data())
    def happens(self, what: str, data: st.DataObject) -> None:
        """One rule for all: of several, Hypothesis would leave some out of most runs, and sends are wanted in each."""
        match what:
            case "work":
                fates = st.lists(st.sampled_from(FATES), min_size=2, max_size=2)
                self.work(data.draw(st.sampled_from(STEPS)), data.draw(fates))
            case "correct":
                self.correct(data.draw(st.integers(0, 1)), data.draw(st.integers(0, 30)))
            case "wake" if self.standing:
                self.wake()
            case "report" if self.book:
                self.report(data.draw(st.sampled_from(self.book)), data.draw(st.sampled_from(REPORTS)))
            case "person":
                self.person(data.draw(st.sampled_from(self._reminders())), data.draw(st.sampled_from(ACTS)))
            case "stop":
                self.stop()

    def correct(self, who: int, minutes: int) -> None:
        """The clinic reports the visit, again and otherwise."""
        number = next(self._numbers)
        ended_at = self.house.clock() - timedelta(minutes=30 - minutes)
        event = visit(
            id=f"e-{number}",
            time=self.house.clock().isoformat(),
            treatment__id=f"visit-{who}",
            treatment__protocol="dermal-filler",
            treatment__ended_at=ended_at.isoformat(),
            treatment__version=number,
            client__ref=f"c-{who}",
            client__phone=PHONES[who],
            client__email=f"c{who}@example.com",
        )
        event["data"].pop("course")
        self.run(self.house.take(event))

    def work(self, passed: timedelta, fates: list[str]) -> None:
        """Time passes; a worker looks after what was left behind, starts what is due and sends it. Each message meets
        one fate, and so may the worker."""
        self.house.clock.moment += passed
        self.run(self.rescue.run())
        late = [row for row in self._reminders() if row.expires_at <= self.house.clock()]
        assert "scheduled" not in {row.state for row in late}, "it waits beyond its expiry"
        before = self._attempts()
        started = self.run(self.house.starter.start(len(fates)))
        for intent in started.intents:
            self._may_be_started(intent, before)
        self._settle([(intent, fate) for intent, fate in zip(started.intents, fates, strict=False)])

    def _may_be_started(self, intent: Intent, before: list[Any]) -> None:
        assert self.house.clock() < intent.expires_at, "started after its expiry"
        assert intent.outgoing.to not in self.stopped, "started after STOP"
        for row in before:
            if (row.reminder, row.medium) == (intent.reminder, intent.medium):
                self._may_follow(row)

    def _may_follow(self, row: Any) -> None:
        """Nothing is sent again while it may have gone."""
        assert row.state not in OPEN | WENT | {"captured"}, f"sent again, though the last was {row.state}"
        if row.state == "absent" and row.id not in self.told_by_person:
            assert row.medium == Medium.EMAIL or self._was_not_there(row), "sent again though it was to be found"

    def _was_not_there(self, row: Any) -> bool:
        asked_at = datetime.fromisoformat(row.evidence["asked_at"])
        there = any(message.token == row.token and message.at <= asked_at for message in self.book)
        return row.evidence["candidates"] == [] and not there

    def _settle(self, sent: list[tuple[Intent, str]]) -> None:
        """What is killed is known to nobody any more; what stands still goes on at some later time."""
        answers = []
        for intent, fate in sent:
            match fate:
                case "killed before the request":
                    pass
                case "killed after the 201":
                    self._take(intent)
                case "stands still before the request":
                    self.standing.append(partial(self._goes_on, intent, self._in_time))
                case "stands still between the deadline's check and the first byte":
                    self.standing.append(partial(self._goes_on, intent, self._take))
                case "stands still after the 201":
                    self.standing.append(partial(self._write, intent, self._take(intent)))
                case _:
                    answers.append((intent, self._answer(intent, fate)))
        if answers:
            self.run(self.house.settler._write(answers))

    def _take(self, intent: Intent) -> Outcome:
        id_ = f"SM{next(self._numbers)}"
        self.book.append(Message(intent.outgoing.token, intent.medium, intent.outgoing.to, id_, self.house.clock()))
        return Accepted(id_)

    def _answer(self, intent: Intent, fate: str) -> Outcome:
        match fate:
            case "taken":
                return self._take(intent)
            case "taken, answer lost":
                self._take(intent)
                return Unknown("connection-lost")
            case "lost":
                return Unknown("connection-lost")
            case "later":
                return TryLater(FailureClass.NOT_PROCESSED, "429")
            case _:
                return Rejected(FailureClass.ROUTE, "21408")

    def wake(self) -> None:
        """The worker that stood still longest goes on."""
        self.standing.pop(0)()

    def _goes_on(self, intent: Intent, send: Callable[[Intent], Outcome]) -> None:
        self._write(intent, send(intent))

    def _write(self, intent: Intent, answer: Outcome) -> None:
        self.run(self.house.settler._write([(intent, answer)]))

    def _in_time(self, intent: Intent) -> Outcome:
        """What had not been sent by its deadline may not be sent now."""
        if self.house.clock() > intent.started_at + DEADLINE:
            return TryLater(FailureClass.NOT_PROCESSED, "send-deadline-passed")
        return self._take(intent)

    def report(self, message: Message, state: AttemptState) -> None:
        """A receipt about any message ever taken, in any order, also before our own commit."""
        message.state = state
        arrived = state in {AttemptState.SENT, AttemptState.DELIVERED}
        failure = None if arrived else FailureClass.HANDSET_GONE
        receipt = Receipt(message.id, state, self.house.clock(), token=message.token, failure=failure)
        self.run(self.receipts.take([receipt]))

    def person(self, row: Any, act: Act) -> None:
        doubts = {one.id for one in self._attempts() if one.reminder == row.id and one.state in {"unknown", "absent"}}
        with suppress(Conflict):
            self.run(self.acts.perform(CLINIC, row.id, act, Who("staff", "owner")))
            self.told_by_person |= doubts if isinstance(act, Resolve) else set()

    def stop(self) -> None:
        """The second client wants no more texts."""
        address = PHONES[1]
        where = core(Recipient).c.address == address
        self.run(change(self.house, Recipient, {"suppressed_at": self.house.clock()}, where))
        self.stopped.add(address)

    @invariant()
    def what_is_stored_makes_sense(self) -> None:
        if not hasattr(self, "house"):
            return
        attempts = self._attempts()
        live = Counter(row.reminder for row in attempts if row.state == "sending")
        assert max(live.values(), default=0) <= 1, "two attempts are being sent at once"
        held = Counter(row.provider_id for row in attempts if row.provider_id)
        assert max(held.values(), default=0) <= 1, "two attempts hold one message"
        went = {(row.reminder, row.medium) for row in attempts if row.state in WENT}
        for row in self._reminders():
            assert row.state != "scheduled" or (row.id, row.medium) not in went, (
                f"{row.reason}: it went by {row.medium}"
            )

    def _attempts(self) -> list[Any]:
        return list(self.run(self.house.rows(Attempt)))

    def _reminders(self) -> list[Any]:
        return list(self.run(self.house.rows(Reminder)))


_SHARED: list[TemporaryDirectory[str]] = []


def _shared_folder() -> Path:
    """Where the migrated file is kept that all examples copy."""
    if not _SHARED:
        _SHARED.append(TemporaryDirectory())
    return Path(_SHARED[0].name)


TestReminders = Reminders.TestCase
TestReminders.settings = settings(
    max_examples=settings().max_examples // 2,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
