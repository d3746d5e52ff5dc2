"""Bearer keys: 256 random bits, shown once, kept as a digest. A clinic has its own, and the platform has others."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import Conflict, Problem
from service.store.tables import ApiKey, PlatformKey, core

API_KEY, PLATFORM_KEY = core(ApiKey), core(PlatformKey)

PLATFORM = ""
"""Whose the platform's keys are, where a clinic's name would stand: no clinic is called that."""

SCOPES = ("events:write", "plans:read")
"""What a key may do where nothing else is said."""
ALL_SCOPES = (*SCOPES, "plans:write", "templates:write", "clients:write", "operator")
"""What a clinic's key may do."""
PLATFORM_SCOPE = "platform"
"""What the platform's keys may do, and none of a clinic."""

LAST_USED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a key is known."""

_CLINICS, _PLATFORMS = "ac", "acp"
"""How keys begin, so that one sees whose they are."""


async def issue_key(
    connection: AsyncConnection,
    clinic: str,
    now: datetime,
    *,
    scopes: str = " ".join(SCOPES),
    expires_at: datetime | None = None,
) -> str:
    """Make a key for a clinic, or for the PLATFORM, and return it, this once: `ac_<prefix>_<secret>`."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"{shown(clinic, prefix)}_{secret}"
    row = {"prefix": prefix, "digest": digest_of(key), "created_at": now, "expires_at": expires_at}
    own = {"clinic": clinic, "scopes": scopes} if clinic else {"scopes": PLATFORM_SCOPE}
    await connection.execute(_table(clinic).insert().values(**row, **own))
    return key


async def rotate_key(
    connection: AsyncConnection, clinic: str, prefix: str, now: datetime, grace: timedelta
) -> str | None:
    """A new key that may do the same; the old one works until the grace is over. None: no such key works now.

    A key that was to expire before that still does. The new one lasts as long as the old was made for. Raises Conflict
    (`key-rotated`): a second new one would be one that nobody waits for.
    """
    table = _table(clinic)
    query = sa.select(table).where(_named(clinic, prefix), _alive(table, now))
    old = (await connection.execute(query.with_for_update())).first()
    if old is None:
        return None
    if old.successor:
        sentence = f"{shown(clinic, old.successor)} took its place already: where that was lost, make another"
        raise Conflict(Problem("key-rotated", prefix, sentence))
    await expire_key(connection, clinic, prefix, now, now + grace)
    ends = now + (old.expires_at - old.created_at) if old.expires_at else None
    key = await issue_key(connection, clinic, now, scopes=old.scopes, expires_at=ends)
    await connection.execute(table.update().where(_named(clinic, prefix)).values(successor=prefix_of(key)))
    return key


async def expire_key(connection: AsyncConnection, clinic: str, prefix: str, now: datetime, at: datetime) -> bool:
    """Let a key that works now end at this time, or when it would anyway if that is sooner; whether there was one."""
    table = _table(clinic)
    ends = table.c.expires_at
    sooner = sa.case((sa.or_(ends.is_(None), ends > at), sa.literal(at, ends.type)), else_=ends)
    ended = await connection.execute(
        table.update().where(_named(clinic, prefix), _alive(table, now)).values(expires_at=sooner)
    )
    return ended.rowcount > 0


async def revoke_key(connection: AsyncConnection, clinic: str, prefix: str, now: datetime) -> bool:
    """Whether there was such a key that was not revoked yet."""
    table = _table(clinic)
    revoked = await connection.execute(
        table.update().where(_named(clinic, prefix), table.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return revoked.rowcount > 0


async def key_by_digest(connection: AsyncConnection, digest: str, now: datetime, *, platform: bool = False) -> Any:
    """The clinic's key with this digest, or the platform's, while it may be used; else None."""
    table = PLATFORM_KEY if platform else API_KEY
    return (await connection.execute(sa.select(table).where(table.c.digest == digest, _alive(table, now)))).first()


async def keys_of(connection: AsyncConnection, clinic: str) -> Sequence[Any]:
    """A clinic's keys, or the platform's, the oldest first."""
    table = _table(clinic)
    query = sa.select(table).where(_named(clinic)).order_by(table.c.created_at, table.c.prefix)
    return (await connection.execute(query)).all()


async def key_row(connection: AsyncConnection, clinic: str, prefix: str) -> Any | None:
    return (await connection.execute(sa.select(_table(clinic)).where(_named(clinic, prefix)))).first()


async def note_use(connection: AsyncConnection, clinic: str, prefix: str, now: datetime) -> None:
    """Write down that a key is in use; one noted within the last minute stays as it is."""
    table = _table(clinic)
    stale = sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at <= now - LAST_USED_EVERY)
    await connection.execute(table.update().where(_named(clinic, prefix), stale).values(last_used_at=now))


def is_stale(row: Any, now: datetime) -> bool:
    """Whether a key's last use should be written down anew."""
    return row.last_used_at is None or bool(row.last_used_at <= now - LAST_USED_EVERY)


def shown(clinic: str, prefix: str) -> str:
    """A key as people see it: `ac_1f2e3d4c`, or `acp_1f2e3d4c` of the platform."""
    return f"{_CLINICS if clinic else _PLATFORMS}_{prefix}"


def prefix_of(key: str) -> str:
    return key.split("_")[1]


def is_of_platform(key: str) -> bool:
    return key.startswith(f"{_PLATFORMS}_")


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _table(clinic: str) -> sa.Table:
    return API_KEY if clinic else PLATFORM_KEY


def _named(clinic: str, prefix: str | None = None) -> sa.ColumnElement[bool]:
    """All keys of this clinic, or of the platform; or the one of this prefix."""
    whose = API_KEY.c.clinic == clinic if clinic else sa.true()
    return whose if prefix is None else sa.and_(whose, _table(clinic).c.prefix == prefix)


def _alive(table: sa.Table, now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.revoked_at.is_(None), sa.or_(table.c.expires_at.is_(None), table.c.expires_at > now))
