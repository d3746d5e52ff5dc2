"""One client's year, with the clock walked from message to message: what she gets, and when by her own clock."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from freezegun import freeze_time

from service.clock import now
from service.store.tables import Attempt, Reminder
from tests.support.house import House, close_house, open_house, read, visit

LONDON = ZoneInfo("Europe/London")


async def test_a_course_that_is_broken_off_gets_its_messages_at_ten_local_through_both_clock_changes(
    tmp_path: Path,
) -> None:
    with freeze_time("2026-03-27T15:10:00Z", real_asyncio=True) as frozen:
        house = await open_house(f"sqlite+aiosqlite:///{tmp_path}/year.db", on_host_clock=True)
        treatment = {"time": "2026-03-27T15:05:00Z", "treatment__ended_at": "2026-03-27T15:00:00Z"}
        await house.intake.take("glow", read(visit(**treatment), now()))
        for due in sorted({row.due_at for row in await house.rows(Reminder)}):
            frozen.move_to(due)
            await _dispatch_all(house)
        sent = [attempt.created_at.astimezone(LONDON) for attempt in await house.rows(Attempt)]
        await close_house(house)
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in sorted(sent)] == [
        "2026-03-27 17:00",  # the same day, two hours after the visit
        "2026-03-28 10:00",
        "2026-03-29 10:00",  # the clocks went forward last night
        "2026-04-02 10:00",
        "2026-04-24 10:00",  # the window for the next session opens
        "2026-04-26 10:00",
        "2026-05-08 10:00",
        "2026-09-27 10:00",  # lapsed: half a year after the last visit
        "2026-12-27 10:00",
        "2027-03-27 10:00",
    ]


async def _dispatch_all(house: House) -> int:
    """As the dispatcher does: until a start finds nothing more to do. Returns how many messages went out."""
    sent = 0
    while (started := await house.dispatch()).intents or started.settled:
        sent += len(started.intents)
    return sent


async def test_nothing_old_is_sent_after_a_week_of_outage(tmp_path: Path) -> None:
    with freeze_time("2026-11-20T15:10:00Z", real_asyncio=True) as frozen:
        house = await open_house(f"sqlite+aiosqlite:///{tmp_path}/outage.db", on_host_clock=True)
        await house.intake.take("glow", read(visit(), now()))
        frozen.tick(timedelta(days=7))
        sent = await _dispatch_all(house)
        states = {row.step: row.state for row in await house.rows(Reminder)}
        await close_house(house)
    assert sent == 0
    assert states["day-1-sunscreen"] == states["day-2-sensitivity-check"] == states["day-6-actives"] == "expired"
    assert states["day-30-results-check"] == "scheduled"
