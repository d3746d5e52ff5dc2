"""What tests of receipts share: reports as providers make them, and a message that one of them is about."""

from datetime import timedelta
from typing import Any

from service.receipts import EvidenceRules, ReceiptRules, Receipts
from service.store.tables import Attempt, core
from service.types import Accepted, AttemptState, FailureClass, Medium, Receipt
from tests.dispatch.acting import day_one_due, says
from tests.support.house import House

RULES = ReceiptRules(EvidenceRules(refusals=3), parked_for=timedelta(days=3), parked_most=5)
DELIVERED, SENT = AttemptState.DELIVERED, AttemptState.SENT


def receipts_of(house: House) -> Receipts:
    return Receipts(house.database, RULES)


def report(
    state: AttemptState = DELIVERED,
    failure: FailureClass | None = None,
    *,
    token: str | None = None,
    provider_id: str = "SM1",
    code: str | None = None,
) -> Receipt:
    return Receipt(provider_id, state, None, token=token, failure=failure, code=code)


def undelivered(failure: FailureClass | None, **more: Any) -> Receipt:
    return report(AttemptState.UNDELIVERED, failure, code="30000", **more)


async def a_text(house: House, **changes: Any) -> None:
    """Day 1's text is with the provider, as SM1."""
    await day_one_due(house, **changes)
    says(house, Medium.SMS, Accepted("SM1"))
    says(house, Medium.EMAIL, Accepted("m-1"))
    await house.dispatch()


async def a_letter(house: House, **changes: Any) -> None:
    """Day 1's letter, to a client who gave no phone, is with the provider, as m-1."""
    await a_text(house, client__phone=None, **changes)


async def attempts(house: House) -> list[Any]:
    return sorted(await house.rows(Attempt), key=lambda row: row.fence)


async def the_attempt(house: House, fence: int = 1) -> Any:
    (row,) = await house.rows(Attempt, core(Attempt).c.fence == fence)
    return row
