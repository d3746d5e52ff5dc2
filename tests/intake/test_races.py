"""Many at once: the same event a hundred times, corrections that overtake each other, a database that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import AftercareError
from service.intake.answer import Standing, Taken
from service.intake.group import Intake
from service.store.pauses import pause_clinic
from service.store.session import Database
from service.store.tables import Event, Recipient, Reminder, Sender, Treatment, core
from service.types import Json
from tests.intake.changes import updated
from tests.support.house import CLINIC, House, clinic, close_house, open_house, read, shipped, visit
from tests.support.races import in_the_way, until_waiting


@asynccontextmanager
async def another_process(house: House) -> AsyncIterator[Intake]:
    """An intake with a pool of its own on the same database."""
    database = Database(house.database.url.render_as_string(hide_password=False), fixed_clock=house.clock)
    intake = Intake(database, shipped().protocols)
    intake.start()
    yield intake
    await intake.stop()
    await database.close()


async def take(intake: Intake, value: Json) -> Taken:
    return await intake.take(CLINIC, read(value))


async def test_the_same_event_a_hundred_times_at_once_makes_one_plan(postgres_house: House) -> None:
    async with AsyncExitStack() as stack:
        intakes = [await stack.enter_async_context(another_process(postgres_house)) for _ in range(4)]
        event = read(visit())
        answers = await asyncio.gather(*(intakes[n % 4].take(CLINIC, event) for n in range(100)))
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.plan for answer in answers}) == 1
    assert len(await postgres_house.rows(Event)) == 1
    assert len(await postgres_house.rows(Reminder)) == len(answers[0].plan)


async def test_many_events_of_few_clients_through_several_processes_are_each_recorded_once(
    postgres_house: House,
) -> None:
    events = [
        read(visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n % 5}", course__session=None))
        for n in range(40)
    ]
    async with AsyncExitStack() as stack:
        intakes = [await stack.enter_async_context(another_process(postgres_house)) for _ in range(3)]
        answers = await asyncio.gather(*(intake.take(CLINIC, event) for event in events for intake in intakes))
    assert sum(answer.created for answer in answers) == 40
    assert len(await postgres_house.rows(Treatment)) == 40


async def test_an_older_correction_that_started_earlier_does_not_overwrite_a_newer_one(postgres_house: House) -> None:
    house = postgres_house
    await house.take(visit(treatment__version=1))
    newer = visit(id="e-3", treatment__version=3, treatment__note="newer")
    older = visit(id="e-2", treatment__version=2, treatment__note="older")
    async with another_process(house) as other:
        async with in_the_way(house.database, "SELECT 1 FROM client FOR UPDATE"):
            first = asyncio.create_task(take(house.intake, newer))
            await until_waiting(house.database, 1)
            second = asyncio.create_task(take(other, older))
            await until_waiting(house.database, 2)
        assert (await first).standing is Standing.PLANNED
        assert (await second).standing is Standing.OUTDATED
    (treatment,) = await house.rows(Treatment)
    assert (treatment.note, treatment.version) == ("newer", 3)


async def test_events_that_come_later_do_not_overtake_a_change_of_their_clinic(postgres_house: House) -> None:
    house = postgres_house
    await house.take(visit())
    grace = visit(id="e-3", treatment__id="visit-3", client__ref="c-18", client__phone="+447400123457",
                  client__email="grace@example.com")  # fmt: skip
    async with another_process(house) as other:
        async with in_the_way(house.database, "SELECT 1 FROM client FOR UPDATE"):
            earlier = asyncio.create_task(take(house.intake, visit(id="e-2", treatment__id="visit-2")))
            await until_waiting(house.database, 1)
            pausing = asyncio.create_task(_pause(house))
            await until_waiting(house.database, 2)
            later = asyncio.create_task(take(other, grace))
            await until_waiting(house.database, 3)  # though nothing of its own stands in the way
        assert await pausing
        assert (await earlier).created
        assert (await later).created


async def _pause(house: House) -> bool:
    async with house.database.write() as connection:
        return await pause_clinic(connection, CLINIC, house.clock())


async def test_of_two_clients_with_the_same_new_treatment_the_newer_word_has_it(postgres_house: House) -> None:
    house = postgres_house
    for ref in ("c-1", "c-2"):
        await house.take(visit(id=ref, treatment__id=ref, client__ref=ref))
    async with another_process(house) as other:
        async with in_the_way(house.database, "SELECT 1 FROM client FOR UPDATE"):
            first = asyncio.create_task(take(house.intake, visit(client__ref="c-1")))
            await until_waiting(house.database, 1)
            second = asyncio.create_task(take(other, visit(id="e-2", client__ref="c-2")))
            await until_waiting(house.database, 2)
        assert (await first).standing is Standing.PLANNED
        assert (await second).standing is Standing.OUTDATED
    (treatment,) = await house.rows(Treatment, core(Treatment).c.id == "visit-8812")
    assert treatment.client == "c-1"


async def test_two_clients_who_take_on_a_known_number_at_once_are_seen_to_share_it(postgres_house: House) -> None:
    house = postgres_house
    await house.take(visit(client__ref="c-0"))
    await house.take(updated(ref="c-0", phone="+447400123499"))
    async with another_process(house) as other:
        async with in_the_way(house.database, "SELECT 1 FROM sender FOR UPDATE"):
            first = asyncio.create_task(take(house.intake, visit(id="e-2", treatment__id="t-1", client__ref="c-1")))
            await until_waiting(house.database, 1)
            second = asyncio.create_task(take(other, visit(id="e-3", treatment__id="t-2", client__ref="c-2")))
            await until_waiting(house.database, 2)
        await asyncio.gather(first, second)
    assert [row.address for row in await house.rows(Recipient, core(Recipient).c.shared)] == ["+447400123456"]


async def test_a_deadlock_is_resolved_and_both_events_are_taken(postgres_house: House) -> None:
    """Two clients locked against the order that intake keeps: the database ends one side, which tries again."""
    house = postgres_house
    await house.take(
        visit(id="e-1", treatment__id="t-1", client__ref="a"), visit(id="e-2", treatment__id="t-2", client__ref="b")
    )
    corrections = [visit(id="e-3", treatment__id="t-1", client__ref="a", treatment__note="new"),
                   visit(id="e-4", treatment__id="t-2", client__ref="b", treatment__note="new")]  # fmt: skip

    async def against_the_order(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("SELECT 1 FROM client WHERE ref = 'b' FOR UPDATE")
        if not taking:
            taking.append(asyncio.create_task(house.take(*corrections)))
            await until_waiting(house.database, 1)
        await connection.exec_driver_sql("SELECT 1 FROM client WHERE ref = 'a' FOR UPDATE")

    taking: list[asyncio.Task[list[Taken]]] = []
    await house.database.transact(against_the_order)
    assert [taken.created for taken in await taking[0]] == [True, True]


class Counting(Database):
    """Counts the transactions that were tried."""

    tried = 0

    def write(self):  # type: ignore[no-untyped-def]
        self.tried += 1
        return super().write()


async def test_a_database_that_is_away_is_not_asked_again_for_every_event_of_a_group(unused_tcp_port: int) -> None:
    database = Counting(f"postgresql+asyncpg://nobody@127.0.0.1:{unused_tcp_port}/nothing")
    intake = Intake(database, shipped().protocols)
    intake.start()
    events = [read(visit(id=f"e-{n}", treatment__id=f"visit-{n}")) for n in range(30)]
    answers = await intake.answers(CLINIC, events)
    assert {one.code for one in answers if isinstance(one, AftercareError)} == {"database-unavailable"}
    assert len(answers) == 30
    assert database.tried < 10
    await intake.stop()
    await database.close()


async def test_a_reminder_is_seen_by_its_lane_whichever_commits_first(postgres_house: House) -> None:
    """Intake lowers `next_due_at` without looking; a start that recomputes it at the same time locks the lane."""
    house = postgres_house
    await house.take(visit())
    async with in_the_way(
        house.database,
        "UPDATE sender SET next_due_at = '2027-01-01 00:00+00'",
    ):
        taking = asyncio.create_task(house.take(visit(id="e-2", treatment__id="visit-2", client__ref="c-2")))
        await until_waiting(house.database)
    await taking
    (lane,) = await house.rows(Sender, core(Sender).c.id == "sms")
    coming = await house.rows(Reminder, core(Reminder).c.client == "c-2", core(Reminder).c.sender == "sms")
    assert lane.next_due_at == min(row.due_at for row in coming if row.state == "scheduled")


async def test_one_clinics_burst_and_anothers_event_go_through_the_same_group(migrated_url: str) -> None:
    house = await open_house(migrated_url, clinic(), clinic(id="bright"))
    many = house.take(*(visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n}") for n in range(60)))
    one = house.take(visit(), clinic="bright")
    burst, (single,) = await asyncio.gather(many, one)
    assert len(burst) == 60
    assert single.created
    await close_house(house)
