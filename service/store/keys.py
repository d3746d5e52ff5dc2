"""Bearer keys: 256 random bits, shown once, kept as a digest."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import ApiKey, core

API_KEY = core(ApiKey)

SCOPES = ("events:write", "plans:read")
"""What a key may do where nothing else is said."""
ALL_SCOPES = (*SCOPES, "plans:write", "templates:write", "clients:write", "operator")

LAST_USED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a key is known."""


async def issue_key(
    connection: AsyncConnection,
    clinic: str,
    now: datetime,
    *,
    scopes: str = " ".join(SCOPES),
    expires_at: datetime | None = None,
) -> str:
    """Make a key for a clinic and return it, this once: `ac_<prefix>_<secret>`."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"ac_{prefix}_{secret}"
    row = {"clinic": clinic, "prefix": prefix, "digest": digest_of(key), "scopes": scopes, "created_at": now}
    await connection.execute(API_KEY.insert().values(**row, expires_at=expires_at))
    return key


async def rotate_key(
    connection: AsyncConnection, clinic: str, prefix: str, now: datetime, grace: timedelta
) -> str | None:
    """A new key that may do the same; the old one works until the grace is over. None: no such key works now.

    A key that was to expire before that still does. The new one lasts as long as the old was made for.
    """
    query = sa.select(API_KEY).where(API_KEY.c.clinic == clinic, API_KEY.c.prefix == prefix, _alive(now))
    old = (await connection.execute(query.with_for_update())).first()
    if old is None:
        return None
    await expire_key(connection, clinic, prefix, now, now + grace)
    ends = now + (old.expires_at - old.created_at) if old.expires_at else None
    return await issue_key(connection, clinic, now, scopes=old.scopes, expires_at=ends)


async def expire_key(connection: AsyncConnection, clinic: str, prefix: str, now: datetime, at: datetime) -> bool:
    """Let a key that works now end at this time, or when it would anyway if that is sooner; whether there was one."""
    sooner = sa.case(
        (sa.or_(API_KEY.c.expires_at.is_(None), API_KEY.c.expires_at > at), sa.literal(at, API_KEY.c.expires_at.type)),
        else_=API_KEY.c.expires_at,
    )
    ended = await connection.execute(
        API_KEY.update()
        .where(API_KEY.c.clinic == clinic, API_KEY.c.prefix == prefix, _alive(now))
        .values(expires_at=sooner)
    )
    return ended.rowcount > 0


async def revoke_key(connection: AsyncConnection, clinic: str, prefix: str, now: datetime) -> bool:
    """Whether there was such a key that was not revoked yet."""
    revoked = await connection.execute(
        API_KEY.update()
        .where(API_KEY.c.clinic == clinic, API_KEY.c.prefix == prefix, API_KEY.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return revoked.rowcount > 0


async def key_by_digest(connection: AsyncConnection, digest: str, now: datetime) -> Any:
    """The key with this digest while it may be used, else None."""
    return (await connection.execute(sa.select(API_KEY).where(API_KEY.c.digest == digest, _alive(now)))).first()


async def keys_of(connection: AsyncConnection, clinic: str) -> Sequence[Any]:
    """A clinic's keys, the oldest first."""
    statement = sa.select(API_KEY).where(API_KEY.c.clinic == clinic).order_by(API_KEY.c.created_at, API_KEY.c.prefix)
    return (await connection.execute(statement)).all()


async def note_use(connection: AsyncConnection, clinic: str, prefix: str, now: datetime) -> None:
    """Write down that a key is in use; one noted within the last minute stays as it is."""
    stale = sa.or_(API_KEY.c.last_used_at.is_(None), API_KEY.c.last_used_at <= now - LAST_USED_EVERY)
    await connection.execute(
        API_KEY.update().where(API_KEY.c.clinic == clinic, API_KEY.c.prefix == prefix, stale).values(last_used_at=now)
    )


def is_stale(row: Any, now: datetime) -> bool:
    """Whether a key's last use should be written down anew."""
    return row.last_used_at is None or bool(row.last_used_at <= now - LAST_USED_EVERY)


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _alive(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(API_KEY.c.revoked_at.is_(None), sa.or_(API_KEY.c.expires_at.is_(None), API_KEY.c.expires_at > now))
