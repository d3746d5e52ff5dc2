"""`aftercare key`: bearer keys of a clinic's systems."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.errors import BadInput, NotFound, Problem
from service.settings import Settings
from service.store.keys import ALL_SCOPES, SCOPES, issue_key, keys_of, revoke_key

app = typer.Typer(help="API keys: add, list, revoke.", no_args_is_help=True)


@app.command("add")
def add(
    clinic: ClinicOption,
    scope: Annotated[list[str] | None, typer.Option(help=f"What it may do: {', '.join(ALL_SCOPES)}.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once: only its digest is kept."""
    settings, scopes = settings_for("tool"), scope or list(SCOPES)
    if unknown := sorted({*scopes} - {*ALL_SCOPES}):
        raise BadInput(Problem("unknown-scope", "--scope", f"{unknown[0]} is none of {', '.join(ALL_SCOPES)}"))
    key = in_loop(lambda: _add(settings, clinic, scopes))
    if as_json:
        print_json({"key": key})
    else:
        typer.echo(key)


@app.command("list")
def list_(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """List a clinic's keys by their prefix."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _list(settings, clinic))
    if as_json:
        print_json(rows)
        return
    table = Table("key", "scopes", "made", "revoked")
    for row in rows:
        table.add_row(f"ac_{row['prefix']}_...", row["scopes"], str(row["created_at"]), str(row["revoked_at"] or ""))
    Console().print(table)


@app.command("revoke")
def revoke(
    clinic: ClinicOption, prefix: Annotated[str, typer.Argument(help="The eight characters after `ac_`.")]
) -> None:
    """Revoke a key; it stops working within five seconds."""
    settings = settings_for("tool")
    if not in_loop(lambda: _revoke(settings, clinic, prefix)):
        raise NotFound(Problem("unknown-key", prefix, "this clinic has no such key that is not revoked"))
    typer.echo(f"Revoked ac_{prefix}_...")


async def _add(settings: Settings, clinic: str, scopes: list[str]) -> str:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            return await issue_key(connection, clinic, await database.now(connection), scopes=" ".join(scopes))


async def _list(settings: Settings, clinic: str) -> list[dict[str, Any]]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            rows = await keys_of(connection, clinic)
    names = ("prefix", "scopes", "created_at", "expires_at", "revoked_at")
    return [{name: getattr(row, name) for name in names} for row in rows]


async def _revoke(settings: Settings, clinic: str, prefix: str) -> bool:
    async with open_store(settings) as database, database.write() as connection:
        return await revoke_key(connection, clinic, prefix, await database.now(connection))
