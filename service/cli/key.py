"""`aftercare key`: bearer keys of a clinic's systems, and those of whoever runs the platform."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.cli.layout import print_rows
from service.cli.someone import someone
from service.cli.tools import JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.errors import BadInput, Problem
from service.keyring import add_key, end_key, renew_key
from service.settings import Settings
from service.settings.forms import Length
from service.store.keys import ALL_SCOPES, PLATFORM, SCOPES, keys_of, shown

T = TypeVar("T")

app = typer.Typer(help="API keys: add, list, rotate, expire, revoke.", no_args_is_help=True)

ClinicOption = Annotated[
    str | None, typer.Option("--clinic", help="The clinic's short name.", envvar="AFTERCARE_CLINIC")
]
PlatformOption = Annotated[bool, typer.Option("--platform", help="A key of the platform: it opens /v1/clinics alone.")]
PrefixArgument = Annotated[str, typer.Argument(help="The eight characters after `ac_` or `acp_`.")]
_LENGTH: TypeAdapter[timedelta] = TypeAdapter(Length)


@app.command("add")
def add(
    clinic: ClinicOption = None,
    platform: PlatformOption = False,
    scope: Annotated[list[str] | None, typer.Option(help=f"What it may do: {', '.join(ALL_SCOPES)}.")] = None,
    expires: Annotated[str, typer.Option(help='When it ends by itself: "90 days". Without: never.')] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once: only its digest is kept."""
    whose = _whose(clinic, platform=platform)
    if platform and scope:
        raise BadInput(Problem("unknown-scope", "--scope", "a key of the platform opens /v1/clinics and has no scopes"))
    lasts = _length(expires, "--expires") if expires else None

    async def work(connection: AsyncConnection, now: datetime) -> str:
        scopes = () if platform else scope or SCOPES
        return await add_key(connection, whose, someone(), now, scopes=scopes, lasts=lasts, where="--scope")

    _print_key(_do(whose, work), as_json=as_json)


@app.command("rotate")
def rotate(
    prefix: PrefixArgument,
    clinic: ClinicOption = None,
    platform: PlatformOption = False,
    grace: Annotated[str, typer.Option(help="How long the old key goes on working.")] = "7 days",
    as_json: JsonOption = False,
) -> None:
    """Make a key that may do the same, for as long, and print it, this once; the old one ends with the grace."""
    whose, lasts = _whose(clinic, platform=platform), _length(grace, "--grace")
    _print_key(
        _do(whose, lambda connection, now: renew_key(connection, whose, someone(), prefix, now, lasts)), as_json=as_json
    )
    if not as_json:
        typer.echo(
            f"{shown(whose, prefix)}_... works on for {grace}; `aftercare key revoke` ends it at once.", err=True
        )


@app.command("expire")
def expire(
    prefix: PrefixArgument,
    within: Annotated[str, typer.Option("--in", help='After how long it ends: "1 hour".')],
    clinic: ClinicOption = None,
    platform: PlatformOption = False,
) -> None:
    """Let a key end by itself after a while. It never lasts longer than was said before."""
    whose, lasts = _whose(clinic, platform=platform), _length(within, "--in")
    _do(whose, lambda connection, now: end_key(connection, whose, someone(), prefix, now, lasts))
    typer.echo(f"{shown(whose, prefix)}_... ends in {within}, if not before.")


@app.command("list")
def list_(clinic: ClinicOption = None, platform: PlatformOption = False, as_json: JsonOption = False) -> None:
    """List keys by their prefix."""
    whose = _whose(clinic, platform=platform)
    rows = _do(whose, lambda connection, _: keys_of(connection, whose))
    if as_json:
        names = ("prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    columns = ("key", "scopes", "made", "last used", "ends", "revoked")
    print_rows(columns, [(f"{shown(whose, row.prefix)}_...", row.scopes, *_times(row)) for row in rows])


@app.command("revoke")
def revoke(prefix: PrefixArgument, clinic: ClinicOption = None, platform: PlatformOption = False) -> None:
    """Revoke a key; it stops working within five seconds."""
    whose = _whose(clinic, platform=platform)
    _do(whose, lambda connection, now: end_key(connection, whose, someone(), prefix, now))
    typer.echo(f"Revoked {shown(whose, prefix)}_...")


def _whose(clinic: str | None, *, platform: bool) -> str:
    if platform:
        return PLATFORM
    if not clinic:
        raise BadInput(Problem("no-clinic", "--clinic", "say whose key: --clinic NAME, or --platform"))
    return clinic


def _length(written: str, option: str) -> timedelta:
    try:
        return _LENGTH.validate_python(written)
    except ValidationError:
        sentence = 'write a length of time such as "30 minutes" or "7 days"'
        raise BadInput(Problem("invalid-length", option, sentence)) from None


def _times(row: Any) -> list[str]:
    moments = (row.created_at, row.last_used_at, row.expires_at, row.revoked_at)
    return [f"{moment:%Y-%m-%d %H:%M}" if moment else "" for moment in moments]


def _print_key(key: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"key": key})
    else:
        typer.echo(key)


def _do(clinic: str, work: Callable[[AsyncConnection, datetime], Awaitable[T]]) -> T:
    """Work on keys in a transaction, where there is such a clinic."""
    settings = settings_for("tool")
    return in_loop(lambda: _in_store(settings, clinic, work))


async def _in_store(settings: Settings, clinic: str, work: Callable[[AsyncConnection, datetime], Awaitable[T]]) -> T:
    async with open_store(settings) as database:
        if clinic:
            await require_clinic(database, clinic)
        async with database.write() as connection:
            return await work(connection, await database.now(connection))
