"""Many reminders at once: several workers share them, and a database that fails in the middle loses none."""

import asyncio
import os
from collections import Counter

import asyncpg
import orjson

from service import clock
from tests.acceptance.live import answers, everybody, living, quick, sent_to, visit
from tests.conftest import new_migrated_database
from tests.support.house import CLINIC
from tests.support.postgres import Server, postgres
from tests.support.processes import Processes, until
from tests.support.sandbox import Sandbox, running_sandbox

MANY = int(os.environ.get("ACCEPTANCE_REMINDERS", "1000"))
NO_CALLBACKS = {"PUBLIC_URL": ""}


async def test_a_file_imported_twice_is_sent_once_by_two_workers_though_one_is_stopped_in_the_middle(
    postgres_server: Server, sandbox: Sandbox, processes: Processes
) -> None:
    """Each worker has a provider's door of its own, so that it shows who sent what."""
    url = await new_migrated_database(postgres_server)
    async with running_sandbox() as other, living(url, sandbox, processes, rate=MANY / 4) as live:
        await live.hold()
        file = processes.folder / "visits.ndjson"
        file.write_bytes(b"".join(orjson.dumps(visit(number, clock.now())) + b"\n" for number in range(MANY)))
        for taken, repeated in ((MANY, 0), (0, MANY)):
            words = ("import", file.name, "--clinic", CLINIC, "--json")
            imported = await processes.command(*words, settings={"DATABASE_URL": live.dsn})
            assert imported.code == 0, imported.err
            counts = orjson.loads(imported.out)
            assert (counts["taken"], counts["repeated"], counts["rejected"]) == (taken, repeated, 0)

        stopped, staying = await asyncio.gather(live.worker(NO_CALLBACKS), live.worker(NO_CALLBACKS, sandbox=other))
        await live.release()

        async def shared() -> bool:
            accepted = [(await one.stats())["accepted"] for one in (sandbox, other)]
            return bool(min(accepted) > MANY / 20)

        await until(shared, "both workers send")
        await stopped.stops(within=25)
        await live.until_all(MANY, "sent")
        ledgers = [await sandbox.ledger(), await other.ledger()]
        assert sent_to(*ledgers) == everybody(MANY)
        assert Counter(line["outcome"] for ledger in ledgers for line in ledger) == {"accepted": MANY}
        await staying.stops()


async def test_a_database_that_stops_under_load_and_starts_again_loses_nothing(
    sandbox: Sandbox, processes: Processes
) -> None:
    with postgres(durable=True) as server:
        url = await new_migrated_database(server)
        async with living(url, sandbox, processes, rate=60) as live:
            web, worker = await live.web(), await live.worker(quick())
            await sandbox.set_faults({"fault": "latency", "detail": "50-300ms"})  # some are always on their way
            await live.seed(300)
            await live.requests(60)
            await asyncio.to_thread(server.stop, "immediate")
            status, problem = await live.post(visit(300, clock.now()))
            assert (status, problem["code"]) == (503, "database-unavailable")
            assert await answers(sandbox.client, f"{live.url}/healthz", web)
            assert not await answers(sandbox.client, f"{live.url}/readyz", web)

            await asyncio.to_thread(server.start)
            await until(lambda: answers(sandbox.client, f"{live.url}/readyz", web), "web is ready again")
            assert (await live.post(visit(300, clock.now())))[0] == 201
            await live.until_all(301, "sent", "delivered")
            assert sent_to(await sandbox.ledger()) == everybody(301)
            await worker.stops()
            await web.stops()


async def test_sessions_that_are_ended_at_random_lose_nothing(
    postgres_server: Server, sandbox: Sandbox, processes: Processes
) -> None:
    url = await new_migrated_database(postgres_server)
    async with living(url, sandbox, processes, rate=50) as live:
        await sandbox.set_faults({"fault": "latency", "detail": "1-50ms"})
        worker = await live.worker(quick())
        await live.seed(150)
        connection = await asyncpg.connect(live.dsn)
        ended = seen = 0
        while seen < 150:
            seen = len(await live.requests(min(150, seen + 5)))
            ended += await connection.fetchval(_END_TWO)
        await connection.close()
        await live.until_all(150, "sent", "delivered")
        assert sent_to(await live.sandbox.ledger()) == everybody(150)
        assert ended > 2
        await worker.stops()


_END_TWO = """
    SELECT count(pg_terminate_backend(pid)) FROM (
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        ORDER BY random() LIMIT 2
    ) AS chosen
"""
