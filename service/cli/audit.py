"""`aftercare audit`: who read or changed what."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from service.audit import Deed, lines_json
from service.cli.layout import print_rows
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.errors import BadInput, Problem
from service.settings import Settings
from service.sheets import sheet
from service.store.audit import Sought, lines_page
from service.timing import time_written

app = typer.Typer(help="The audit log: list.", no_args_is_help=True)

_COLUMNS = ("at", "who", "act", "about", "client")


@app.callback()
def _group() -> None:
    """One command is a group, too."""


@app.command("list")
def list_(
    clinic: ClinicOption,
    client: Annotated[str, typer.Option(help="About this client alone.")] = "",
    who: Annotated[str, typer.Option(help="By these alone: staff:owner, key:ac_1f2e3d4c, command:deploy.")] = "",
    act: Annotated[Deed | None, typer.Option(help="Of this kind alone.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Like 2026-11-21T10:00:00Z.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on after a page.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List who read or changed what, the latest first."""
    settings = settings_for("tool")
    sought = Sought(client, who, act.value if act else "", _time(since))
    rows = in_loop(lambda: _list(settings, clinic, sought, _mark(cursor), limit + 1))
    page = lines_json(rows, limit)
    if as_json:
        print_json(page)
    elif as_csv:
        typer.echo(sheet(_COLUMNS, [[line[name] for name in _COLUMNS] for line in page["lines"]]), nl=False)
    else:
        print_rows(_COLUMNS, map(_cells, page["lines"]), head=3)
        if page["next"]:
            typer.echo(f"There are more: --cursor {page['next']}")


async def _list(settings: Settings, clinic: str, sought: Sought, before: UUID | None, limit: int) -> list[Any]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            return list(await lines_page(connection, clinic, sought, before, limit))


def _cells(line: dict[str, Any]) -> list[str]:
    return [f"{line['at']:%Y-%m-%d %H:%M:%S}", *(line[name] or "" for name in _COLUMNS[1:])]


def _time(text: str | None) -> datetime | None:
    found = time_written(text, "--since") if text else None
    if found is not None and found.tzinfo is None:
        sentence = "this time names no offset; write it like 2026-11-20T15:00:00Z"
        raise BadInput(Problem("naive-time", "--since", sentence))
    return found


def _mark(cursor: str | None) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise BadInput(Problem("bad-cursor", "--cursor", "take it from the end of the page before")) from None
