"""Real processes: `aftercare ...` as people start it, with a clean environment, its words kept, and a sure end.

    async with running(tmp_path) as processes:
        worker = processes.start("worker", settings=settings)
        await worker.says("worker started")
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0

Only processes started here are ever signalled. What still runs at the end of the block is killed. Where there is a
warm process, they are forked from it: as real, and sooner there.
"""

import asyncio
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from service import clock
from tests.support.warm import Forked, Streams, Warm

T = TypeVar("T")

CHECKOUT = Path(__file__).resolve().parents[2]
AFTERCARE = (sys.executable, "-P", "-m", "service.cli")
NOTHING: Mapping[str, str] = MappingProxyType({})
PATIENCE = 60.0
"""Seconds. Waits end as soon as what they wait for is there; only a failure takes so long."""
_LOOK_EVERY = 0.02
_LAST_LINES = 40


async def until(asked: Callable[[], Awaitable[T]], what: str, within: float = PATIENCE) -> T:
    """Ask until the answer is truthy, and return it; fails saying `what` was waited for."""
    give_up = clock.monotonic() + within
    while not (answer := await asked()):
        if clock.monotonic() > give_up:
            raise AssertionError(f"waited {within:.0f} s in vain: {what}")
        await asyncio.sleep(_LOOK_EVERY)
    return answer


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and all it said."""

    code: int
    out: str
    err: str


class Process:
    """One process that runs, or has ended."""

    def __init__(self, popen: subprocess.Popen[bytes] | Forked, title: str, log: Path) -> None:
        self._popen = popen
        self.title = title
        self._log = log

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def out(self) -> str:
        return _text(self._log.with_suffix(".out"))

    @property
    def err(self) -> str:
        return _text(self._log.with_suffix(".err"))

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def pause(self) -> None:
        """Stop it where it is (SIGSTOP); on return it stands still."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    async def says(self, pattern: str, within: float = PATIENCE) -> re.Match[str]:
        """Wait for a line, on stdout or stderr; fails at once where the process ends without it."""

        async def found() -> re.Match[str] | None:
            ended = not self.running
            match = re.search(pattern, self.out + self.err)
            assert match or not ended, f"{self.title} ended with {self._popen.returncode} and never said {pattern!r}"
            return match

        match = await until(found, f"{self.title} says {pattern!r}", within)
        assert match is not None
        return match

    async def ended(self, within: float = PATIENCE) -> int:
        """Wait for its end; the exit code, negative where a signal ended it."""

        async def over() -> bool:
            return not self.running

        await until(over, f"{self.title} ends", within)
        assert self._popen.returncode is not None
        return self._popen.returncode

    async def stops(self, within: float = PATIENCE) -> None:
        """Ask it to stop (SIGTERM), and see that it does so in good order."""
        self.signal(signal.SIGTERM)
        code = await self.ended(within)
        assert code == 0, f"{self.title} ended with {code}"

    def kill(self) -> None:
        """End it whatever it does, stopped ones too, and wait for that."""
        if self.running:
            self._popen.kill()
        self._popen.wait()

    def last_words(self) -> str:
        """For a failed test's report."""
        lines = [*self.out.splitlines(), *self.err.splitlines()]
        return "\n".join([f"exit code: {self._popen.poll()}", *lines[-_LAST_LINES:]])


class Processes:
    """All processes of one test; they work in `folder` and keep their words beside it."""

    def __init__(self, folder: Path, warm: Warm | None = None) -> None:
        self._warm = warm
        self.folder = folder / "work"
        self._logs = folder / "logs"
        self.folder.mkdir()
        self._logs.mkdir()
        self.all: list[Process] = []

    def start(
        self,
        *arguments: str,
        settings: Mapping[str, str] = NOTHING,
        program: tuple[str, ...] = AFTERCARE,
        given: Path | None = None,
    ) -> Process:
        """Start `aftercare ARGUMENTS`; `settings` are environment variables, `given` a file for standard input."""
        title = " ".join([Path(program[-1]).name, *arguments])
        log = self._logs / f"{len(self.all)}-{arguments[0] if arguments else 'bare'}"
        streams = Streams(*(str(path.absolute()) for path in _streams(log, given)))
        environment = {**_environment(program), **settings}
        if self._warm is not None and program == AFTERCARE:
            popen: subprocess.Popen[bytes] | Forked = self._warm.fork(arguments, self.folder, environment, streams)
        else:
            popen = _started((*program, *arguments), self.folder, environment, streams)
        process = Process(popen, f"{title} (pid {popen.pid})", log)
        self.all.append(process)
        return process

    async def command(
        self,
        *arguments: str,
        settings: Mapping[str, str] = NOTHING,
        program: tuple[str, ...] = AFTERCARE,
        given: Path | None = None,
    ) -> Ended:
        """Run a command to its end."""
        process = self.start(*arguments, settings=settings, program=program, given=given)
        code = await process.ended()
        return Ended(code, process.out, process.err)

    def words(self) -> Iterator[tuple[str, str]]:
        """Everything that any of them said, with who said it."""
        for process in self.all:
            yield process.title, process.out + process.err


@asynccontextmanager
async def running(folder: Path, warm: Warm | None = None) -> AsyncIterator[Processes]:
    processes = Processes(folder, warm)
    try:
        yield processes
    finally:
        for process in processes.all:
            process.kill()


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections: among them, a client
    that tries a server which is down could connect to itself."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - a port, not a secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _streams(log: Path, given: Path | None) -> tuple[Path, Path, Path]:
    """Files for the standard streams; the latter two are there, and empty."""
    out, err = log.with_suffix(".out"), log.with_suffix(".err")
    out.touch()
    err.touch()
    return given or Path(os.devnull), out, err


def _started(
    command: tuple[str, ...], folder: Path, environment: Mapping[str, str], streams: Streams
) -> subprocess.Popen[bytes]:
    with (
        Path(streams.given).open("rb") as given,
        Path(streams.out).open("wb") as out,
        Path(streams.err).open("wb") as err,
    ):
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=given,
            stdout=out,
            stderr=err,
            start_new_session=True,  # a Ctrl-C at the test run's terminal is not for them
        )


def _environment(program: tuple[str, ...]) -> dict[str, str]:
    """Nothing is inherited but where programs are: a developer's own settings must not reach a test."""
    bare = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return bare | ({"PYTHONPATH": str(CHECKOUT)} if program == AFTERCARE else {})


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
