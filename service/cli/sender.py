"""`aftercare sender`: list a clinic's senders, hold one back, let one go on."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from service import reasons
from service.cli.layout import print_rows
from service.cli.someone import someone
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.errors import BadInput, Problem, told_by
from service.senders import cap as cap_
from service.senders import hold_back, let_go_on, put_sender
from service.settings import Settings
from service.store import troubles as queries
from service.types import Medium

T = TypeVar("T")
_PLACES = {"address": "--from", "messaging_service": "--service", "rate": "--rate"}

app = typer.Typer(help="Senders: list, set, pause, resume, cap.", no_args_is_help=True)

SenderArgument = Annotated[str, typer.Argument(help="The sender's name, as `aftercare sender list` shows it.")]


@app.command("list")
def list_(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Show a clinic's senders, and why one is paused."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _list(settings, clinic))
    if as_json:
        print_json(rows)
        return
    told = [(row["id"], row["medium"], row["from"], row["sentence"] or "sends") for row in rows]
    print_rows(("sender", "channel", "from", "state"), told)


@app.command("set")
def set_(
    medium: Annotated[Medium, typer.Argument(help="sms or email: a clinic has one sender of each.")],
    clinic: ClinicOption,
    address: Annotated[str | None, typer.Option("--from", help="A number, +44..., or an email address.")] = None,
    service: Annotated[str | None, typer.Option(help="A messaging service, MG..., for texts.")] = None,
    rate: Annotated[float | None, typer.Option(help="Messages a second.")] = None,
) -> None:
    """Set up a sender, or change it; what was planned without one goes from it."""
    given = {"address": address, "messaging_service": service, "rate": rate}
    values = {name: value for name, value in given.items() if value is not None}
    if not values:
        raise BadInput(Problem("nothing-to-set", "", "name what to change: `aftercare sender set --help`"))
    settings = settings_for("tool")
    in_loop(lambda: _set(settings, clinic, medium, values))
    typer.echo(f"Set {medium} of {clinic}.")


@app.command("pause")
def pause(sender: SenderArgument, clinic: ClinicOption) -> None:
    """Start nothing from this sender until it is resumed; its messages stay due until they expire."""
    settings = settings_for("tool")
    in_loop(lambda: _pause(settings, clinic, sender))
    typer.echo(f"Paused {sender} of {clinic}. `aftercare sender resume {sender} --clinic {clinic}` lets it go on.")


@app.command("resume")
def resume(sender: SenderArgument, clinic: ClinicOption) -> None:
    """Let a paused sender go on, whatever paused it; what fell due meanwhile is looked at now."""
    settings = settings_for("tool")
    if in_loop(lambda: _resume(settings, clinic, sender)):
        typer.echo(f"Resumed {sender} of {clinic}.")
    else:
        typer.echo(f"{sender} of {clinic} was not paused.")


@app.command("cap")
def cap(
    sender: SenderArgument,
    clinic: ClinicOption,
    a_day: Annotated[
        int, typer.Option(min=0, help="Segments (letters, by email) in 24 hours; 0: as the settings say.")
    ],
) -> None:
    """Set how much a sender sends a day at most; what is over that waits, until it expires."""
    settings = settings_for("tool")
    in_loop(lambda: _cap(settings, clinic, sender, a_day or None))
    typer.echo(
        f"{sender} of {clinic} sends {a_day} a day at most."
        if a_day
        else f"{sender} of {clinic} has no cap of its own."
    )


async def _list(settings: Settings, clinic: str) -> list[dict[str, Any]]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            return [_shown(row) for row in await queries.senders_of(connection, clinic)]


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "medium": row.medium,
        "from": row.messaging_service or row.address,
        "rate": row.rate,
        "daily_cap": row.daily_cap,
        "paused_at": row.paused_at,
        "reason": row.paused_reason,
        "sentence": reasons.sentence(row.paused_reason) if row.paused_at else "",
        "tried_again_at": row.look_at if row.paused_at else None,
    }


async def _set(settings: Settings, clinic: str, medium: Medium, values: dict[str, Any]) -> None:
    with told_by(lambda place: _PLACES.get(place.rpartition(".")[2], place)):
        await _do(
            settings, clinic, lambda connection, now: put_sender(connection, clinic, medium, values, someone(), now)
        )


async def _pause(settings: Settings, clinic: str, sender: str) -> None:
    await _do(settings, clinic, lambda connection, now: hold_back(connection, clinic, sender, someone(), now))


async def _resume(settings: Settings, clinic: str, sender: str) -> bool:
    return await _do(settings, clinic, lambda connection, now: let_go_on(connection, clinic, sender, someone(), now))


async def _cap(settings: Settings, clinic: str, sender: str, a_day: int | None) -> None:
    await _do(settings, clinic, lambda connection, now: cap_(connection, clinic, sender, a_day, someone(), now))


async def _do(settings: Settings, clinic: str, act: Callable[[AsyncConnection, datetime], Awaitable[T]]) -> T:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)

        async def work(connection: AsyncConnection) -> T:
            return await act(connection, await database.now(connection))

        return await database.transact(work)
