"""Processes forked from one that has imported all of `aftercare` already: real ones, without the second that imports
take.

    with warmed() as warm:
        process = warm.fork(["worker"], folder, environment, Streams(given, out, err))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0

Run as a program this module is that process. It forks twice and lets the one between die, so that the new process
becomes a child of the tests, which alone can stop, kill and wait for it as for any child. That takes Linux.
"""

import ctypes
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

_CHECKOUT = Path(__file__).resolve().parents[2]
_SET_CHILD_SUBREAPER = 36  # of <linux/prctl.h>: orphans below us become our children
_ENOUGH = 1 << 20


@dataclass(frozen=True, slots=True)
class Streams:
    """The files of its standard streams."""

    given: str
    out: str
    err: str


class Forked:
    """What `Popen` is of a process that was started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._ended(os.WNOHANG)

    def wait(self) -> int:
        code = self._ended(0)
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class Warm:
    """The process that waits, as the tests see it."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def fork(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Streams) -> Forked:
        """`aftercare ARGUMENTS` in a session of its own."""
        wanted = {"arguments": arguments, "folder": str(folder), "environment": dict(environment), **asdict(streams)}
        with _adopting_orphans():
            self._line.sendall(json.dumps(wanted).encode())
            told = self._line.recv(_ENOUGH)
        assert told, "the waiting process has ended"
        return Forked(int(told))


@contextmanager
def warmed() -> Iterator[Warm | None]:
    """Nothing where processes have to be started in full."""
    if sys.platform != "linux":
        yield None
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = (sys.executable, "-P", "-m", __name__, str(theirs.fileno()))
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(_CHECKOUT)}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
    )
    theirs.close()
    with ours:
        yield Warm(ours)
    process.wait()  # it ends when the tests hang up


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Only while a fork is made: whoever else loses its parent is left to the system."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _wait_and_fork(line: socket.socket) -> None:
    """Until the tests hang up."""
    while wanted := line.recv(_ENOUGH):
        pid = _forked_twice()
        if pid == 0:
            line.close()
            _become(**json.loads(wanted))
        line.sendall(str(pid).encode())


def _forked_twice() -> int:
    """Zero in the new process; in the waiting one its number, once it is an orphan."""
    told, tell = os.pipe()
    between = os.fork()
    if between == 0:
        pid = os.fork()
        if pid == 0:
            os.close(told)
            os.close(tell)
            return 0
        os.write(tell, str(pid).encode())
        os._exit(0)
    os.close(tell)
    os.waitpid(between, 0)
    pid = int(os.read(told, 20))
    os.close(told)
    return pid


def _become(
    *, arguments: list[str], folder: str, environment: dict[str, str], given: str, out: str, err: str
) -> NoReturn:
    os.setsid()
    for number, (path, flags) in enumerate(((given, os.O_RDONLY), (out, os.O_WRONLY), (err, os.O_WRONLY))):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["aftercare", *arguments]
    from service.cli.main import main

    main()
    sys.exit()


def _import_all() -> None:
    from service.cli import clinic
    from service.cli.lazy import Lazy
    from service.cli.main import _COMMANDS

    commands: tuple[Any, ...] = (*_COMMANDS, *clinic._COMMANDS)
    for command in commands:
        assert isinstance(command, Lazy)
        command.imported()
    gc.collect()
    gc.freeze()
    threads = list(Path("/proc/self/task").iterdir())
    assert len(threads) == 1, "a thread would be missing after a fork: a module starts one when it is imported"


if __name__ == "__main__":
    _import_all()
    _wait_and_fork(socket.socket(fileno=int(sys.argv[1])))
