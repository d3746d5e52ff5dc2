"""Health for operators: alive, ready, and what is counted.

`/healthz` says that the process answers. `/readyz` is red when no worker's heartbeat is fresh, or when the database or
its disk takes no writes: then events would be refused or nothing would be sent.
"""

import asyncio
from datetime import timedelta

import orjson
from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError

from service import clock, metrics
from service.store.alerts import oldest_waiting
from service.store.session import Database
from service.store.workers import latest_beat, try_writing

_REMEMBERED_SECONDS = 2.0


class Readiness:
    """Checks at most every two seconds, however often it is asked."""

    def __init__(self, database: Database, fresh: timedelta) -> None:
        self._database = database
        self._fresh = fresh
        self._checked_at = float("-inf")
        self._problems: list[str] = []
        self._checking = asyncio.Lock()

    async def problems(self) -> list[str]:
        """What stands in the way of working, as stable codes; empty when ready."""
        async with self._checking:  # strangers may ask, too: however many at once, there is one check
            if clock.monotonic() - self._checked_at > _REMEMBERED_SECONDS:
                self._problems = await self._check()
                self._checked_at = clock.monotonic()
            return self._problems

    async def _check(self) -> list[str]:
        try:
            async with self._database.write() as connection:
                now = await self._database.now(connection)
                await try_writing(connection, now)
                seen = await latest_beat(connection)
                waiting = await oldest_waiting(connection)
        except (SQLAlchemyError, OSError):
            return ["database-refuses-writes"]
        metrics.alert_age_seconds.set((now - waiting).total_seconds() if waiting else 0)
        if seen is None:
            return ["no-worker"]
        metrics.heartbeat_age_seconds.set((now - seen).total_seconds())
        return ["worker-silent"] if now - seen > self._fresh else []


def health_router(readiness: Readiness) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        return _json(200, {"status": "ok"})

    @router.get("/readyz")
    async def readyz() -> Response:
        problems = await readiness.problems()
        return _json(503 if problems else 200, {"status": "not ready" if problems else "ready", "problems": problems})

    @router.get("/metrics")
    async def prometheus() -> Response:
        await readiness.problems()
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    return router


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
