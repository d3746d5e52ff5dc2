"""Bearer keys: 256 random bits, shown once, kept as a digest."""

import hashlib
import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import ApiKey, core

API_KEY = core(ApiKey)

SCOPES = ("events:write", "plans:read")
"""What a key may do where nothing else is said."""
ALL_SCOPES = (*SCOPES, "plans:write", "templates:write")


async def issue_key(connection: AsyncConnection, clinic: str, now: datetime, *, scopes: str = " ".join(SCOPES)) -> str:
    """Make a key for a clinic and return it, this once: `ac_<prefix>_<secret>`."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"ac_{prefix}_{secret}"
    await connection.execute(
        API_KEY.insert().values(clinic=clinic, prefix=prefix, digest=digest_of(key), scopes=scopes, created_at=now)
    )
    return key


async def key_by_digest(connection: AsyncConnection, digest: str, now: datetime) -> Any:
    """The key with this digest while it may be used, else None."""
    alive = sa.and_(API_KEY.c.revoked_at.is_(None), sa.or_(API_KEY.c.expires_at.is_(None), API_KEY.c.expires_at > now))
    return (await connection.execute(sa.select(API_KEY).where(API_KEY.c.digest == digest, alive))).first()


async def keys_of(connection: AsyncConnection, clinic: str) -> list[Any]:
    statement = sa.select(API_KEY).where(API_KEY.c.clinic == clinic).order_by(API_KEY.c.created_at)
    return list((await connection.execute(statement)).all())


async def revoke_key(connection: AsyncConnection, clinic: str, prefix: str, now: datetime) -> bool:
    """Whether there was such a key that was not revoked yet."""
    revoked = await connection.execute(
        API_KEY.update()
        .where(API_KEY.c.clinic == clinic, API_KEY.c.prefix == prefix, API_KEY.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return revoked.rowcount > 0


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
