"""Planning anew what no event changed: the rules of a time zone, or what a clinic has set.

A reminder is meant for a local hour. Governments change zones at short notice, and an update of the rules then moves
that hour for plans made long ago. A worker that comes up with other rules than those the plans were made by puts the
clients concerned on a list; so does a clinic that changes its zone or its quiet hours. The list is worked off a few
clients at a time, each under its lock, by planning all of their courses from what is stored: what is still right stays
as it is.
"""

import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from importlib import resources
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import get_tzpath

from service import logs
from service.intake.courses import Planner
from service.intake.effects import Effects
from service.intake.matters import Touched
from service.intake.people import People
from service.protocols import Protocol
from service.store.clients import lock_clients
from service.store.clinics import houses
from service.store.lanes import lower_next_due
from service.store.replanning import ClientKey, replan_zones, save_zone_rules, strike, take_waiting, zone_rules
from service.store.session import Database, is_passing
from service.store.signals import notify

log = logs.get(__name__)

_BATCH = 50
_BATCHES_A_RUN = 20
"""Between two runs others have their turn."""


class _Unplannable(Exception):
    """One of these clients cannot be planned, for a reason of its own."""

    def __init__(self, keys: Sequence[ClientKey]) -> None:
        super().__init__(len(keys))
        self.keys = keys


class Replanning:
    """One worker's share of the list; safe to run in several workers at once."""

    def __init__(
        self,
        database: Database,
        protocols: Mapping[str, Protocol],
        due: Callable[[datetime], None] = lambda _: None,
        *,
        batch: int = _BATCH,
    ) -> None:
        """`due` is told of what was scheduled."""
        self._database = database
        self._planner = Planner(protocols)
        self._due = due
        self._batch = batch
        self._zones_heeded = False

    async def run(self) -> bool:
        """Work off a part of the list; whether something was scheduled."""
        if not self._zones_heeded:
            await self.heed_zone_rules()
        scheduled = False
        for _ in range(_BATCHES_A_RUN):
            count, effects = await self._replan_some(self._batch)
            scheduled |= effects.earliest is not None
            if not count:
                break
        return scheduled

    async def heed_zone_rules(self) -> None:
        """List the clients of zones whose rules are others than those plans were made by. Once a process: what it has
        loaded stays."""
        current = digests_of_zones()

        async def work(connection: AsyncConnection) -> list[str]:
            stored, now = await zone_rules(connection), await self._database.now(connection)
            changed = [zone for zone, digest in current.items() if stored.get(zone, digest) != digest]
            if changed:
                await replan_zones(connection, changed, now)
            if new := {zone: digest for zone, digest in current.items() if stored.get(zone) != digest}:
                await save_zone_rules(connection, new)
            return changed

        if changed := await self._database.transact(work):
            log.warning("zone rules changed", zones=len(changed))
        self._zones_heeded = True

    async def _replan_some(self, limit: int) -> tuple[int, Effects]:
        """How many clients were taken, and what changed. One that cannot be planned stops only itself."""
        try:
            count, effects = await self._database.transact(partial(self._plan_next, limit=limit))
        except _Unplannable as error:
            return await self._plan_others(error)
        if effects.earliest is not None:
            self._due(effects.earliest)
        return count, effects

    async def _plan_others(self, error: "_Unplannable") -> tuple[int, Effects]:
        """Plan as many one by one; one by itself that cannot be planned is taken off the list."""
        if len(error.keys) == 1:
            await self._database.transact(partial(strike, key=error.keys[0]))
            log.error("replan failed", clinic=error.keys[0][0], exc_info=error.__cause__)
            return 1, Effects()
        changed = Effects()
        for _ in error.keys:
            changed.due |= (await self._replan_some(1))[1].due
        return len(error.keys), changed

    async def _plan_next(self, connection: AsyncConnection, *, limit: int) -> tuple[int, Effects]:
        now, effects = await self._database.now(connection), Effects()
        keys = await take_waiting(connection, limit)
        if not keys:
            return 0, effects
        people = People.known(await lock_clients(connection, [], keys))
        clinics = await houses(connection, {clinic for clinic, _ in keys})
        try:
            await self._planner.plan(connection, Touched(clients=set(keys)), people, clinics, effects, _no_event, now)
        except Exception as error:
            if is_passing(error):
                raise
            raise _Unplannable(keys) from error
        await lower_next_due(connection, effects.due)
        if effects.earliest is not None:
            await notify(connection, effects.earliest)
        return len(keys), effects


def _no_event(*_: str) -> None:
    return None


def digests_of_zones() -> dict[str, str]:
    """By name of every zone, a digest of its rules as this process has them."""
    return {zone: sha256(found).hexdigest()[:32] for zone in zoneinfo.available_timezones() if (found := _rules(zone))}


def _rules(zone: str) -> bytes:
    """The compiled rules where `whenever` looks for them: the system's, else those of the `tzdata` package."""
    for folder in get_tzpath():
        path = Path(folder, zone)
        if path.is_file():
            return path.read_bytes()
    packaged = resources.files("tzdata").joinpath("zoneinfo", *zone.split("/"))
    return packaged.read_bytes() if packaged.is_file() else b""
