"""Writing behind: the database writes what was decided while the next is being decided."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class WriteBehind:
    """One write at a time, so that a connection can be shared with it: between `begin` and `end` it is the write's."""

    def __init__(self) -> None:
        self._writing: asyncio.Task[None] | None = None

    async def begin(self, write: Coroutine[Any, Any, None]) -> None:
        """Begin this write once the one before has ended; raises what that one raised."""
        try:
            await self.end()
        except BaseException:
            write.close()
            raise
        self._writing = asyncio.create_task(write)

    async def end(self) -> None:
        """Wait for the write, if there is one; raises what it raised."""
        writing, self._writing = self._writing, None
        if writing:
            await writing

    async def give_up(self) -> None:
        """Break the write off, if there is one, and wait until it has let go of the connection."""
        writing, self._writing = self._writing, None
        if writing:
            writing.cancel()
            await asyncio.wait([writing])
            if not writing.cancelled():
                writing.exception()  # whoever breaks it off has a reason of their own to tell


@asynccontextmanager
async def write_behind() -> AsyncIterator[WriteBehind]:
    """All that was begun has ended, or was broken off, when the block ends."""
    behind = WriteBehind()
    try:
        yield behind
        await behind.end()
    finally:
        await behind.give_up()
