"""Carries what the providers post to us: status callbacks, inbound texts, event webhooks."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

_REMEMBERED = 10_000
_AT_ONCE = 64
_PATIENCE = timedelta(seconds=15)


class Reply(NamedTuple):
    """What the receiver said; status 0: it could not be reached or did not answer in time."""

    status: int
    text: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Courier:
    """Posts now or later, and remembers the latest 10,000 deliveries with what became of them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._client: Client | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """Call off what has not gone out, and forget what has."""
        for task in self._tasks:
            task.cancel()
        self._posted = 0
        self._deliveries: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    def begin(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run an errand in the background; `settled` waits for it."""
        task = asyncio.get_running_loop().create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Returns once no errand is under way, new ones included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def post(self, url: str, body: bytes, headers: dict[str, str], what: str) -> Reply:
        try:
            response = await self._pool().post(url).headers(headers).body_bytes(body).build().send()
            reply = Reply(response.status, await response.text())
        except (PyreqwestError, ValueError):  # ValueError: an address that is none
            reply = Reply(0)
        self._remember(url, what, reply)
        return reply

    def _pool(self) -> Client:
        if self._client is None:
            builder = ClientBuilder().timeout(_PATIENCE).max_connections(_AT_ONCE)
            self._client = builder.follow_redirects(enable=False).no_proxy().build()
        return self._client

    def _remember(self, url: str, what: str, reply: Reply) -> None:
        self._posted += 1
        entry = {"n": self._posted, "at": self._now(), "url": url, "what": what, "status": reply.status}
        self._deliveries.append(entry)

    def deliveries(self) -> list[dict[str, Any]]:
        """The latest deliveries, oldest first: n, at, url, what (such as `delivered`), status."""
        return list(self._deliveries)

    def stats(self) -> dict[str, int]:
        failed = sum(not 200 <= delivery["status"] < 300 for delivery in self._deliveries)
        return {"posted": self._posted, "failed": failed, "waiting": len(self._tasks)}

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
