"""`aftercare ...` in this process: what a terminal would show, and the exit code, at a hundredth of a process's cost.

What a process is (signals, kills, its end) needs a real one: `tests.support.processes`. What a command does and says
does not.
"""

import asyncio
import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from service.cli.main import main
from tests.support.processes import NOTHING, Ended


async def types(*words: object, folder: Path, settings: Mapping[str, str] = NOTHING, given: bytes = b"") -> Ended:
    """Type a command in a folder; `given` is on standard input. It has a loop, and so a thread, of its own."""
    return await asyncio.to_thread(type_, *words, folder=folder, settings=settings, given=given)


def type_(*words: object, folder: Path, settings: Mapping[str, str] = NOTHING, given: bytes = b"") -> Ended:
    """The same where no loop runs."""
    out, err = io.StringIO(), io.StringIO()
    with _at_a_terminal(words, folder, settings, given), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ended(code, out.getvalue(), err.getvalue())


@contextmanager
def _at_a_terminal(
    words: tuple[object, ...], folder: Path, settings: Mapping[str, str], given: bytes
) -> Iterator[None]:
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "80", **settings}
    with (
        chdir(folder),
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", ["aftercare", *map(str, words)]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given))),
    ):
        yield
