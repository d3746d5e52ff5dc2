"""`aftercare preview FILE`: every message that an event would make, in full, without storing anything."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import fill
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from service import clock
from service.cli.event import read_input, told
from service.cli.tools import JsonOption, in_loop, open_store, print_json, require_clinic
from service.clinics import house_of
from service.content import Content, load_content
from service.desk import utc
from service.errors import AftercareError, BadInput, Problem
from service.events import Event, TreatmentCompleted, event_from, parse_json
from service.forecast import preview_in, preview_json
from service.imports.rehearsal import rehearsal
from service.intake.answer import Standing, Taken
from service.links import sample_links
from service.preview import Preview, PreviewedMessage, preview
from service.reasons import sentence
from service.sample import sample_clinic
from service.settings import Settings, load, require_for
from service.store.known import Known
from service.store.session import Database
from service.timing import local
from service.types import Email, Json, Message, Sms
from service.words import Words

_WIDEST = 100


def preview_(
    file: Annotated[str, typer.Argument(help="A file of JSON: one CloudEvent or a list. `-` reads standard input.")],
    clinic: Annotated[
        str | None,
        typer.Option(
            "--clinic", help="The clinic's short name; without one a sample clinic.", envvar="AFTERCARE_CLINIC"
        ),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="See it from this time, like 2026-11-20T15:10:00Z.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print every message that an event would make: when, by which channel, its words, and what would hold it back.

    Nothing is stored or sent. With --clinic, what is known of the client is taken into account: earlier sessions,
    appointments, consents, opt-outs. Without, no database is needed. Each event of a list is previewed by itself. Of an
    event that is no completed treatment, what it would change in the plans that there are is printed.
    """
    now = _moment(at) if at else clock.now()
    settings = load()
    content = load_content(settings.home)
    value = parse_json(read_input(file), where=file)
    values = value if isinstance(value, list) else [value]
    events = [_event(one, settings, now, f"[{number}]" if len(values) > 1 else "") for number, one in enumerate(values)]
    previews = in_loop(lambda: _preview(settings, clinic, events, content, now))
    if as_json:
        print_json([_json(event, one, now) for event, one in zip(events, previews, strict=True)])
        return
    console = _console()
    for event, one in zip(events, previews, strict=True):
        console.print(_shown(event, one, now, console.width))
    if settings.public_url is None:
        console.print(Text(_about_links(settings), style="dim"))


def _about_links(settings: Settings) -> str:
    if settings.client_address:
        return f"PUBLIC_URL is not set: links lead to this machine, {settings.client_address}."
    return "PUBLIC_URL is not set: messages carry no links to your clients' own pages."


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadInput(Problem("invalid-time", "--at", "write the time with its offset, like 2026-11-20T15:10:00Z"))
    return found


def _event(value: Any, settings: Settings, now: datetime, where: str) -> Event:
    return event_from(value, received_at=now, future_tolerance=settings.intake.future_tolerance, where=where)


async def _preview(
    settings: Settings, clinic: str | None, events: list[Event], content: Content, now: datetime
) -> list[Preview | Taken]:
    words = Words(content.templates, content.protocols, sample_links(settings.client_address))
    if clinic is None:
        house = house_of(sample_clinic(), now)
        for number, event in enumerate(events):
            _require_treatment(event, f"[{number}].type" if len(events) > 1 else "type")
        return [preview(event, house, Known(), content, now, words) for event in events]
    async with open_store(require_for(settings, "tool")) as database:
        await require_clinic(database, clinic)
        return [
            await preview_in(database, clinic, event, content, words, now)
            if isinstance(event.data, TreatmentCompleted)
            else await _rehearsed(database, clinic, event, content, now)
            for event in events
        ]


def _require_treatment(event: Event, where: str) -> None:
    if not isinstance(event.data, TreatmentCompleted):
        sentence = "this event changes plans that there are: name their clinic with --clinic"
        raise BadInput(Problem("clinic-needed", where, sentence))


async def _rehearsed(database: Database, clinic: str, event: Event, content: Content, now: datetime) -> Taken:
    """The answer that intake would give."""
    async with rehearsal(database, content.protocols, clinic, now, soon=()) as takes:
        (answer,) = await takes.answers(clinic, [event])
    if isinstance(answer, AftercareError):
        raise answer
    return answer


def _json(event: Event, found: Preview | Taken, now: datetime) -> Json:
    if isinstance(found, Taken):
        return {**found.as_json(), "at": utc(now)}
    return preview_json(event, found, now)


def _shown(event: Event, found: Preview | Taken, now: datetime, width: int) -> Group:
    """An event's messages for a person: a rule and a few lines each."""
    if isinstance(found, Taken):
        return _changes(event, found)
    title = f"{found.title or 'Protocol not known'}, visit {event.treatment}"
    return Group(
        Text(title, style="bold"),
        Text(f"As of {_when(now, found.zone)}: {_outcome(found)}", style="dim"),
        *(Text(f"note: {warning}", style="yellow") for warning in found.warnings),
        *(part for message in found.messages for part in _message(message, width)),
        Text(),
    )


def _changes(event: Event, found: Taken) -> Group:
    lines = [Text(told(change)) for change in found.changes] or [Text("No reminder that there is would change.")]
    notes = [Text(f"note: {warning}", style="yellow") for warning in found.warnings]
    return Group(Text(f"{event.type}: {found.standing}", style="bold"), *notes, *lines, Text())


def _outcome(found: Preview) -> str:
    match found.standing:
        case Standing.UNMAPPED:
            return "this protocol is not known here: the visit would be stored, and planned once it is."
        case Standing.OUTDATED:
            return "something newer about this visit is known: the event would change nothing."
        case Standing.VOIDED:
            return "this visit was taken back: it would be stored, and nothing planned."
        case _:
            held = sum(bool(message.held_back) for message in found.messages)
            return f"{len(found.messages) - held} to go out, {held} held back."


def _message(message: PreviewedMessage, width: int) -> Iterator[RenderableType]:
    again = f", again {message.occurrence}" if message.occurrence else ""
    yield Text()
    yield Rule(Text(f"{message.step}{again}", style="bold cyan"), align="left", characters="─", style="dim")
    yield Text(f"{_when(message.send_at, message.zone)}  {message.medium}, {message.purpose}{_size(message)}")
    for note in message.notes:
        yield Text(f"{note.medium}: {sentence(note.code)}", style="yellow")
    if message.held_back:
        yield Text(f"Held back: {sentence(message.held_back)}", style="red")
    for problem in message.unwritable:
        yield Text(f"  {problem.where}: {problem.message}", style="red")
    if message.written:
        yield from _words(message.written.message, width, dim=bool(message.held_back))


def _words(message: Message, width: int, *, dim: bool) -> Iterator[RenderableType]:
    style = "dim" if dim else ""
    if isinstance(message, Email):
        yield Text(f"  {message.subject}\n", style=f"bold {style}")
    for line in message.text.splitlines():
        yield Text(_wrapped(line, width), style=style)


def _wrapped(line: str, width: int) -> str:
    """A link stays whole, as the client gets it."""
    return fill(
        line, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _size(message: PreviewedMessage) -> str:
    if message.written is None or not isinstance(message.written.message, Sms):
        return ""
    sms = message.written.message
    return f", {sms.segments} segment{'' if sms.segments == 1 else 's'} {sms.encoding}"


def _when(moment: datetime, zone: str) -> str:
    return f"{local(moment, zone):%a %d %b %Y %H:%M} {zone}"


def _console() -> Console:
    """No wider than is pleasant to read; colours only where a terminal is."""
    console = Console(highlight=False)
    console.width = min(console.width, _WIDEST)
    return console
