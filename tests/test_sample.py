"""The sample clinic: at any instant of any year something is due now, by the ordinary rules."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.clinics import add_clinic
from service.errors import Conflict
from service.sample import CLINIC, daytime_zone, sample_clinic, sample_events
from service.sample_house import open_sample
from service.store.tables import Client, Event, Reminder, Treatment, core
from tests.support.house import House, clinic, close_house, open_house, read

instants = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware


@given(instants, st.integers(0, 30))
@example(datetime(2026, 3, 29, 1, tzinfo=UTC), 0)
@example(datetime(2026, 10, 25, 1, tzinfo=UTC), 3)
@example(datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 1)
def test_somewhere_it_is_daytime_at_any_instant(now: datetime, turn: int) -> None:
    wall = now.astimezone(ZoneInfo(daytime_zone(now, turn))).time()
    assert time(10, 2) <= wall < time(19)


@settings(max_examples=30)
@given(instants)
@example(datetime(2028, 2, 29, 12, tzinfo=UTC))
def test_every_sample_event_is_taken_at_any_instant(now: datetime) -> None:
    events = [read(value, now) for value in sample_events(now)]
    assert len({event.id for event in events}) == len(events) >= 12
    assert all(event.time < now for event in events)
    assert [event.warnings for event in events] == [()] * len(events)


async def opened(url: str, now: datetime) -> House:
    house = await open_house(url, clinic(id="other"))
    house.clock.moment = now
    assert await open_sample(house.database, house.intake)
    return house


DUE_NOW = {
    "day-1-sunscreen", "day-2-sensitivity-check", "day-30-results-check", "next-session", "maintenance-due",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 1, 1, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 8, 15, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 7, 14, 4, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 20, 0, tzinfo=UTC),
        datetime(2027, 8, 31, 10, 1, tzinfo=UTC),
        datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
    ],
    ids=lambda now: now.isoformat(),
)
async def test_what_the_sample_shows_is_due_at_once(migrated_url: str, now: datetime) -> None:
    house = await opened(migrated_url, now)
    for _ in range(4):
        await house.dispatch()
    sent = await house.rows(Reminder, core(Reminder).c.state == "captured")
    assert {row.step for row in sent} >= DUE_NOW
    assert {row.medium for row in sent} == {"sms", "email"}
    assert {row.locale for row in await house.rows(Client)} == {"en-GB", "es"}
    assert await house.rows(Reminder, core(Reminder).c.state == "needs_review") == []
    await close_house(house)


async def test_opening_it_again_keeps_the_data_and_adds_no_doubles(migrated_url: str) -> None:
    house = await opened(migrated_url, datetime(2026, 11, 20, 15, tzinfo=UTC))
    before = len(await house.rows(Event)), len(await house.rows(Reminder))
    house.clock.moment += timedelta(days=1)
    assert await open_sample(house.database, house.intake) is None
    assert (len(await house.rows(Event)), len(await house.rows(Reminder))) == before
    unmapped = await house.rows(Treatment, core(Treatment).c.state == "unmapped")
    assert [row.protocol for row in unmapped] == ["led-therapy"]
    await close_house(house)


async def test_the_sample_clinic_is_a_clinic_like_any_other(house: House) -> None:
    assert sample_clinic().id == CLINIC
    with pytest.raises(Conflict):
        async with house.database.write() as connection:
            await add_clinic(connection, sample_clinic(), house.clock())
