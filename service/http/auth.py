"""Who is asking: a bearer key names its clinic and what it may do."""

from dataclasses import dataclass

from fastapi import Request

from service import clock
from service.errors import Forbidden, Problem, Unauthorized
from service.store.keys import digest_of, key_by_digest
from service.store.session import Database

_REMEMBERED_SECONDS = 5.0
_REMEMBERED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """A clinic's system, by the key that it used."""

    clinic: str
    scopes: frozenset[str]
    key: str = ""
    """Which key it was, as people see it: `ac_1f2e3d4c`."""


class Keys:
    """Looks keys up, and remembers the answer for a few seconds: so long may a revoked key go on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: dict[str, tuple[float, Caller]] = {}

    async def caller(self, request: Request, scope: str) -> Caller:
        """The caller of a request. Raises Unauthorized without a valid key, Forbidden without the scope."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key:
            raise Unauthorized(Problem("no-key", "Authorization", "send your key as `Authorization: Bearer ac_...`"))
        caller = await self._known(digest_of(key.strip()))
        if caller is None:
            raise Unauthorized(Problem("invalid-key", "Authorization", "this key is not valid, or no longer"))
        if scope not in caller.scopes:
            raise Forbidden(Problem("missing-scope", "Authorization", f"this key lacks the scope {scope}"))
        return caller

    async def _known(self, digest: str) -> Caller | None:
        remembered = self._remembered.get(digest)
        if remembered is not None and clock.monotonic() < remembered[0]:
            return remembered[1]
        async with self._database.read() as connection:
            row = await key_by_digest(connection, digest, await self._database.now(connection))
        if row is None:
            self._remembered.pop(digest, None)
            return None
        caller = Caller(row.clinic, frozenset(row.scopes.split()), f"ac_{row.prefix}")
        if len(self._remembered) >= _REMEMBERED_KEYS:
            self._remembered.clear()
        self._remembered[digest] = (clock.monotonic() + _REMEMBERED_SECONDS, caller)
        return caller
