"""`aftercare opt-outs FILE`: people who opted out elsewhere are never written to."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.errors import BadInput, Problem
from service.imports.opt_outs import OptOuts, take_opt_outs
from service.imports.source import Encoding
from service.settings import Settings

_SHOWN = 10


def opt_outs(
    file: Annotated[Path, typer.Argument(help="CSV with a column phone, or email, or both.")],
    clinic: ClinicOption,
    encoding: Annotated[Encoding, typer.Option(help="How the file writes its characters.")] = Encoding.UTF_8,
    as_json: JsonOption = False,
) -> None:
    """Suppress everybody on a list of people who opted out elsewhere.

    Texts go to none of these numbers any more, mail to none of these addresses, whatever is reported of them later;
    only START from the phone, or the client on their own page, takes it back. Ends with 2 where a cell is no number or
    address; all others are taken.
    """
    settings = settings_for("tool")
    taken = in_loop(lambda: _take(settings, clinic, file, encoding))
    refused = [{"where": one.where, "code": one.code, "message": one.message} for one in taken.refused]
    if as_json:
        print_json({"people": taken.people, "new": taken.new, "refused": refused})
    else:
        typer.echo(f"{taken.people:,} numbers and addresses are suppressed, {taken.new:,} of them anew.")
        for problem in taken.refused[:_SHOWN]:
            typer.echo(f"  not taken: {problem}")
        if len(taken.refused) > _SHOWN:
            typer.echo(f"  and {len(taken.refused) - _SHOWN:,} more; --json tells them all")
    if taken.refused:
        raise typer.Exit(BadInput.exit_code)


async def _take(settings: Settings, clinic: str, path: Path, encoding: Encoding) -> OptOuts:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        try:
            with path.open(encoding=encoding, newline="") as file:
                return await take_opt_outs(database, clinic, file, path.name)
        except UnicodeDecodeError:
            sentence = "the file is not UTF-8: save it as CSV UTF-8, or say --encoding cp1252 (Western Windows)"
            raise BadInput(Problem("not-utf8", str(path), sentence)) from None
