"""`aftercare reminder`: what goes out, why it did not, and what a person does about it."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import fill
from typing import Annotated, Any
from uuid import UUID

import typer

from service.acts.acts import Act, Cancel, Move, Resolve, Retry, SendNow, Verdict
from service.acts.performing import Acts, unknown_reminder
from service.audit import Deed, note
from service.cli.someone import someone
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.desk import Opened, mark_of, open_reminder, page_json
from service.errors import BadInput, Problem
from service.reasons import sentence
from service.settings import Settings
from service.store.desk import Wanted, reminders_page
from service.timing import local, time_written
from service.types import ReminderState

_WIDTH = 78

app = typer.Typer(help="Reminders: list, show, retry, cancel, move, send-now, resolve.", no_args_is_help=True)

IdArgument = Annotated[UUID, typer.Argument(metavar="ID", help="As `aftercare reminder list` shows it.")]
TimeOption = Annotated[str | None, typer.Option(metavar="TIME", help="Like 2026-11-21T10:00:00Z.")]


@app.command("list")
def list_(
    clinic: ClinicOption,
    state: Annotated[list[ReminderState] | None, typer.Option(help="One or several.")] = None,
    client: Annotated[str | None, typer.Option(help="Of this client alone.")] = None,
    treatment: Annotated[str | None, typer.Option(help="Of this visit alone.")] = None,
    due_from: TimeOption = None,
    due_to: TimeOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on after a page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List reminders: those that wait for a person first, then the latest planned."""
    settings = settings_for("tool")
    wanted = Wanted(tuple(state or ()), client, treatment, _time(due_from, "--due-from"), _time(due_to, "--due-to"))
    rows = in_loop(lambda: _list(settings, clinic, wanted, limit, cursor))
    page = page_json(rows, limit)
    if as_json:
        print_json(page)
        return
    for line in (line for row in rows[:limit] for line in _lines(row)):
        typer.echo(line)
    if page["next"]:
        typer.echo(f"There are more: --cursor {page['next']}")


@app.command("show")
def show(reminder: IdArgument, clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Tell the story of a reminder, and what may be done about it."""
    settings = settings_for("tool")
    _print(in_loop(lambda: _show(settings, clinic, reminder)), as_json=as_json)


@app.command("cancel")
def cancel(reminder: IdArgument, clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Never send it, whatever is planned from now on."""
    _act(Cancel(), reminder, clinic, as_json=as_json)


@app.command("move")
def move(
    reminder: IdArgument,
    clinic: ClinicOption,
    to: Annotated[str, typer.Option(help="2026-11-21T15:30 in the client's local time, or with an offset.")],
    as_json: JsonOption = False,
) -> None:
    """Send it at another time: outside of quiet hours, and before it expires."""
    _act(Move(time_written(to, "--to")), reminder, clinic, as_json=as_json)


@app.command("send-now")
def send_now(reminder: IdArgument, clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Have it fall due at once; consent, caps and its sender are checked as always."""
    _act(SendNow(), reminder, clinic, as_json=as_json)


@app.command("retry")
def retry(reminder: IdArgument, clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Try once more what failed, was not delivered, expired early, was skipped or was called off by a person."""
    _act(Retry(), reminder, clinic, as_json=as_json)


@app.command("resolve")
def resolve(
    reminder: IdArgument,
    clinic: ClinicOption,
    verdict: Annotated[Verdict, typer.Option("--as", help="It was sent; it was not: send it again, or give up.")],
    as_json: JsonOption = False,
) -> None:
    """Settle whether it went out, where neither the provider's answer nor its records could tell."""
    _act(Resolve(verdict), reminder, clinic, as_json=as_json)


def _act(act: Act, reminder: UUID, clinic: str, *, as_json: bool) -> None:
    settings = settings_for("tool")
    _print(in_loop(lambda: _perform(settings, clinic, reminder, act)), as_json=as_json)


async def _list(settings: Settings, clinic: str, wanted: Wanted, limit: int, cursor: str | None) -> list[Any]:
    after = mark_of(cursor) if cursor else None
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            return await reminders_page(connection, clinic, wanted, after, limit + 1)


async def _show(settings: Settings, clinic: str, reminder: UUID) -> Opened:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            opened = await open_reminder(connection, clinic, reminder, now)
            if opened is None:
                raise unknown_reminder()
            await note(connection, clinic, someone(), Deed.MESSAGE_READ, now, about=reminder, client=opened.row.client)
    return opened


async def _perform(settings: Settings, clinic: str, reminder: UUID, act: Act) -> Opened:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        await Acts(database).perform(clinic, reminder, act, someone())
    return await _show(settings, clinic, reminder)


def _lines(row: Any) -> Iterator[str]:
    """A reminder as it fits a narrow terminal: when and what, then its id and whose it is, then why."""
    again = f" ({row.occurrence + 1})" if row.occurrence else ""
    due = f"{local(row.due_at, row.zone):%Y-%m-%d %H:%M}"
    yield f"{due}  {row.state.replace('_', ' '):<12}  {row.medium:<5}  {row.step}{again}"
    yield f"    {row.id}  {row.client}"
    if row.reason:
        yield fill(sentence(row.reason), _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _print(opened: Opened, *, as_json: bool) -> None:
    if as_json:
        print_json(opened.as_json())
        return
    row, story = opened.row, opened.story
    typer.echo(f"{row.step} for {row.client}: {row.state.replace('_', ' ')}. Times are those of {story.zone}.")
    for line in story.told:
        typer.echo(f"  {local(line.at, story.zone):%a %d %b %Y %H:%M}  {line.text}")
    typer.echo(f"  Now: {story.now}")
    if opened.acts:
        typer.echo(f"  You may: {', '.join(opened.acts)}.")


def _time(text: str | None, where: str) -> datetime | None:
    if text is None:
        return None
    found = time_written(text, where)
    if found.tzinfo is None:
        raise BadInput(Problem("naive-time", where, "this time names no offset; write it like 2026-11-20T15:00:00Z"))
    return found
