"""The way of a reminder, on both databases: from an event to a message, once, or a reason why not."""

from datetime import UTC, datetime

from service.store.tables import Attempt, Reminder, core
from tests.support.house import House, visit


def _states(rows: object) -> dict[str, str]:
    return {f"{row.step}/{row.occurrence}": row.state for row in rows}  # type: ignore[attr-defined]


async def test_an_event_becomes_messages_each_at_its_time_and_once(house: House) -> None:
    await house.take(visit())
    assert (await house.dispatch()).intents == []
    house.clock.moment = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    first = await house.dispatch()
    assert [intent.medium for intent in first.intents] == ["email"]
    house.clock.moment = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    second = await house.dispatch()
    assert [intent.outgoing.to for intent in second.intents] == ["+447400123456"]
    assert (await house.dispatch()).intents == []
    states = _states(await house.rows(Reminder))
    assert states["same-day-aftercare/0"] == states["day-1-sunscreen/0"] == "captured"
    assert states["day-2-sensitivity-check/0"] == "scheduled"
    attempts = await house.rows(Attempt)
    assert {attempt.state for attempt in attempts} == {"captured"}
    assert len({attempt.token for attempt in attempts}) == 2


async def test_what_was_sent_can_be_shown_word_for_word(house: House) -> None:
    from service.store.tables import Wording
    from service.words import Words
    from tests.support.house import shipped

    await house.take(visit())
    house.clock.moment = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    started = await house.dispatch()
    words = Words(shipped().templates, shipped().protocols)
    for intent in started.intents:
        (attempt,) = await house.rows(Attempt, core(Attempt).c.id == intent.outgoing.attempt)
        (wording,) = await house.rows(Wording, core(Wording).c.version == attempt.wording)
        assert words.show(attempt, wording) == intent.outgoing.message
