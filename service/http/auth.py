"""Who is asking: a bearer key names its clinic and what it may do, and how often it may ask.

A key of the platform names no clinic, and may do nothing that a clinic's key may: its one scope is its own.
"""

from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request

from service import clock
from service.errors import Forbidden, Problem, Unauthorized
from service.http.limits import Buckets, RateLimit
from service.store.keys import (
    PLATFORM,
    PLATFORM_SCOPE,
    digest_of,
    is_of_platform,
    is_stale,
    key_by_digest,
    note_use,
    shown,
)
from service.store.session import TROUBLE, Database

_REMEMBERED_SECONDS = 5.0
_REMEMBERED_KEYS = 10_000
_GENEROUS = RateLimit(1_000, 5_000)


@dataclass(frozen=True, slots=True)
class Caller:
    """A clinic's system, or the platform's, by the key that it used."""

    clinic: str
    """Whose things these are. Of a key of the platform it is empty, until the address has named a clinic."""
    scopes: frozenset[str]
    key: str = ""
    """Which key it was, as people see it: `ac_1f2e3d4c`, `acp_1f2e3d4c`."""


class Keys:
    """Looks keys up, and remembers the answer for a few seconds: so long may a revoked key go on."""

    def __init__(self, database: Database, limit: RateLimit = _GENEROUS) -> None:
        self.database = database
        self._buckets = Buckets(limit)
        self._remembered: dict[str, tuple[float, Caller]] = {}
        self._noting: set[str] = set()

    async def caller(self, request: Request, scope: str) -> Caller:
        """The caller of a request, which is counted once however often this is asked.

        Raises Unauthorized without a valid key, TooMany, Forbidden without the scope.
        """
        caller = await self._anyone(request)
        if not getattr(request.state, "is_counted", False):
            self._buckets.take(caller.key)
            request.state.is_counted = True
        if scope not in caller.scopes:
            raise Forbidden(Problem("missing-scope", "Authorization", _lacking(caller, scope)))
        return caller

    async def _anyone(self, request: Request) -> Caller:
        """Whose key this is, whatever it may do. Raises Unauthorized without a valid key."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key:
            raise Unauthorized(Problem("no-key", "Authorization", "send your key as `Authorization: Bearer ac_...`"))
        caller = await self._known(key.strip())
        if caller is None:
            raise Unauthorized(Problem("invalid-key", "Authorization", "this key is not valid, or no longer"))
        return caller

    async def _known(self, key: str) -> Caller | None:
        digest, platform = digest_of(key), is_of_platform(key)
        remembered = self._remembered.get(digest)
        if remembered is not None and clock.monotonic() < remembered[0]:
            return remembered[1]
        async with self.database.read() as connection:
            now = await self.database.now(connection)
            row = await key_by_digest(connection, digest, now, platform=platform)
        if row is None:
            self._remembered.pop(digest, None)
            return None
        clinic = PLATFORM if platform else row.clinic
        caller = Caller(clinic, frozenset(row.scopes.split()), shown(clinic, row.prefix))
        if len(self._remembered) >= _REMEMBERED_KEYS:
            self._remembered.clear()
        self._remembered[digest] = (clock.monotonic() + _REMEMBERED_SECONDS, caller)
        if is_stale(row, now):
            await self._note_use(clinic, row.prefix)
        return caller

    async def _note_use(self, clinic: str, prefix: str) -> None:
        """Once a minute and key, and by one request of those that come together. A use that is not noted harms none."""
        noting = shown(clinic, prefix)
        if noting in self._noting:
            return
        self._noting.add(noting)
        try:
            with suppress(*TROUBLE):
                async with self.database.write() as connection:
                    await note_use(connection, clinic, prefix, await self.database.now(connection))
        finally:
            self._noting.discard(noting)


def _lacking(caller: Caller, scope: str) -> str:
    """What to do about it: no key of one kind can be given the scopes of the other."""
    if caller.clinic == PLATFORM:
        return "this is a platform key, which opens /v1/clinics alone: make a clinic's key"
    if scope == PLATFORM_SCOPE:
        return "this takes a platform key: `aftercare key add --platform` makes one"
    return f"this key lacks the scope {scope}"
