"""Reads the ledger and the database into the checker's values."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from chaos.values import Attempt, Reminder, Taken
from service.store.session import Database
from service.store.tables import Attempt as AttemptRow
from service.store.tables import Decision, Sender, core
from service.store.tables import Reminder as ReminderRow
from service.types import AttemptState, IfUnknown, Json, ReminderState

ATTEMPT, REMINDER, DECISION, SENDER = core(AttemptRow), core(ReminderRow), core(Decision), core(Sender)


def taken(ledger: Path) -> list[Taken]:
    """Every message that the provider accepted, in order."""
    return [_taken(line) for line in _lines(ledger) if line.get("outcome") == "accepted"]


def _taken(line: Json) -> Taken:
    return Taken(
        line=line["n"],
        at=datetime.fromisoformat(line["at"]),
        to=line["to"],
        provider_id=line["id"],
        token=line["attempt"] or "",
        body_hash=line["body_hash"] if line["provider"] == "twilio" else "",
    )


def _lines(ledger: Path) -> Iterator[Any]:
    with ledger.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


async def attempts(database: Database) -> list[Attempt]:
    names = ("clinic", "id", "reminder", "token", "fence", "medium", "recipient", "body_hash", "state", "provider_id",
             "code", "created_at", "receipt_at", "evidence")  # fmt: skip
    rows = await _rows(database, ATTEMPT, names)
    return [Attempt(**row | {"state": AttemptState(row["state"])}) for row in rows]


async def reminders(database: Database) -> list[Reminder]:
    names = ("clinic", "id", "treatment", "step", "sender", "if_unknown", "state", "reason", "fence", "intended_at",
             "due_at", "expires_at")  # fmt: skip
    rows = await _rows(database, REMINDER, names)
    typed = ({"state": ReminderState(row["state"]), "if_unknown": IfUnknown(row["if_unknown"])} for row in rows)
    return [Reminder(**row | types) for row, types in zip(rows, typed, strict=True)]


async def _rows(database: Database, table: sa.Table, names: tuple[str, ...]) -> list[dict[str, Any]]:
    async with database.read() as connection:
        found = await connection.execute(sa.select(*(table.c[name] for name in names)))
        return [dict(row) for row in found.mappings()]


async def keep(database: Database, folder: Path) -> None:
    """Write all rows beside the ledger: the database ends with the run."""
    async with database.read() as connection:
        for table in (ATTEMPT, REMINDER, DECISION, SENDER):
            rows = (await connection.execute(sa.select(table))).mappings()
            lines = (orjson.dumps(dict(row), default=str, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
            (folder / f"{table.name}.ndjson").write_bytes(b"".join(lines))
