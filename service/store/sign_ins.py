"""Sign-in links: issued for one member of staff, consumed once. Only a digest of the token is stored."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import NotFound, Problem
from service.store.tables import SignIn, Staff, core

SIGN_IN, STAFF = core(SignIn), core(Staff)

_BETWEEN = "~"
"""Parts the clinic from the secret: it needs no escaping in an address, and the secret never holds it."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom a token let in."""

    clinic: str
    staff: str


async def issue_sign_in(
    connection: AsyncConnection, clinic: str, staff: str, now: datetime, lifetime: timedelta
) -> str:
    """Make a token (256 random bits) that lets this member of staff in once, until `now + lifetime`.

    Tokens of this clinic that have expired are forgotten. Raises NotFound where the clinic has no such staff.
    """
    known = sa.select(STAFF.c.id).where(STAFF.c.clinic == clinic, STAFF.c.id == staff)
    if await connection.scalar(known) is None:
        raise NotFound(Problem("unknown-staff", staff, "this clinic has nobody of that name on its staff"))
    token = f"{clinic}{_BETWEEN}{secrets.token_urlsafe(32)}"
    await connection.execute(SIGN_IN.delete().where(SIGN_IN.c.clinic == clinic, SIGN_IN.c.expires_at <= now))
    await connection.execute(
        SIGN_IN.insert().values(clinic=clinic, digest=_digest(token), staff=staff, expires_at=now + lifetime)
    )
    return token


async def consume(connection: AsyncConnection, token: str, now: datetime) -> SignedIn | None:
    """Use up a token that was open just now; None where it is unknown, used or expired. Of two at once, the database
    lets one through."""
    clinic = token.partition(_BETWEEN)[0]
    used = SIGN_IN.update().where(*_still_good(token, now)).values(used_at=now).returning(SIGN_IN.c.staff)
    staff = (await connection.execute(used)).scalar_one_or_none()
    return SignedIn(clinic, staff) if staff is not None else None


async def is_open(connection: AsyncConnection, token: str, now: datetime) -> bool:
    """Whether a token would let somebody in."""
    if _BETWEEN not in token or "\x00" in token:
        return False
    return bool(await connection.scalar(sa.select(sa.exists().where(*_still_good(token, now)))))


def _still_good(token: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SIGN_IN.c.clinic == token.partition(_BETWEEN)[0],
        SIGN_IN.c.digest == _digest(token),
        SIGN_IN.c.used_at.is_(None),
        SIGN_IN.c.expires_at > now,
    )


async def sign_out(connection: AsyncConnection, clinic: str, staff: str, now: datetime) -> None:
    """Whoever came in as this member of staff until now is out."""
    await connection.execute(
        STAFF.update().where(STAFF.c.clinic == clinic, STAFF.c.id == staff).values(signed_out_at=now)
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
