"""Questions are asked only where somebody hears the answers: of clinics that have an alert address.

Planning leaves questions out for a clinic without one, and plans anew once its address is set or taken away. Here is
the rest: what was scheduled before anybody asked for an address.
"""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs
from service.store import questions as queries
from service.store.session import Database

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
