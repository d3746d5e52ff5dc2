"""Keys and what is done with them, each act with its line in the audit log of the clinic concerned.

The platform's own keys are of no clinic, and so in no clinic's log; what is done with one is in the log of the clinic
that it is done to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.errors import BadInput, NotFound, Problem
from service.store.keys import ALL_SCOPES, expire_key, issue_key, prefix_of, revoke_key, rotate_key, shown

LONGEST_LIFE: Final = timedelta(days=36_500)


async def add_key(
    connection: AsyncConnection,
    clinic: str,
    who: object,
    now: datetime,
    *,
    scopes: Sequence[str] = (),
    lasts: timedelta | None = None,
    where: str = "scopes",
) -> str:
    """Make a key for a clinic, or for the PLATFORM, and return it, this once; `lasts`: None for ever.

    Raises BadInput (`unknown-scope`); `where` is what the scopes are called there.
    """
    if unknown := sorted({*scopes} - {*ALL_SCOPES}):
        raise BadInput(Problem("unknown-scope", where, f"{unknown[0]} is none of {', '.join(ALL_SCOPES)}"))
    ordered = " ".join(one for one in ALL_SCOPES if one in scopes)
    key = await issue_key(connection, clinic, now, scopes=ordered, expires_at=_end(now, lasts))
    await _note(connection, clinic, who, Deed.KEY_ISSUED, now, prefix_of(key))
    return key


async def renew_key(
    connection: AsyncConnection, clinic: str, who: object, prefix: str, now: datetime, grace: timedelta
) -> str:
    """A new key that may do the same, for as long; the old one ends with the grace. Raises NotFound, Conflict."""
    key = await rotate_key(connection, clinic, prefix, now, min(grace, LONGEST_LIFE))
    if key is None:
        raise _no_such_key(prefix)
    await _note(connection, clinic, who, Deed.KEY_ISSUED, now, prefix_of(key))
    await _note(connection, clinic, who, Deed.KEY_ENDED, now, prefix)
    return key


async def end_key(
    connection: AsyncConnection, clinic: str, who: object, prefix: str, now: datetime, within: timedelta | None = None
) -> None:
    """Let a key end after a while, never later than was said before; at once where none is given. Raises NotFound."""
    if within is None:
        ended = await revoke_key(connection, clinic, prefix, now)
    else:
        ended = await expire_key(connection, clinic, prefix, now, now + min(within, LONGEST_LIFE))
    if not ended:
        raise _no_such_key(prefix)
    await _note(connection, clinic, who, Deed.KEY_ENDED, now, prefix)


def _end(now: datetime, lasts: timedelta | None) -> datetime | None:
    return now + min(lasts, LONGEST_LIFE) if lasts is not None else None


def _no_such_key(prefix: str) -> NotFound:
    return NotFound(Problem("unknown-key", prefix, "there is no such key here that works now"))


async def _note(connection: AsyncConnection, clinic: str, who: object, deed: Deed, now: datetime, prefix: str) -> None:
    if clinic:
        await note(connection, clinic, who, deed, now, about=shown(clinic, prefix))
