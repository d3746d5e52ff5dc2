"""All commands in one table, and the one place where errors become sentences and exit codes.

Exit codes: 0 done; 1 failed; 2 what was given cannot be used (arguments, settings, files, events); 3 the database's
schema does not fit; 4 no such thing; 5 conflict; 75 not available now, try again.
"""

import sys
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from service import __version__
from service.cli import (
    check,
    clinic,
    event,
    import_,
    key,
    preview,
    processes,
    protocol,
    reminder,
    sandbox,
    sender,
    service_codes,
    template,
)
from service.errors import AftercareError

app = typer.Typer(
    name="aftercare",
    help="Aftercare reminders for clinics: from a treatment event to the right message, once, or a reason why not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("run")(processes.run)
app.command("web")(processes.web)
app.command("worker")(processes.worker)
app.command("migrate")(processes.migrate)
app.command("event")(event.event)
app.command("import")(import_.import_)
app.command("preview")(preview.preview_)
app.command("check")(check.check)
app.command("sandbox")(sandbox.sandbox)
clinic.app.command("map")(service_codes.map_)
clinic.app.command("codes")(service_codes.codes)
app.add_typer(clinic.app, name="clinic")
app.add_typer(key.app, name="key")
app.add_typer(reminder.app, name="reminder")
app.add_typer(sender.app, name="sender")
app.add_typer(template.app, name="template")
app.add_typer(protocol.app, name="protocol")


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"aftercare {__version__}")
        raise typer.Exit


def main() -> None:
    """Run a command; every error ends in a sentence on stderr and an exit code, never in a traceback."""
    try:
        app()
    except AftercareError as error:
        for problem in error.problems:
            typer.echo(f"aftercare: {problem}", err=True)
        sys.exit(error.exit_code)
    except (SQLAlchemyError, OSError) as error:
        # The driver's message may quote a row or a password: only its kind is told.
        typer.echo(f"aftercare: the database or the system failed ({type(error).__name__}) [unavailable]", err=True)
        sys.exit(75)
