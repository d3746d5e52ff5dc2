"""`aftercare migrate`: the schema, up to date."""

import typer

from service.cli.tools import in_loop, opened, settings_for
from service.settings import Settings
from service.store import schema


def migrate() -> None:
    """Bring the database's schema up to date; safe to run again, and while old code still runs."""
    settings = settings_for("migrate")
    revision = in_loop(lambda: _migrate(settings))
    typer.echo(f"The schema is at revision {revision}.")


async def _migrate(settings: Settings) -> int:
    async with opened(settings, patience=None) as database:
        return await schema.migrate(database)
