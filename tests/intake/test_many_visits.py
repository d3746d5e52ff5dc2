"""A client of many years: what nothing can change any more is left as it is, and the plan is the same."""

from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.intake.courses import existing_of, gone_by, plan_of
from service.plan import Changes, reconcile
from service.store.clinics import houses
from service.store.reminders import treatments_over
from service.store.tables import Client, Reminder, Treatment, core
from service.types import Json
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import booked, updated, voided
from tests.support.house import CLINIC, NOON, House, shipped, visit

WORLDS = count(1)


def seen(world: str, days: int, **more: str) -> Json:
    """A visit so many days ago; told again, it is a correction."""
    ended = (NOON - timedelta(days=days)).isoformat()
    told = {"treatment__id": f"{world}-v{days}", "treatment__ended_at": ended, "client__ref": world}
    return visit(id=f"{world}-e{days}", time=ended, course__session=None, course__of=None, **(told | more))


async def left_to_do(house: House, world: str) -> Changes:
    """What planning all of a client's visits would change."""
    treatments = await house.rows(Treatment, core(Treatment).c.client == world)
    reminders = await house.rows(Reminder, core(Reminder).c.client == world)
    (client,) = (row._mapping for row in await house.rows(Client, core(Client).c.ref == world))
    async with house.database.read() as connection:
        glow = (await houses(connection, [CLINIC]))[CLINIC]
    protocol = shipped().protocols["microneedling"]
    desired = plan_of(protocol, treatments, client, glow, house.clock())
    gone = {row.id: reason for row in treatments if (reason := gone_by(row, client))}
    return reconcile(desired, [existing_of(dict(row._mapping)) for row in reminders], gone)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@on_sqlite
async def test_planning_all_of_a_history_anew_changes_nothing(house: House, data: st.DataObject) -> None:
    house.clock.moment = NOON
    world = f"w{next(WORLDS)}"
    days = data.draw(st.lists(st.integers(1, 900), min_size=2, max_size=6, unique=True))
    for number, ago in enumerate(days):
        await house.take(seen(world, ago))
        match data.draw(st.sampled_from(["", "", "void", "correct", "move", "wait"])):
            case "void":
                gone = data.draw(st.sampled_from(days[: number + 1]))
                await house.take(voided(f"{world}-x{number}", f"{world}-v{gone}", time=house.clock().isoformat()))
            case "correct":
                ended = (NOON - timedelta(days=data.draw(st.integers(1, 900)))).isoformat()
                told = seen(world, data.draw(st.sampled_from(days[: number + 1])), treatment__ended_at=ended)
                await house.take(told | {"id": f"{world}-c{number}", "time": house.clock().isoformat()})
            case "move":
                zone = data.draw(st.sampled_from(["Asia/Tokyo", "America/Los_Angeles"]))
                moved = updated(f"{world}-m{number}", client={"ref": world}, time=house.clock().isoformat())
                moved["data"]["client"] = {"ref": world, "time_zone": zone}
                await house.take(moved)
            case "wait":
                house.clock.advance(days=data.draw(st.integers(1, 120)))
    await house.take(seen(world, 0))
    assert not await left_to_do(house, world)


async def test_a_visit_that_nothing_can_change_is_not_planned_again(house: House) -> None:
    await house.take(seen("c-1", 800), seen("c-1", 10))
    table = core(Reminder)
    async with house.database.write() as connection:
        for treatment in ("c-1-v800", "c-1-v10"):
            await connection.execute(
                table.delete().where(table.c.treatment == treatment, table.c.step == "day-1-sunscreen")
            )
    await house.take(seen("c-1", 0), booked(client={"ref": "c-1"}))
    again = {row.treatment for row in await house.rows(Reminder, table.c.step == "day-1-sunscreen")}
    assert again == {"c-1-v10", "c-1-v0"}


async def test_over_is_what_was_planned_and_is_all_settled_and_long_of_no_use(house: House) -> None:
    await house.take(seen("c-1", 800), seen("c-1", 10))
    table = core(Reminder)
    old, new = (CLINIC, "c-1-v800"), (CLINIC, "c-1-v10")
    async with house.database.write() as connection:
        assert await treatments_over(connection, {old, new, (CLINIC, "never planned")}, NOON) == {old}
        assert await treatments_over(connection, {old, new}, NOON - timedelta(days=900)) == set()
        await connection.execute(table.update().values(expires_at=NOON - timedelta(days=900)))
        assert await treatments_over(connection, {old, new}, NOON) == {old}  # some of the new one's are scheduled
        assert await treatments_over(connection, set(), NOON) == set()
