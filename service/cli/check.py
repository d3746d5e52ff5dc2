"""`aftercare check`: are settings, protocols and words in order?"""

from collections.abc import Sequence
from typing import Annotated

import typer

from service.cli.tools import in_loop, open_store, settings_for
from service.content import LOCALES, load_content
from service.errors import AftercareError
from service.protocols import explain
from service.settings import Settings, load
from service.store.questions import deaf_clinics


def check(
    explained: Annotated[bool, typer.Option("--explain", help="Write out every step with its defaults.")] = False,
) -> None:
    """Check settings, protocols and templates, and each against the others."""
    settings = load()
    content = load_content(settings.home)
    if explained:
        for protocol in content.protocols.values():
            typer.echo(explain(protocol))
    steps = sum(len(protocol.steps) for protocol in content.protocols.values())
    typer.echo(
        f"In order: {len(content.protocols)} protocols, {steps} steps, "
        f"{len(content.templates.wordings)} texts in {' and '.join(LOCALES)}."
    )
    waiting = [code for code, protocol in content.protocols.items() if not protocol.reviewed]
    if waiting:
        typer.echo(f"Not yet reviewed, by a clinician and by native readers: {', '.join(waiting)}.")
        typer.echo("Each clinic confirms them: `aftercare protocol list` shows what waits and stays in the outbox.")
    for clinic in _deaf_clinics(settings):
        mend = f"`aftercare clinic set --clinic {clinic} --alert-email ADDRESS`"
        typer.echo(f"{clinic} has no alert address, so its clients are asked nothing: {mend}.")


def _deaf_clinics(settings: Settings) -> Sequence[str]:
    """Clinics where nobody would hear an answer, as far as there is a database that can be asked."""

    async def ask() -> Sequence[str]:
        async with open_store(settings_for("tool")) as database, database.read() as connection:
            return await deaf_clinics(connection)

    if settings.database_url is None:
        return ()
    try:
        return in_loop(ask)
    except (AftercareError, OSError):
        typer.echo("The database cannot be asked, so clinics were not looked at.")
        return ()
