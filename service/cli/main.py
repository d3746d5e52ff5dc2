"""All commands in one table, and the one place where errors become sentences and exit codes.

Exit codes: 0 done; 1 failed; 2 what was given cannot be used (arguments, settings, files, events); 3 the database's
schema does not fit; 4 no such thing; 5 conflict; 75 not available now, try again.
"""

import gc
import sys
from typing import Annotated

import typer

from service import __version__
from service.cli.lazy import Lazy, lazy_group
from service.errors import AftercareError

_GC_THRESHOLD = 10_000
"""Libraries make half a million objects that never become garbage: walking them again and again costs a command's
start a tenth of its time, and a busy worker a good part of its CPU."""

_COMMANDS = (
    Lazy("run", "service.cli.run:run", "Try it: web and worker in one process, a sample clinic."),
    Lazy("web", "service.cli.web:web", "The API and the console."),
    Lazy("worker", "service.cli.worker:worker", "Sends what falls due."),
    Lazy("migrate", "service.cli.migrate:migrate", "Bring the database's schema up to date."),
    Lazy("event", "service.cli.event:event", "Take in events from a file and print the plan they make."),
    Lazy("import", "service.cli.import_:import_", "Take in a file of events, NDJSON or CSV, as many as there are."),
    Lazy("opt-outs", "service.cli.opt_outs:opt_outs", "Take in a list of people who opted out elsewhere."),
    Lazy("preview", "service.cli.preview:preview_", "Print every message that an event would make."),
    Lazy("check", "service.cli.check:check", "Check settings, protocols and templates."),
    Lazy("sandbox", "service.cli.sandbox:sandbox", "Speak Twilio's and SendGrid's HTTP on this machine, for tests."),
    Lazy("clinic", "service.cli.clinic:app", "Clinics: add, list, show, set, location, map, sign-in, pause, resume."),
    Lazy("key", "service.cli.key:app", "API keys: add, list, rotate, expire, revoke."),
    Lazy("client", "service.cli.client:app", "Clients: export, erase."),
    Lazy("audit", "service.cli.audit:app", "The audit log: who read or changed what."),
    Lazy("reminder", "service.cli.reminder:app", "Reminders: list, show, retry, cancel, move, send-now, resolve."),
    Lazy("sender", "service.cli.sender:app", "Senders: list, set, pause, resume, cap."),
    Lazy("staff", "service.cli.staff:app", "Staff: add, list, code, confirm, remove."),
    Lazy("template", "service.cli.template:app", "Messages: check, preview, test, pull, push, hold, release."),
    Lazy("protocol", "service.cli.protocol:app", "Care protocols: list, confirm."),
)

app = typer.Typer(
    name="aftercare",
    help="Aftercare reminders for clinics: from a treatment event to the right message, once, or a reason why not.",
    cls=lazy_group(*_COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aftercare {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """What all commands share."""


def main() -> None:
    """Run a command; every error ends in a sentence on stderr and an exit code, never in a traceback."""
    gc.set_threshold(_GC_THRESHOLD)
    try:
        app(prog_name="aftercare")
    except AftercareError as error:
        for problem in error.problems:
            typer.echo(f"aftercare: {problem}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        typer.echo(f"aftercare: the database or the system failed ({type(error).__name__}) [unavailable]", err=True)
        sys.exit(75)
