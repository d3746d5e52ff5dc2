"""All that can happen to one message, in any order and repeated, ends in the same place."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.dispatch.intent import Intent
from service.rescue import Asked
from service.store.attempts import unknown_attempts
from service.store.tables import Attempt, Recipient, Reminder, core
from service.types import Accepted, AttemptState, FailureClass, Found, Outcome, Unknown
from tests.conftest import new_migrated_file
from tests.dispatch.acting import TEN, change, many_due, rescue_of
from tests.receipts.acting import receipts_of, report, undelivered
from tests.support.house import House, close_house, open_house

SID = "SM-of-this"
EXAMPLES = 40
Ending: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Life:
    """What one message meets: our own answer, what records show, and what is reported. Each may come at any time."""

    answer: Outcome
    found: tuple[AttemptState, FailureClass | None] | None
    """None: the records show nothing."""
    reports: Sequence[tuple[AttemptState, FailureClass | None]]


A = AttemptState
F = FailureClass
LIVES = [
    Life(Accepted(SID), None, [(A.SENT, None), (A.DELIVERED, None)]),
    Life(Unknown("reset"), None, [(A.SENT, None), (A.DELIVERED, None)]),
    Life(Unknown("reset"), (A.SENT, None), [(A.SENT, None), (A.DELIVERED, None)]),
    Life(Accepted(SID), None, [(A.SENT, None), (A.UNDELIVERED, F.NOT_TEXTABLE)]),
    Life(Unknown("reset"), None, [(A.SENT, None), (A.UNDELIVERED, F.NOT_TEXTABLE)]),
    Life(Accepted(SID), None, [(A.UNDELIVERED, F.HANDSET_FOR_NOW)]),
    Life(Unknown("reset"), (A.UNDELIVERED, F.HANDSET_GONE), [(A.SENT, None), (A.UNDELIVERED, F.HANDSET_GONE)]),
    Life(Unknown("reset"), None, [(A.FAILED, F.ROUTE)]),
    # A carrier that was wrong: the phone has shown it.
    Life(Accepted(SID), None, [(A.UNDELIVERED, F.HANDSET_FOR_NOW), (A.DELIVERED, None)]),
    Life(Unknown("reset"), None, [(A.UNDELIVERED, None), (A.DELIVERED, None)]),
]


@pytest.fixture
async def house(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """On SQLite: what is under test are the rules, and they are many."""
    house = await open_house(await new_migrated_file(tmp_path / "order.db", tmp_path_factory.getbasetemp()))
    await many_due(house, EXAMPLES + len(LIVES))
    yield house
    await close_house(house)


@pytest.fixture
def straight() -> dict[int, Ending]:
    """Where each life ends that goes the usual way."""
    return {}


async def started(house: House) -> Intent:
    """A text whose intent is committed."""
    intents: list[Intent] = []
    while not intents:  # the lane of letters takes its turns too
        intents = (await house.starter.start(1)).intents
    return intents[0]


async def lived(house: House, life: Life, order: Sequence[int]) -> Ending:
    """Where it ends if things come in this order; numbers that occur again are repeats."""
    intent = await started(house)
    token = intent.outgoing.token
    receipts = [
        undelivered(failure, token=token, provider_id=SID) if failure or state is A.UNDELIVERED
        else report(state, token=token, provider_id=SID)
        for state, failure in life.reports
    ]  # fmt: skip

    async def answer() -> None:
        await house.settler._write([(intent, life.answer)])

    async def look_up() -> None:
        await resolve(house, intent, life)

    def told(number: int) -> Callable[[], Awaitable[Any]]:
        return lambda: receipts_of(house).take([receipts[number]])

    steps = [answer, look_up, *(told(number) for number in range(len(receipts)))]
    for place in [number % len(steps) for number in order] + [0, 1, *range(2, len(steps))]:
        await steps[place]()
    return await ending(house, intent)


async def resolve(house: House, intent: Intent, life: Life) -> None:
    """A look-up that sees what this life's records show, if the attempt is in doubt at that moment."""
    async with house.database.write() as connection:
        await connection.execute(
            core(Attempt).update().where(core(Attempt).c.state == "unknown").values(look_up_at=house.clock())
        )
        rows = [row for row in await unknown_attempts(connection, house.clock(), 10) if row.reminder == intent.reminder]
        for row in rows:
            state, failure = life.found or (None, None)
            found = [Found(SID, state, TEN, row.recipient, failure=failure)] if state else []
            await rescue_of(house)._resolve(connection, row=row, asked=Asked(row.created_at, found))


async def ending(house: House, intent: Intent) -> Ending:
    (attempt,) = await house.rows(Attempt, core(Attempt).c.id == intent.outgoing.attempt)
    (reminder,) = await house.rows(Reminder, core(Reminder).c.id == intent.reminder)
    (number,) = await house.rows(Recipient, core(Recipient).c.address == intent.outgoing.to)
    # What waits to be sent again is not to be started with the next one.
    await change(house, Reminder, {"due_at": reminder.expires_at}, core(Reminder).c.id == intent.reminder)
    return (
        (attempt.state, attempt.provider_id, attempt.failure),
        (reminder.state, reminder.medium, reminder.sender, reminder.lease_until),
        reminder.due_at if reminder.state == "scheduled" else None,
        (number.unusable_reason, number.suppressed_reason),
    )


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(life=st.sampled_from(LIVES), order=st.lists(st.integers(0, 3), max_size=6))
async def test_whatever_the_order_a_message_ends_in_the_same_place(
    house: House, straight: dict[int, Ending], life: Life, order: list[int]
) -> None:
    if id(life) not in straight:
        straight[id(life)] = await lived(house, life, [])
    assert await lived(house, life, order) == straight[id(life)]
