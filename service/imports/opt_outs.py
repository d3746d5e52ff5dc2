"""Lists of people who opted out somewhere else: CSV with a column `phone`, or `email`, or both.

Taken in before the first visit is, they are suppressed before anything could be sent to them. Reading a list again
changes nothing more, so one that was interrupted is simply read again.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, TextIO

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import BadInput, Problem
from service.imports.columns import simplified
from service.imports.csv_rows import SEPARATORS
from service.intake.addresses import SENTENCES, email_address, phone_address
from service.store.clinics import houses
from service.store.opt_outs import opt_out
from service.store.session import Database
from service.types import Medium

REASON: Final = "opted-out-elsewhere"
_BATCH = 500
_COLUMNS: Mapping[str, Medium] = {"phone": Medium.SMS, "email": Medium.EMAIL}


@dataclass(slots=True)
class OptOuts:
    """What became of a list."""

    people: int = 0
    """Numbers and addresses on it that can be written to."""
    new: int = 0
    """Those of them that were not suppressed before."""
    refused: list[Problem] = field(default_factory=list)
    """Cells that are no number or address that could be written to: where, and why."""


async def take_opt_outs(database: Database, clinic: str, file: TextIO, name: str) -> OptOuts:
    """Suppress everybody on the list; `name` leads the places of problems.

    Raises BadInput (`missing-column`) where the first line names neither column.
    """
    header = file.readline()
    separator = max(SEPARATORS, key=header.count)
    columns = _columns(next(csv.reader([header], delimiter=separator), []), f"{name}:1")
    rows = csv.reader(file, delimiter=separator)
    async with database.read() as connection:
        country = (await houses(connection, {clinic}))[clinic].country
    taken = OptOuts()
    entries = _entries(rows, columns, country, name, taken)
    while some := list(islice(entries, _BATCH)):
        taken.people += len(some)
        taken.new += await database.transact(partial(_suppress, database=database, clinic=clinic, entries=some))
    return taken


_Entry = tuple[Medium, str]


async def _suppress(connection: AsyncConnection, *, database: Database, clinic: str, entries: Iterable[_Entry]) -> int:
    now, new = await database.now(connection), 0
    for medium in Medium:
        addresses = {address for of, address in entries if of is medium}
        new += await opt_out(connection, clinic, medium, addresses, REASON, now)
    return new


def _columns(header: list[str], where: str) -> dict[int, str]:
    """The columns that are read, by their number."""
    names = [simplified(cell.removeprefix("\ufeff")) for cell in header]
    found = {number: name for number, name in enumerate(names) if name in _COLUMNS}
    if not found:
        raise BadInput(Problem("missing-column", where, 'the first line must name a column "phone", or "email"'))
    return found


def _entries(
    rows: Iterator[list[str]], columns: Mapping[int, str], country: str, name: str, taken: OptOuts
) -> Iterator[_Entry]:
    for line, row in enumerate(rows, start=2):
        for number, column in columns.items():
            cell = row[number].strip() if number < len(row) else ""
            if not cell:
                continue
            found = phone_address(cell, country) if column == "phone" else email_address(cell)
            if found.value:
                yield _COLUMNS[column], found.value
            else:
                sentence = SENTENCES[found.problem].partition(":")[0]
                taken.refused.append(Problem(found.problem, f"{name}:{line} {column}", sentence))
