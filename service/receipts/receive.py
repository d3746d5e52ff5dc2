"""Receipts: what providers report later, applied in groups; those about nothing we know of are parked.

A receipt can come before the attempt's own answer is written down, and then names it by its token; or name it only by
an id that we have not stored yet. So what fits no attempt waits, bounded in number and time, until one is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs, metrics
from service.alerts.record import hear_of_alert, is_about_alert
from service.receipts.evidence import REFUSALS_COUNT_FOR, Evidence, EvidenceRules, Report
from service.store import parking
from service.store import receipts as queries
from service.store.lanes import lower_next_due
from service.store.session import Database
from service.store.signals import notify
from service.types import Medium, Receipt

log = logs.get(__name__)

_GROUP = 100
"""Receipts in one transaction: it holds their attempts' locks."""


@dataclass(frozen=True, slots=True)
class ReceiptRules:
    evidence: EvidenceRules = field(default_factory=EvidenceRules)
    parked_for: timedelta = timedelta(days=3)
    parked_most: int = 10_000
    """More than this are not kept: their statuses are asked for instead."""


class Receipts:
    """Applies receipts; safe to call with the same ones again."""

    def __init__(self, database: Database, rules: ReceiptRules | None = None) -> None:
        self._database = database
        self._rules = rules or ReceiptRules()

    async def take(self, receipts: Sequence[Receipt]) -> int:
        """Apply or park these; returns how many named an attempt of ours. Raises what a database raises: repeat it."""
        # In one order everywhere, so that two groups do not wait for each other's attempts.
        ordered = iter(sorted(receipts, key=lambda receipt: (receipt.token or "", receipt.provider_id)))
        known = 0
        while group := list(islice(ordered, _GROUP)):
            known += await self._database.transact(lambda connection, group=group: self._take(connection, group))  # type: ignore[misc]
        return known

    async def keep_house(self) -> bool:
        """Apply parked receipts whose attempt has appeared, drop what is too old; whether anything was applied."""
        return await self._database.transact(self._unpark)

    async def _take(self, connection: AsyncConnection, group: Sequence[Receipt]) -> int:
        now = await self._database.now(connection)
        evidence = Evidence(connection, self._rules.evidence)
        results = [await self._apply(connection, evidence, receipt, now) for receipt in group]
        await announce(connection, evidence)
        for receipt, result in zip(group, results, strict=True):
            metrics.receipts.labels(receipt.state.value, result).inc()
        return sum(result in _KNOWN for result in results)

    async def _apply(self, connection: AsyncConnection, evidence: Evidence, receipt: Receipt, now: datetime) -> str:
        if is_about_alert(receipt):
            return "applied" if await hear_of_alert(connection, receipt, now) else "repeated"
        attempt = await queries.lock_reported(connection, receipt.token or "", receipt.provider_id)
        if attempt is None:
            return await self._park(connection, receipt, now)
        if attempt.medium == Medium.EMAIL:  # the only trace that a provider without records gives
            await queries.note_heard(connection, attempt.clinic, attempt.sender, now)
        return "applied" if await evidence.apply(Report(attempt, receipt, now)) else "repeated"

    async def _park(self, connection: AsyncConnection, receipt: Receipt, now: datetime) -> str:
        if not receipt.token and not receipt.provider_id:
            return "dropped"
        if await parking.parked_count(connection) >= self._rules.parked_most:
            log.warning("receipt dropped", state=receipt.state, reason="parking-full")
            return "dropped"
        await parking.park(connection, receipt, now)
        return "parked"

    async def _unpark(self, connection: AsyncConnection) -> bool:
        now = await self._database.now(connection)
        found = await parking.take_parked(connection, _GROUP)
        evidence = Evidence(connection, self._rules.evidence)
        for receipt in found:
            await self._apply(connection, evidence, receipt, now)
        if dropped := await parking.drop_parked(connection, now - self._rules.parked_for):
            log.warning("receipts dropped", reason="unknown-attempt", count=dropped)
        await queries.forget_refusals(connection, now - REFUSALS_COUNT_FOR)
        await announce(connection, evidence)
        return bool(found)


_KNOWN = frozenset({"applied", "repeated"})


async def announce(connection: AsyncConnection, evidence: Evidence) -> None:
    """Tell lanes and workers of what was scheduled again: the end of a transaction that applied evidence."""
    if evidence.due:
        await notify(connection, min(evidence.due.values()))
        await lower_next_due(connection, evidence.due)
