"""What was found in words, and how they look: on a terminal and as JSON."""

from collections.abc import Sequence

import typer

from service.authoring import Checked, Sheet, Shown
from service.authoring.folder import Found
from service.content import Content
from service.errors import Problem
from service.types import Email, Json


def print_findings(found: Sequence[Found]) -> None:
    """Every error and warning with its place, and how many there are."""
    for one in found:
        for problem in one.checked.problems:
            typer.echo(f"error    {problem}")
        print_warnings(one.checked, one.accepted)
    errors = sum(len(one.checked.problems) for one in found)
    warnings = sum(len(one.checked.warnings) for one in found)
    waiting = sum(len(one.open_warnings) for one in found)
    typer.echo(f"{len(found)} texts: {errors} errors, {waiting} warnings, {warnings - waiting} warnings accepted.")


def print_warnings(checked: Checked, accepted: Sequence[str]) -> None:
    """Warnings, marked where they were accepted, and the plain form where one is offered."""
    for warning in checked.warnings:
        typer.echo(f"{'accepted' if warning.code in accepted else 'warning '} {warning}")
    if checked.plain:
        typer.echo(f"         in plain characters: {checked.plain.strip()}")


def print_unconfirmed(content: Content) -> None:
    """The protocols that no clinician has confirmed for all clinics."""
    if waiting := [code for code, protocol in content.protocols.items() if not protocol.reviewed]:
        typer.echo(f"Not yet reviewed, by a clinician and by native readers: {', '.join(waiting)}.")


def print_shown(shown: Sequence[Shown]) -> None:
    """Each sample client with the message they would get."""
    for one in shown:
        typer.echo(f"--- {one.sample}, reads {one.locale}: {one.origin or 'no words'}")
        match one.message:
            case None:
                for problem in one.problems:
                    typer.echo(f"    {problem}")
            case Email(subject=subject, text=text):
                typer.echo(f"{subject}\n\n{text.rstrip()}")
            case sms:
                typer.echo(f"{sms.text}\n({sms.segments} x {sms.encoding})")


def print_versions(sheet: Sheet) -> None:
    """Every version of a message, the newest first, and which one is sent."""
    for row in sheet.history:
        kind = f"{row.kind} from {row.based_on or 'the shipped words'}" if row.kind == "restored" else row.kind
        sent = "  sent now" if row.number == sheet.standing.number else ""
        typer.echo(f"{row.number:>4}  {row.created_at:%Y-%m-%d %H:%M}  {kind}, by {row.author}{sent}")
        if row.note:
            typer.echo(f"      {row.note}")
    typer.echo(f"   0  the shipped words{'' if sheet.standing.number else '  sent now'}")


def shown_json(one: Shown) -> Json:
    """One sample client's message."""
    words = {name: getattr(one.message, name, None) for name in ("subject", "preheader", "text", "html", "segments")}
    return {
        "sample": one.sample,
        "locale": one.locale,
        "origin": one.origin,
        "problems": [_problem(problem) for problem in one.problems],
        **{name: value for name, value in words.items() if value is not None},
    }


def finding_json(one: Found) -> Json:
    """One file with what was found in it."""
    return {
        "path": one.path,
        "problems": [_problem(problem) for problem in one.checked.problems],
        "warnings": [{**_problem(w), "accepted": w not in one.open_warnings} for w in one.checked.warnings],
        "plain": one.checked.plain or None,
    }


def _problem(problem: Problem) -> Json:
    return {"code": problem.code, "where": problem.where, "message": problem.message}
