"""Workers that die or stand still at the worst moments: in the end everybody has one message, and nobody two."""

import sqlalchemy as sa

from tests.acceptance.gate import gate_before
from tests.acceptance.live import ATTEMPT, Live, everybody, phone, quick, sent_to

PEOPLE = 5
NO_LOOK_UP = {"AFTERCARE_SENDING__LOOK_UP_AFTER": "10 minutes"}


async def test_killed_before_its_intents_are_committed_a_worker_leaves_nothing_behind(live: Live) -> None:
    async with gate_before(live.dsn) as gate:
        worker = await live.worker(quick(), dsn=gate.dsn)
        killed = gate.when("INSERT INTO attempt", then=worker.kill)
        await live.seed(PEOPLE)
        await killed.comes()
    assert await live.rows(sa.select(ATTEMPT.c.id)) == []
    await live.worker(quick())
    await live.until_all(PEOPLE, "sent", "delivered")
    assert sent_to(await live.sandbox.ledger()) == everybody(PEOPLE)
    assert await live.decisions() == {}


async def test_killed_between_its_intents_and_the_first_byte_its_messages_are_found_absent_and_sent_once(
    live: Live,
) -> None:
    async with gate_before(live.dsn) as gate:
        worker = await live.worker(quick(), dsn=gate.dsn)
        killed = gate.when("INSERT INTO attempt", answered="COMMIT", then=worker.kill)
        await live.seed(PEOPLE)
        await killed.comes()
    stale = await live.tokens()
    assert len(stale) == PEOPLE
    assert await live.sandbox.ledger() == []
    await live.worker(quick())
    await live.until_all(PEOPLE, "sent", "delivered")
    ledger = await live.sandbox.ledger()
    assert sent_to(ledger) == everybody(PEOPLE)
    assert stale.isdisjoint(line["attempt"] for line in ledger)
    looked_up = ["outcome-unknown", "absent-at-provider-resent"]
    assert await live.decisions() == {f"c-{number}": looked_up for number in range(PEOPLE)}


async def test_killed_before_it_writes_down_what_was_accepted_its_messages_are_found_and_not_sent_again(
    live: Live,
) -> None:
    async with gate_before(live.dsn) as gate:
        worker = await live.worker(quick(), dsn=gate.dsn)
        killed = gate.when("UPDATE attempt", then=worker.kill)
        await live.seed(1)
        await killed.comes()
    assert sent_to(await live.sandbox.ledger()) == everybody(1)
    await live.worker(quick())
    await live.until_all(1, "sent", "delivered")
    assert sent_to(await live.sandbox.ledger()) == everybody(1)
    assert await live.decisions() == {"c-0": ["outcome-unknown", "found-at-provider"]}


async def test_killed_in_mid_send_what_was_accepted_is_found_and_what_was_not_is_sent_once_more(live: Live) -> None:
    lost = {phone(number) for number in range(3)}
    slow = {"fault": "latency", "detail": "30s"}
    await live.sandbox.set_faults(slow, *({"fault": "reset", "to": to} for to in lost))
    worker = await live.worker(quick(deadline=4))
    await live.seed(20)
    ledger = await live.requests(20)
    worker.kill()
    assert sent_to(ledger).keys() == everybody(20).keys() - lost

    await live.sandbox.clear_faults()
    await live.worker(quick(deadline=4))
    await live.until_all(20, "sent", "delivered")
    assert sent_to(await live.sandbox.ledger()) == everybody(20)
    decisions = await live.decisions()
    for number in range(20):
        end = "absent-at-provider-resent" if phone(number) in lost else "found-at-provider"
        assert decisions[f"c-{number}"] == ["outcome-unknown", end]


async def test_a_worker_that_stood_still_beyond_its_lease_starts_nothing_it_had_committed_to(live: Live) -> None:
    async with gate_before(live.dsn) as gate:
        worker = await live.worker(quick() | NO_LOOK_UP, dsn=gate.dsn)
        paused = gate.when("INSERT INTO attempt", answered="COMMIT", then=worker.pause)
        await live.seed(PEOPLE)
        await paused.comes()
        stale = await live.tokens()
        await live.until_leases_ran_out()
        worker.resume()
        await live.until_all(PEOPLE, "sent", "delivered")
        attempts = await live.rows(sa.select(ATTEMPT).where(ATTEMPT.c.token.in_(stale)))
        assert [(attempt.state, attempt.code) for attempt in attempts] == [("failed", "send-deadline-passed")] * PEOPLE
        ledger = await live.sandbox.ledger()
        assert stale.isdisjoint(line["attempt"] for line in ledger)
        assert sent_to(ledger) == everybody(PEOPLE)
        await worker.stops()


async def test_a_worker_that_stood_still_in_mid_send_is_overtaken_and_its_late_outcome_changes_nothing(
    live: Live,
) -> None:
    await live.sandbox.set_faults({"fault": "latency", "detail": "30s"})
    late = await live.worker(quick(deadline=4))
    await live.seed(PEOPLE)
    await live.requests(PEOPLE)
    late.pause()
    await live.sandbox.clear_faults()
    await live.worker(quick(deadline=4))
    await live.until_all(PEOPLE, "sent", "delivered")
    found = await live.rows(sa.select(ATTEMPT).order_by(ATTEMPT.c.id))
    assert {attempt.provider_id for attempt in found} == {line["id"] for line in await live.sandbox.ledger()}

    late.resume()
    await late.stops()
    assert sent_to(await live.sandbox.ledger()) == everybody(PEOPLE)
    assert await live.rows(sa.select(ATTEMPT).order_by(ATTEMPT.c.id)) == found


async def test_asked_to_stop_in_mid_send_a_worker_waits_for_answers_and_leaves_no_outcome_open(live: Live) -> None:
    await live.sandbox.set_faults(
        {"fault": "hang", "to": phone(0)},
        {"fault": "hang-after", "to": phone(1)},
        {"fault": "latency", "detail": "500ms"},
    )
    worker = await live.worker(quick(deadline=4))
    await live.seed(PEOPLE)
    await live.requests(PEOPLE)
    await worker.stops(within=25)
    assert {row.recipient: row.state for row in await live.rows(sa.select(ATTEMPT))} == {
        phone(number): "unknown" if number < 2 else "accepted" for number in range(PEOPLE)
    }
    assert sent_to(await live.sandbox.ledger()) == everybody(PEOPLE) - everybody(1)


async def test_a_worker_that_nobody_can_notify_finds_what_is_due_by_its_tick(live: Live) -> None:
    """As behind a pooler that lets no LISTEN through."""
    async with gate_before(live.dsn) as gate:
        gate.refuse("LISTEN")
        worker = await live.worker({"AFTERCARE_WORKER__TICK": "1 second"}, dsn=gate.dsn)
        await worker.says("listen lost")
        await live.seed(PEOPLE)
        await live.until_all(PEOPLE, "sent", "delivered")
        assert sent_to(await live.sandbox.ledger()) == everybody(PEOPLE)
        await worker.stops()


async def test_a_worker_whose_database_falls_silent_stops_in_time_and_another_goes_on(live: Live) -> None:
    async with gate_before(live.dsn) as gate:
        worker = await live.worker(quick() | {"AFTERCARE_WORKER__DRAIN": "9 seconds"}, dsn=gate.dsn)
        silent = gate.when("INSERT INTO attempt", then=gate.fall_silent)
        await live.seed(PEOPLE)
        await silent.comes()
        await worker.stops(within=20)
    await live.worker(quick())
    await live.until_all(PEOPLE, "sent", "delivered")
    assert sent_to(await live.sandbox.ledger()) == everybody(PEOPLE)
