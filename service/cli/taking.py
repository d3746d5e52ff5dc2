"""For commands that take events in: a running intake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.cli.tools import open_store
from service.intake.group import Intake
from service.intake.ramp import Ramp
from service.protocols import load_protocols
from service.settings import Settings, data_folder
from service.store.session import Database
from service.wiring.intake import build_intake


@asynccontextmanager
async def open_intake(settings: Settings, ramp: Ramp | None = None) -> AsyncIterator[tuple[Database, Intake]]:
    """A running intake; what was given to it is committed when the block ends. Planning needs protocols, not words."""
    protocols = load_protocols(data_folder("config/protocols", settings.home))
    async with open_store(settings) as database:
        intake = build_intake(settings, database, protocols, ramp=ramp)
        intake.start()
        try:
            yield database, intake
        finally:
            await intake.stop()
