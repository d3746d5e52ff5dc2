"""Questions are asked only where somebody hears the answers: of clinics that have an alert address.

Planning leaves questions out for a clinic without one. Here is the rest: what was scheduled before, and what was left
out once the clinic has an address.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.intake.courses import Planner
from service.intake.effects import Effects
from service.intake.matters import Touched
from service.intake.people import People
from service.protocols import Protocol
from service.store import questions as queries
from service.store.alerts import hurry_alerts
from service.store.clients import lock_clients
from service.store.clinics import houses
from service.store.lanes import lower_next_due
from service.store.session import Database
from service.store.signals import notify, notify_alert

log = logs.get(__name__)

_BATCH = 100


class Questions:
    """One worker's look at questions that must not be asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looked = False

    async def refuse_unheard(self) -> bool:
        """Call off what clinics without an alert address have scheduled to ask, and say who they are; once in a process
        is enough, since nothing more is planned for them."""
        if not self._looked:
            counts: Counter[str] = Counter()
            while found := await self._database.transact(self._refuse):
                counts.update(found)
            async with self._database.read() as connection:
                for clinic in await queries.deaf_clinics(connection):
                    reason = queries.NO_ALERT_ADDRESS
                    log.warning("questions not asked", clinic=clinic, reason=reason, called_off=counts[clinic])
            self._looked = True
        return False

    async def _refuse(self, connection: AsyncConnection) -> Mapping[str, int]:
        return await queries.call_off_unheard(connection, await self._database.now(connection), _BATCH)


async def follow_alert_address(database: Database, protocols: Mapping[str, Protocol], clinic: str) -> int:
    """A clinic's alert address was set or taken away: ask what was left out and try waiting alerts now, or call off
    what would be asked. Returns how many reminders that schedules."""

    async def hurry(connection: AsyncConnection) -> bool:
        await hurry_alerts(connection, clinic, await database.now(connection))
        await notify_alert(connection)
        return bool((await houses(connection, {clinic}))[clinic].alert_email)

    if await database.transact(hurry):
        return await _ask_after_all(database, protocols, clinic)
    await Questions(database).refuse_unheard()
    return 0


async def _ask_after_all(database: Database, protocols: Mapping[str, Protocol], clinic: str) -> int:
    """Plan anew for the clients whose questions were left out; returns how many reminders that schedules."""
    async with database.read() as connection:
        clients = await queries.clients_not_asked(connection, clinic, await database.now(connection))
    planned = 0
    for start in range(0, len(clients), _BATCH):
        group = clients[start : start + _BATCH]

        async def work(connection: AsyncConnection, group: Sequence[str] = group) -> Effects:
            return await _plan_anew(connection, Planner(protocols), clinic, group, database)

        planned += (await database.transact(work)).planned
    return planned


async def _plan_anew(
    connection: AsyncConnection, planner: Planner, clinic: str, refs: Sequence[str], database: Database
) -> Effects:
    now, effects = await database.now(connection), Effects()
    named = {(clinic, ref) for ref in refs}
    stored = await lock_clients(connection, [], named)
    clients = {key: dict(row._mapping) for key, row in stored.items()}  # noqa: SLF001 - SQLAlchemy's documented accessor
    people = People(clients, frozenset(), frozenset(), {})
    found = await houses(connection, {clinic})
    await planner.plan(connection, Touched(clients=named), people, found, effects, lambda *_: None, now)
    if effects.earliest is not None:
        await notify(connection, effects.earliest)
    await lower_next_due(connection, effects.due)
    return effects
