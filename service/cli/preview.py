"""`aftercare preview FILE`: every message that an event would make, in full, without storing anything."""

from collections.abc import Iterator
from datetime import UTC, datetime
from textwrap import fill
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from service import clock
from service.cli.event import read_input
from service.cli.tools import JsonOption, in_loop, open_store, print_json, require_clinic
from service.clinics import house_of
from service.content import Content, load_content
from service.errors import BadInput, Problem
from service.events import Event, event_from, parse_json
from service.intake.answer import Standing
from service.intake.people import contact_of
from service.preview import Preview, PreviewedMessage, preview
from service.reasons import sentence
from service.sample import sample_clinic
from service.settings import Settings, load, require_for
from service.store.clinics import houses
from service.store.known import Known, known_of
from service.store.session import Database
from service.timing import local
from service.types import Email, Json, Message, Sms

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
    consents, opt-outs. Without, no database is needed. Each event of a list is previewed by itself.
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
) -> list[Preview]:
    if clinic is None:
        house = house_of(sample_clinic(), now)
        return [preview(event, house, Known(), content, now) for event in events]
    async with open_store(require_for(settings, "tool")) as database:
        await require_clinic(database, clinic)
        return [await _preview_in(database, clinic, event, content, now) for event in events]


async def _preview_in(database: Database, clinic: str, event: Event, content: Content, now: datetime) -> Preview:
    async with database.read() as connection:
        house = (await houses(connection, [clinic]))[clinic]
        known = await known_of(
            connection,
            clinic,
            clients=[event.data.client.ref],
            treatments=[event.data.treatment.id],
            events=[(event.source, event.id)],
            addresses=contact_of(event.data.client, house.country).addresses,
        )
    return preview(event, house, known, content, now)


def _json(event: Event, found: Preview, now: datetime) -> Json:
    return {
        "event": {"source": event.source, "id": event.id},
        "result": found.standing.value,
        "treatment": event.data.treatment.id,
        "at": _utc(now),
        "messages": [_message_json(message) for message in found.messages],
        "warnings": [_problem(warning) for warning in found.warnings],
    }


def _message_json(message: PreviewedMessage) -> Json:
    return {
        "step": message.step,
        "occurrence": message.occurrence,
        "purpose": message.purpose.value,
        "medium": message.medium.value,
        "send_at": _utc(message.send_at),
        "local_time": local(message.send_at, message.zone).isoformat(timespec="minutes"),
        "zone": message.zone,
        "intended_at": _utc(message.intended_at),
        "expires_at": _utc(message.expires_at),
        "held_back": _reason(message.held_back) if message.held_back else None,
        "unwritable": [_problem(problem) for problem in message.unwritable],
        "notes": [{"medium": note.medium.value, **_reason(note.code)} for note in message.notes],
        **_words_json(message),
    }


def _words_json(message: PreviewedMessage) -> Json:
    if message.written is None:
        return {}
    about = {"locale": message.written.locale, "wording": message.written.version}
    match message.written.message:
        case Sms(text, segments, encoding):
            return about | {"sms": {"text": text, "segments": segments, "encoding": encoding}}
        case Email(subject, preheader, _, text):
            return about | {"email": {"subject": subject, "preheader": preheader, "text": text}}


def _problem(problem: Problem) -> Json:
    return {"code": problem.code, "where": problem.where, "message": problem.message}


def _reason(code: str) -> Json:
    return {"code": code, "sentence": sentence(code)}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _shown(event: Event, found: Preview, now: datetime, width: int) -> Group:
    """An event's messages for a person: a rule and a few lines each."""
    title = f"{found.title or event.data.treatment.protocol}, visit {event.data.treatment.id}"
    return Group(
        Text(title, style="bold"),
        Text(f"As of {_when(now, found.zone)}: {_outcome(found)}", style="dim"),
        *(Text(f"note: {warning}", style="yellow") for warning in found.warnings),
        *(part for message in found.messages for part in _message(message, width)),
        Text(),
    )


def _outcome(found: Preview) -> str:
    match found.standing:
        case Standing.UNMAPPED:
            return "this protocol is not known here: the visit would be stored, and planned once it is."
        case Standing.OUTDATED:
            return "something newer about this visit is known: the event would change nothing."
        case Standing.PLANNED:
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
        yield Text(fill(line, width, initial_indent="  ", subsequent_indent="  "), style=style)


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
