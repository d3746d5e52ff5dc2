"""`aftercare client`: what a person may ask of a clinic: all that is stored about them, or that it goes."""

from typing import Annotated, Any

import typer

from service.audit import Deed, note
from service.cli.someone import someone
from service.cli.taking import open_intake
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.content import load_content
from service.errors import BadInput, NotFound, Problem
from service.privacy import dossier, erase
from service.settings import Settings
from service.words import Words

app = typer.Typer(help="Clients: export, erase.", no_args_is_help=True)

RefArgument = Annotated[str, typer.Argument(metavar="REF", help="The client's reference in the clinic's own system.")]


@app.command("export")
def export(ref: RefArgument, clinic: ClinicOption) -> None:
    """Print all that is stored about a client, as JSON, with the words of each message."""
    settings = settings_for("tool")
    print_json(in_loop(lambda: _export(settings, clinic, ref)))


@app.command("erase")
def erase_(
    ref: RefArgument,
    clinic: ClinicOption,
    yes: Annotated[bool, typer.Option("--yes", help="It cannot be taken back.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a client: personal data goes for good, what counts stays, what was coming is called off."""
    if not yes:
        raise BadInput(Problem("not-confirmed", "--yes", f"this erases {ref} for good: say so with --yes"))
    settings = settings_for("tool")
    called_off = in_loop(lambda: _erase(settings, clinic, ref))
    if as_json:
        print_json({"client": ref, "called_off": called_off})
    else:
        typer.echo(f"Erased {ref}. Messages called off: {called_off}.")


async def _export(settings: Settings, clinic: str, ref: str) -> dict[str, Any]:
    content = load_content(settings.home)
    words = Words(content.templates, content.protocols)
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            now = await database.now(connection)
            found = await dossier(connection, clinic, ref, words.show, now)
        if found is None:
            raise NotFound(Problem("unknown-client", ref, "this clinic has no such client"))
        async with database.write() as connection:
            await note(connection, clinic, someone(), Deed.CLIENT_EXPORTED, now, client=ref)
    return found


async def _erase(settings: Settings, clinic: str, ref: str) -> int:
    async with open_intake(settings) as (database, intake):
        await require_clinic(database, clinic)
        return await erase(database, intake, clinic, ref, someone())
