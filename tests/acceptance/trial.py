"""`aftercare run`, as a person tries it out: what it greets with, and what it keeps in its folder."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyreqwest.client import Client

from tests.acceptance.live import answers
from tests.support.processes import AFTERCARE, Process, Processes, free_port, until

FALL_DUE_AT_ONCE = (
    "day-1-sunscreen",
    "day-2-sensitivity-check",
    "day-30-results-check",
    "next-session",
    "maintenance-due",
)
"""Of the sample clinic's reminders."""


@dataclass(frozen=True)
class Trial:
    process: Process
    folder: Path
    site: str
    sign_in: str
    key: str

    def rows(self, query: str) -> Sequence[Any]:
        with closing(sqlite3.connect(self.folder / ".aftercare" / "aftercare.db", timeout=30)) as database:
            return database.execute(query).fetchall()

    async def until_captured(self, *steps: str) -> None:
        """Wait until the outbox has messages of all these steps."""

        async def all_there() -> bool:
            found = self.rows(
                "SELECT step FROM attempt JOIN reminder ON reminder.id = attempt.reminder "
                "WHERE attempt.state = 'captured' AND reminder.state = 'captured'"
            )
            return {step for (step,) in found} >= set(steps)

        await until(all_there, f"the outbox has {', '.join(steps)}")


async def trial(processes: Processes, client: Client, program: tuple[str, ...] = AFTERCARE) -> Trial:
    """Start it on a port of its own, and read what it prints."""
    port = free_port()
    process = processes.start("run", program=program, settings={"PORT": str(port)})
    site = f"http://127.0.0.1:{port}"
    await process.says(rf"Console  {site}/console\n")
    sign_in = (await process.says(r"Sign in  (\S+)"))[1]
    key = (await process.says(r"API key  (.+)"))[1]
    await until(lambda: answers(client, f"{site}/readyz", process), "it is ready")
    return Trial(process, processes.folder, site, sign_in, key)
