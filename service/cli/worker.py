"""`aftercare worker`: sends what falls due."""

from service import logs
from service.cli.processes import allow_many_files, on_stop, spare_the_collector
from service.cli.tools import in_loop, open_store, settings_for
from service.content import load_content
from service.settings import Settings
from service.wiring.worker import build_worker


def worker() -> None:
    """Sends what falls due. Any number may run on PostgreSQL."""
    settings = settings_for("worker")
    logs.configure(settings.log_level)
    in_loop(lambda: _worker(settings))


async def _worker(settings: Settings) -> None:
    content = load_content(settings.home)
    async with open_store(settings) as database:
        parts = build_worker(settings, database, content)
        allow_many_files()
        spare_the_collector()
        on_stop(parts.worker.stop)
        try:
            await parts.worker.run()
        finally:
            await parts.channels.close()
