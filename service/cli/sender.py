"""`aftercare sender`: list a clinic's senders, hold one back, let one go on."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from service import reasons
from service.audit import Deed, note
from service.cli.someone import someone
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.errors import Conflict, NotFound, Problem
from service.settings import Settings
from service.store import troubles as queries
from service.store.lanes import pause_sender
from service.store.numbers import cap_sender
from service.store.pauses import BY_HAND
from service.store.session import Database
from service.store.signals import notify

app = typer.Typer(help="Senders: list, pause, resume, cap.", no_args_is_help=True)

SenderArgument = Annotated[str, typer.Argument(help="The sender's name, as `aftercare sender list` shows it.")]


@app.command("list")
def list_(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Show a clinic's senders, and why one is paused."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _list(settings, clinic))
    if as_json:
        print_json(rows)
        return
    table = Table("sender", "channel", "from", "state")
    for row in rows:
        table.add_row(row["id"], row["medium"], row["from"], row["sentence"] or "sends")
    Console().print(table)


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
    a_day: Annotated[int, typer.Option(min=0, help="Segments (letters, by email) in 24 hours; 0: no end.")],
) -> None:
    """Set how much a sender sends a day at most; what is over that waits, until it expires."""
    settings = settings_for("tool")
    in_loop(lambda: _cap(settings, clinic, sender, a_day or None))
    typer.echo(f"{sender} of {clinic} sends {a_day} a day at most." if a_day else f"{sender} of {clinic} has no cap.")


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
        "paused_at": row.paused_at,
        "reason": row.paused_reason,
        "sentence": reasons.sentence(row.paused_reason) if row.paused_at else "",
        "tried_again_at": row.look_at if row.paused_at else None,
    }


async def _pause(settings: Settings, clinic: str, sender: str) -> None:
    async with open_store(settings) as database:
        await _require_sender(database, clinic, sender)

        async def work(connection: AsyncConnection) -> None:
            now = await database.now(connection)
            if not await pause_sender(connection, (clinic, sender), BY_HAND, now):
                raise Conflict(Problem("sender-paused", sender, "this sender is paused already"))
            await note(connection, clinic, someone(), Deed.SENDER_PAUSED, now, about=sender)

        await database.transact(work)


async def _resume(settings: Settings, clinic: str, sender: str) -> bool:
    async with open_store(settings) as database:
        await _require_sender(database, clinic, sender)

        async def work(connection: AsyncConnection) -> bool:
            now = await database.now(connection)
            await note(connection, clinic, someone(), Deed.SENDER_RESUMED, now, about=sender)
            return await let_go_on(connection, clinic, sender, now)

        return await database.transact(work)


async def _cap(settings: Settings, clinic: str, sender: str, a_day: int | None) -> None:
    async with open_store(settings) as database:
        await _require_sender(database, clinic, sender)
        async with database.write() as connection:
            await cap_sender(connection, (clinic, sender), a_day)
            await note(connection, clinic, someone(), Deed.SENDER_CAPPED, await database.now(connection), about=sender)


async def let_go_on(connection: AsyncConnection, clinic: str, sender: str, now: datetime) -> bool:
    """What a person decides ends what we knew of the sender's trouble, so that a new one is told anew."""
    (row,) = [each for each in await queries.senders_of(connection, clinic) if each.id == sender]
    if row.paused_at is None:
        return False
    if not await queries.open_lane(connection, (clinic, sender), now):
        sentence = f"the whole clinic is paused: `aftercare clinic resume --clinic {clinic}` lets it go on"
        raise Conflict(Problem("clinic-paused", clinic, sentence))
    known = {"trouble": "", "trouble_since": None, "probes": 0, "look_at": None, "check_since": None}
    await queries.watch(connection, (clinic, sender), known)
    await notify(connection, now)
    return True


async def _require_sender(database: Database, clinic: str, sender: str) -> None:
    await require_clinic(database, clinic)
    async with database.read() as connection:
        known = [row.id for row in await queries.senders_of(connection, clinic)]
    if sender not in known:
        sentence = f"{clinic} has no sender {sender}: there are {', '.join(known) or 'none'}"
        raise NotFound(Problem("unknown-sender", sender, sentence))
