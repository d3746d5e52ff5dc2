"""Missed statuses: a provider that keeps records is asked about messages that got no last word.

Callbacks get lost: our web process was down, nobody told the provider our address, a proxy dropped them. Attempts are
asked about when they reach certain ages, at growing gaps. After 72 hours without a last word `sent` is one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import Any

from service import clock, logs
from service.channels.base import Channel, KeepsRecords
from service.errors import Unavailable
from service.receipts.receive import Receipts
from service.store.polling import take_unreported
from service.store.session import Database
from service.types import Found, Medium, Receipt

log = logs.get(__name__)

_BATCH = 100
_AT_ONCE = 8
"""Questions to a provider in flight: few, beside the sends."""


@dataclass(frozen=True, slots=True)
class PollRules:
    first: timedelta = timedelta(minutes=30)
    """From an attempt's settling to the first question; soon, where no callback can come."""
    final: timedelta = timedelta(hours=72)
    """After so long a message that is only `sent` stays so."""
    for_at_most: float = 20.0
    """Seconds that one pass may take: what is left waits for the next."""

    def ages(self) -> list[timedelta]:
        """The ages at which an attempt is asked about: each twice the one before."""
        doubled = (self.first * 2**times for times in range(64))
        return list(takewhile(lambda age: age < self.final, doubled))


class Polling:
    """One worker's passes; safe to run in several workers at once: each takes other attempts."""

    def __init__(
        self, database: Database, channels: Mapping[Medium, Channel], receipts: Receipts, rules: PollRules
    ) -> None:
        self._database = database
        self._channels = {medium: each for medium, each in channels.items() if isinstance(each, KeepsRecords)}
        self._receipts = receipts
        self._rules = rules

    async def run(self) -> bool:
        """Ask about whatever has come to be asked about; whether there was any."""
        end = clock.monotonic() + self._rules.for_at_most
        asked = False
        for age in self._rules.ages() if self._channels else []:
            while clock.monotonic() < end:
                rows = await self._take(age)
                await self._ask_all(rows)
                asked |= bool(rows)
                if len(rows) < _BATCH:
                    break
        return asked

    async def _take(self, age: timedelta) -> Sequence[Any]:
        async def work(connection: Any) -> Sequence[Any]:
            now = await self._database.now(connection)
            media = [medium.value for medium in self._channels]
            return await take_unreported(connection, age, media, now - self._rules.final, now, _BATCH)

        return await self._database.transact(work)

    async def _ask_all(self, rows: Sequence[Any]) -> None:
        """What is not answered now is asked again at the next age."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def ask(row: Any) -> Found | None:
            async with free:
                return await self._ask(row)

        answers = await asyncio.gather(*(ask(row) for row in rows))
        told = [receipt_of(found) for found in answers if found is not None]
        if told:
            await self._receipts.take(told)

    async def _ask(self, row: Any) -> Found | None:
        channel = self._channels[Medium(row.medium)]
        try:
            return await channel.fetch(row.provider_id)
        except Unavailable as error:
            log.info("status not told", attempt=str(row.id), code=error.code)
        except Exception as error:  # what cannot be asked stops only itself
            log.error("status crashed", attempt=str(row.id), exc_info=error)
        return None


def receipt_of(found: Found) -> Receipt:
    """A message in a provider's records as a receipt."""
    return Receipt(found.provider_id, found.state, None, failure=found.failure, code=found.code)
