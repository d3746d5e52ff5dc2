"""Writing down that staff must be told: in the transaction of what they must be told of, so that neither is lost."""

import re
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs, metrics
from service.store.alerts import add_alert, reopen_alert
from service.store.signals import notify_alert
from service.types import AttemptState, Json, Receipt

log = logs.get(__name__)

RECENT: Final = timedelta(hours=1)
"""What was told this recently is not told again: a sender that pauses and resumes by turns is one piece of news."""
_AFTER_A_BOUNCE: Final = timedelta(hours=1)
"""A mailbox that took no mail is tried again after this long."""
_MARK: Final = "alert"
_TOKEN: Final = re.compile(rf"{_MARK} ([a-z0-9-]+) ([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}) (\d{{1,6}})")
_LOST: Final = frozenset({AttemptState.UNDELIVERED, AttemptState.FAILED})


async def alert(connection: AsyncConnection, clinic: str, kind: str, about: str, detail: Json, now: datetime) -> bool:
    """Have the clinic's staff told, once for each (clinic, kind, about) that is not told yet or was recently.

    `kind` has its words in `words.toml`; `about` is the id of what it is about (of a reply, a sender, a step). `detail`
    holds codes and counts for the words, never a client's. A worker is woken once this transaction commits. Returns
    whether it is news.
    """
    added = await add_alert(connection, clinic, kind, about, detail, now, unless_since=now - RECENT)
    if added:
        metrics.alerts.labels("raised").inc()
        await notify_alert(connection)
    return added


def token_of(row: Any) -> str:
    """Names one try of an alert in the provider's reports, apart from the tokens of clients' messages."""
    return f"{_MARK} {row.clinic} {row.id} {row.tries + 1}"


def quiet_token(id_: UUID) -> str:
    """Names a message to staff from whose reports nothing follows."""
    return f"{_MARK} {id_}"


def is_about_alert(receipt: Receipt) -> bool:
    return (receipt.token or "").startswith(f"{_MARK} ")


async def hear_of_alert(connection: AsyncConnection, receipt: Receipt, now: datetime) -> bool:
    """What the provider reports about an alert's mail: one that did not arrive is sent again later. Whether it was."""
    named = _TOKEN.fullmatch(receipt.token or "")
    if named is None or receipt.state not in _LOST:
        return False
    clinic, id_, tries = named[1], UUID(named[2]), int(named[3])
    code = receipt.failure.value if receipt.failure else receipt.state.value
    if not await reopen_alert(connection, clinic, id_, tries, until=now + _AFTER_A_BOUNCE, code=code):
        return False
    log.error("alert not delivered", clinic=clinic, code=code, tries=tries)
    metrics.alerts.labels("failed").inc()
    return True
