"""`aftercare web`: the API, the console and the clients' pages."""

from service import logs
from service.cli.processes import on_stop, spare_the_collector
from service.cli.tools import in_loop, open_store, settings_for
from service.content import load_content
from service.settings import Settings
from service.web import WebServer
from service.wiring.intake import build_intake
from service.wiring.web import build_web, patience_of


def web() -> None:
    """The API and the console."""
    settings = settings_for("web")
    logs.configure(settings.log_level)
    in_loop(lambda: _web(settings))


async def _web(settings: Settings) -> None:
    content = load_content(settings.home)
    async with open_store(settings) as database:
        intake = build_intake(settings, database, content.protocols, watch=True)
        app = build_web(settings, database, content, intake)
        server = WebServer(app, settings.host, settings.port, patience_of(settings))
        spare_the_collector()
        intake.start()
        on_stop(server.stop)
        await server.run()
        await intake.stop()
