"""python -m chaos.kills: what a SIGKILL leaves unknown, against the slots in flight; and the story of one reminder that
was killed between the provider's 201 and our writing it down.
"""

import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import uvloop

from tests.acceptance.gate import gate_before
from tests.acceptance.live import AT_ONCE, REMINDER, Live, living, quick, sent_to
from tests.conftest import new_migrated_database
from tests.support.house import CLINIC
from tests.support.postgres import Server, postgres
from tests.support.processes import running
from tests.support.sandbox import running_sandbox

_SLOTS = (20, 100, 400)


async def main() -> None:
    with postgres(durable=True) as server:
        for slots in _SLOTS:
            await _in_a_house(server, partial(_kill, slots=slots))
        await _in_a_house(server, _story)


async def _in_a_house(server: Server, act: Callable[[Live], Awaitable[None]]) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = await stack.enter_async_context(running(folder))
        sandbox = await stack.enter_async_context(running_sandbox())
        url = await new_migrated_database(server)
        await act(await stack.enter_async_context(living(url, sandbox, processes)))


async def _kill(live: Live, slots: int) -> None:
    """A worker whose slots are all taken by slow sends is killed; another finds out what became of them."""
    await live.sandbox.set_faults("latency=30s")
    settings = quick(deadline=5) | {"AFTERCARE_WORKER__SLOTS": str(slots), "AFTERCARE_WORKER__BATCH": str(slots)}
    worker = await live.worker(settings)
    await live.seed(2 * slots)
    await live.requests(slots)
    worker.kill()
    accepted = sum(sent_to(await live.sandbox.ledger()).values())
    await live.sandbox.clear_faults()
    await live.worker(settings)
    await live.until_all(2 * slots, "sent", "delivered", within=120)
    codes = Counter(code for codes in (await live.decisions()).values() for code in codes)
    twice = sum(count > 1 for count in sent_to(await live.sandbox.ledger()).values())
    print(
        f"{slots} slots: {accepted} accepted and unanswered at the kill, {codes['outcome-unknown']} unknown, "
        f"{codes['found-at-provider']} found, {codes['absent-at-provider-resent']} sent once more, {twice} doubled"
    )


async def _story(live: Live) -> None:
    async with gate_before(live.dsn) as gate:
        worker = await live.worker(quick(), dsn=gate.dsn)
        killed = gate.when("UPDATE attempt", then=worker.kill)
        await live.seed(1)
        await killed.comes()
    await live.worker(quick())
    await live.until_all(1, "sent", "delivered")
    (row,) = await live.rows(sa.select(REMINDER.c.id).where(REMINDER.c.step == AT_ONCE))
    told = await live.processes.command("reminder", "show", str(row.id), "--clinic", CLINIC, settings=live.settings())
    print(f"\nKilled after the provider's 201:\n\n{told.out or told.err}")


if __name__ == "__main__":
    uvloop.run(main())
