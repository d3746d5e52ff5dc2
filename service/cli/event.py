"""`aftercare event FILE`: take in one event or a batch from a file, as the API would."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from service import clock
from service.cli.taking import open_intake
from service.cli.tools import ClinicOption, JsonOption, in_loop, print_json, require_clinic, settings_for
from service.errors import AftercareError, BadInput, Problem
from service.events import Event, event_from, parse_json
from service.intake.answer import Change, Taken
from service.reasons import sentence
from service.settings import Settings
from service.timing import local


def event(
    file: Annotated[str, typer.Argument(help="A file of JSON: one CloudEvent or a list. `-` reads standard input.")],
    clinic: ClinicOption,
    as_json: JsonOption = False,
) -> None:
    """Take in events from a file and print the plan they make."""
    settings = settings_for("tool")
    value = parse_json(read_input(file), where=file)
    values = value if isinstance(value, list) else [value]
    answers = in_loop(lambda: _take(settings, clinic, values))
    if as_json:
        print_json([_json(answer) for answer in answers])
    else:
        for answer in answers:
            _print(answer)
    if errors := [answer for answer in answers if isinstance(answer, AftercareError)]:
        raise typer.Exit(errors[0].exit_code)


def read_input(file: str) -> bytes:
    """The bytes of a file, or of standard input for `-`."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise BadInput(Problem("unreadable-file", file, (error.strerror or "it cannot be read").lower())) from None


async def _take(settings: Settings, clinic: str, values: list[Any]) -> list[Taken | AftercareError]:
    """Each event stands alone: a bad one is told, the others go in."""
    now, tolerance = clock.now(), settings.intake.future_tolerance
    checked: list[Event | AftercareError] = []
    for number, value in enumerate(values):
        where = f"[{number}]" if len(values) > 1 else ""
        try:
            checked.append(event_from(value, received_at=now, future_tolerance=tolerance, where=where))
        except AftercareError as error:
            checked.append(error)
    async with open_intake(settings) as (database, intake):
        await require_clinic(database, clinic)
        answers = iter(await intake.answers(clinic, [one for one in checked if isinstance(one, Event)]))
    return [one if isinstance(one, AftercareError) else next(answers) for one in checked]


def _json(answer: Taken | AftercareError) -> dict[str, Any]:
    if isinstance(answer, AftercareError):
        return {"errors": [{"code": p.code, "where": p.where, "message": p.message} for p in answer.problems]}
    return answer.as_json()


def _print(answer: Taken | AftercareError) -> None:
    if isinstance(answer, AftercareError):
        for problem in answer.problems:
            typer.echo(f"aftercare: {problem}", err=True)
        return
    about = f"treatment {answer.treatment}, " if answer.treatment else ""
    typer.echo(f"{'Recorded' if answer.created else 'Known already'}: {about}{answer.standing}.")
    for line in answer.plan:
        moment = local(line.due_at, line.zone)
        reason = f" - {sentence(line.reason)}" if line.reason else ""
        typer.echo(f"  {moment:%a %d %b %Y %H:%M} {line.zone}  {line.medium:5}  {line.step}  {line.state}{reason}")
    for change in answer.changes:
        typer.echo(f"  {told(change)}")
    for warning in answer.warnings:
        typer.echo(f"  note: {warning}")


def told(change: Change) -> str:
    """What an event did to a reminder that there was, as a line."""
    again = f", again {change.occurrence}" if change.occurrence else ""
    moved = f" to {change.due_at:%a %d %b %Y %H:%M} UTC" if change.due_at else ""
    return (
        f"{change.effect}{moved}: {change.step}{again} of {change.treatment} for {change.client}"
        f" - {sentence(change.reason)}"
    )
