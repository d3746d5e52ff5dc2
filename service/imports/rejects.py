"""The rejects file: the rows that were not taken, each with its line and what is wrong with it.

Its lines hold the rows as they came, so that the clinic can mend them: personal data. It is readable by its owner only.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from service.errors import Problem
from service.imports.record import Record


class Rejects:
    """Written as rows are rejected; where none is, there is no file.

    `path` is begun anew, but for what an interrupted import wrote of the lines up to `after`.
    """

    def __init__(self, path: Path, *, after: int = 0) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        if after and path.is_file():
            _cut(path, after)
        else:
            path.unlink(missing_ok=True)

    def add(self, record: Record, problems: Sequence[Problem]) -> None:
        """Keep a row with its problems; the first is told on the line itself, others under `further`."""
        first, *others = [
            {"code": problem.code, "where": problem.where, "message": problem.message} for problem in problems
        ]
        text = None if record.raw is None else record.raw.decode("utf-8", "backslashreplace")
        line = {"line": record.line, **first, **({"further": others} if others else {}), "input": text}
        self._opened().write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        if self._file:
            self._file.flush()

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        return self._file


def _cut(path: Path, after: int) -> None:
    """Take away what was written of lines that will be read again, and a last line that a kill left incomplete."""
    kept = 0
    with path.open("r+b") as file:
        for written in file:
            if not written.endswith(b"\n") or orjson.loads(written)["line"] > after:
                break
            kept += len(written)
        file.truncate(kept)
