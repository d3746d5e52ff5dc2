"""A disk that can be filled: a small one in memory, where this process may mount it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_SIZE_MB = 800


@dataclass(frozen=True, slots=True)
class Disk:
    folder: Path

    def fill(self) -> None:
        """Take all the room there is left."""
        room = os.statvfs(self.folder)
        with self._filler.open("wb") as file, suppress(OSError):  # somebody may have been faster
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)

    def clear(self) -> None:
        """Give it back."""
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"


@contextmanager
def small_disk() -> Iterator[Disk | None]:
    """A disk that is gone afterwards; None where mounting is not permitted."""
    folder = Path(tempfile.mkdtemp(prefix="aftercare-disk-"))
    mounted = _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE_MB}m,mode=1777", "aftercare-chaos", str(folder))
    try:
        yield Disk(folder) if mounted else None
    finally:
        if mounted:
            _run("umount", "--lazy", str(folder))
        folder.rmdir()


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - words of ours
    except OSError:
        return False
