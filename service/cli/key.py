"""`aftercare key`: bearer keys of a clinic's systems."""

from datetime import timedelta
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from service.audit import Deed, note
from service.cli.someone import someone
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.errors import BadInput, NotFound, Problem
from service.settings import Settings
from service.settings.forms import Length
from service.store.keys import ALL_SCOPES, SCOPES, expire_key, issue_key, keys_of, revoke_key, rotate_key

app = typer.Typer(help="API keys: add, list, rotate, expire, revoke.", no_args_is_help=True)

PrefixArgument = Annotated[str, typer.Argument(help="The eight characters after `ac_`.")]
_LENGTH: TypeAdapter[timedelta] = TypeAdapter(Length)


@app.command("add")
def add(
    clinic: ClinicOption,
    scope: Annotated[list[str] | None, typer.Option(help=f"What it may do: {', '.join(ALL_SCOPES)}.")] = None,
    expires: Annotated[str, typer.Option(help='When it ends by itself: "90 days". Without: never.')] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once: only its digest is kept."""
    settings, scopes = settings_for("tool"), scope or list(SCOPES)
    if unknown := sorted({*scopes} - {*ALL_SCOPES}):
        raise BadInput(Problem("unknown-scope", "--scope", f"{unknown[0]} is none of {', '.join(ALL_SCOPES)}"))
    lasts = _length(expires, "--expires") if expires else None
    _print_key(in_loop(lambda: _add(settings, clinic, scopes, lasts)), as_json=as_json)


@app.command("rotate")
def rotate(
    clinic: ClinicOption,
    prefix: PrefixArgument,
    grace: Annotated[str, typer.Option(help="How long the old key goes on working.")] = "7 days",
    as_json: JsonOption = False,
) -> None:
    """Make a key that may do the same, for as long, and print it, this once; the old one ends with the grace."""
    settings, lasts = settings_for("tool"), _length(grace, "--grace")
    key = in_loop(lambda: _rotate(settings, clinic, prefix, lasts))
    if key is None:
        raise _no_such_key(prefix)
    _print_key(key, as_json=as_json)
    if not as_json:
        typer.echo(f"ac_{prefix}_... goes on working for {grace}; `aftercare key revoke` ends it at once.", err=True)


@app.command("expire")
def expire(
    clinic: ClinicOption,
    prefix: PrefixArgument,
    within: Annotated[str, typer.Option("--in", help='After how long it ends: "1 hour".')],
) -> None:
    """Let a key end by itself after a while. It never lasts longer than was said before."""
    settings, lasts = settings_for("tool"), _length(within, "--in")
    if not in_loop(lambda: _expire(settings, clinic, prefix, lasts)):
        raise _no_such_key(prefix)
    typer.echo(f"ac_{prefix}_... ends in {within}, if not before.")


@app.command("list")
def list_(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """List a clinic's keys by their prefix."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _list(settings, clinic))
    if as_json:
        print_json(rows)
        return
    table = Table("key", "scopes", "made", "last used", "ends", "revoked")
    for row in rows:
        times = [
            f"{row[name]:%Y-%m-%d %H:%M}" if row[name] else ""
            for name in ("created_at", "last_used_at", "expires_at", "revoked_at")
        ]
        table.add_row(f"ac_{row['prefix']}_...", row["scopes"], *times)
    Console().print(table)


@app.command("revoke")
def revoke(clinic: ClinicOption, prefix: PrefixArgument) -> None:
    """Revoke a key; it stops working within five seconds."""
    settings = settings_for("tool")
    if not in_loop(lambda: _revoke(settings, clinic, prefix)):
        raise _no_such_key(prefix)
    typer.echo(f"Revoked ac_{prefix}_...")


def _no_such_key(prefix: str) -> NotFound:
    return NotFound(Problem("unknown-key", prefix, "this clinic has no such key that works now"))


def _length(written: str, option: str) -> timedelta:
    try:
        return _LENGTH.validate_python(written)
    except ValidationError:
        sentence = 'write a length of time such as "30 minutes" or "7 days"'
        raise BadInput(Problem("invalid-length", option, sentence)) from None


def _print_key(key: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"key": key})
    else:
        typer.echo(key)


async def _add(settings: Settings, clinic: str, scopes: list[str], lasts: timedelta | None) -> str:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            ends = now + lasts if lasts else None
            key = await issue_key(connection, clinic, now, scopes=" ".join(scopes), expires_at=ends)
            await note(connection, clinic, someone(), Deed.KEY_ISSUED, now, about=_shown(key))
            return key


async def _rotate(settings: Settings, clinic: str, prefix: str, grace: timedelta) -> str | None:
    async with open_store(settings) as database, database.write() as connection:
        now = await database.now(connection)
        key = await rotate_key(connection, clinic, prefix, now, grace)
        if key is not None:
            await note(connection, clinic, someone(), Deed.KEY_ISSUED, now, about=_shown(key))
            await note(connection, clinic, someone(), Deed.KEY_ENDED, now, about=f"ac_{prefix}")
        return key


async def _expire(settings: Settings, clinic: str, prefix: str, lasts: timedelta) -> bool:
    async with open_store(settings) as database, database.write() as connection:
        now = await database.now(connection)
        ended = await expire_key(connection, clinic, prefix, now, now + lasts)
        if ended:
            await note(connection, clinic, someone(), Deed.KEY_ENDED, now, about=f"ac_{prefix}")
        return ended


async def _list(settings: Settings, clinic: str) -> list[dict[str, Any]]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            rows = await keys_of(connection, clinic)
    names = ("prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    return [{name: getattr(row, name) for name in names} for row in rows]


async def _revoke(settings: Settings, clinic: str, prefix: str) -> bool:
    async with open_store(settings) as database, database.write() as connection:
        now = await database.now(connection)
        ended = await revoke_key(connection, clinic, prefix, now)
        if ended:
            await note(connection, clinic, someone(), Deed.KEY_ENDED, now, about=f"ac_{prefix}")
        return ended


def _shown(key: str) -> str:
    """As people see it: `ac_1f2e3d4c`."""
    return "_".join(key.split("_")[:2])
