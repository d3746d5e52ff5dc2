"""A gate before PostgreSQL: all that a process and its database say to each other passes here, so that a test can act
at one exact moment of their talk. Between "the commit is done" and "the process knows" lies no instant that a signal
from outside could be sure to meet; here it is held open.

    async with gate_before(dsn) as gate:
        gate.when("INSERT INTO attempt", then=worker.kill)                       # before the database hears of it
        gate.when("INSERT INTO attempt", answered="COMMIT", then=worker.kill)    # committed, and the worker knows not
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from tests.support.processes import PATIENCE

_CHUNK = 65_536


@dataclass(slots=True)
class Moment:
    asked: bytes
    answered: bytes
    then: Callable[[], object]
    heard_on: object = None
    """The connection on which `asked` was said; the answer is awaited there."""
    _happened: asyncio.Event = field(default_factory=asyncio.Event)

    def come(self) -> None:
        self.then()
        self._happened.set()

    async def comes(self) -> None:
        """Wait for it."""
        async with asyncio.timeout(PATIENCE):
            await self._happened.wait()


class Gate:
    def __init__(self, dsn: str) -> None:
        self._beyond = urlsplit(dsn)
        self._moments: list[Moment] = []
        self._refused: list[bytes] = []
        self._passable = asyncio.Event()
        self._passable.set()
        self._ways: set[asyncio.Task[None]] = set()
        self._served: set[asyncio.Task[None]] = set()
        self.dsn = ""
        """The database's address through this gate."""

    def when(self, asked: str, *, then: Callable[[], object], answered: str = "", told: str = "") -> Moment:
        """Call `then` once, when a client says `asked`, or when it is given that answer afterwards; only then do the
        words go on. `answered` is a command that PostgreSQL has done, `told` any other words."""
        # In PostgreSQL's talk a done command is told by its name and a zero byte.
        moment = Moment(asked.encode(), answered.encode() + b"\0" if answered else told.encode(), then)
        self._moments.append(moment)
        return moment

    def forget(self) -> None:
        """Wait for no moment any more."""
        self._moments.clear()

    def refuse(self, asked: str) -> None:
        """Hang up on every connection that says so."""
        self._refused.append(asked.encode())

    def fall_silent(self) -> None:
        """Let nothing through any more, and hang up on nobody: a network that swallows everything."""
        self._passable.clear()

    def speak_again(self) -> None:
        """What was held back goes on."""
        self._passable.set()

    def cut(self) -> int:
        """Hang up on everybody, whatever they were saying; how many connections that were."""
        ways = list(self._ways)
        for way in ways:
            way.cancel()
        return len(ways) // 2

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._served.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(self._beyond.hostname, self._beyond.port)
        except OSError:
            writer.close()  # the database is down: so is its gate
            return
        connection = object()
        ways = {
            asyncio.create_task(self._pass(reader, back, partial(self._asked, connection))),
            asyncio.create_task(self._pass(there, writer, partial(self._answered, connection))),
        }
        self._ways |= ways
        # Where one side hangs up, so does the other.
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        self._ways -= ways
        for end in (back, writer):
            end.close()
            with suppress(ConnectionError):
                await end.wait_closed()

    async def close(self) -> None:
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._served)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heed: Callable[[bytes], None]
    ) -> None:
        with suppress(ConnectionError):
            while words := await reader.read(_CHUNK):
                await self._passable.wait()
                heed(words)
                writer.write(words)
                await writer.drain()

    def _asked(self, connection: object, words: bytes) -> None:
        if any(refused in words for refused in self._refused):
            raise ConnectionAbortedError
        for moment in list(self._moments):
            if moment.heard_on is None and moment.asked in words:
                moment.heard_on = connection
                if not moment.answered:
                    self._come(moment)

    def _answered(self, connection: object, words: bytes) -> None:
        for moment in list(self._moments):
            if moment.heard_on is connection and moment.answered and moment.answered in words:
                self._come(moment)

    def _come(self, moment: Moment) -> None:
        self._moments.remove(moment)
        moment.come()


@asynccontextmanager
async def gate_before(dsn: str) -> AsyncIterator[Gate]:
    gate = Gate(dsn)
    server = await asyncio.start_server(gate.serve, "127.0.0.1")
    beyond = urlsplit(dsn)
    port = server.sockets[0].getsockname()[1]
    gate.dsn = dsn.replace(f":{beyond.port}/", f":{port}/")
    try:
        yield gate
    finally:
        server.close()
        await gate.close()
