"""The web process: the API, health and the console as one ASGI application, served by uvicorn."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from service import __version__, logs
from service.console import ConsoleParts, console_router
from service.http import problems
from service.http.auth import Keys
from service.http.events import EventLimits, events_router
from service.http.health import Readiness, health_router
from service.intake import Intake

log = logs.get(__name__)


def web_app(intake: Intake, keys: Keys, limits: EventLimits, readiness: Readiness, console: ConsoleParts) -> FastAPI:
    """The application. Intake starts and stops with it."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        intake.start()
        yield
        await intake.stop()

    app = FastAPI(
        title="Aftercare",
        version=__version__,
        summary="From a treatment event to the right message, once, or a reason why not.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    problems.install(app)
    app.include_router(health_router(readiness))
    app.include_router(events_router(intake, keys, limits))
    app.include_router(console_router(console))
    return app


class WebServer:
    """uvicorn in a loop of ours: it leaves signals to us, so that worker and web can share a process."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=10
        )
        self._server = _Server(config)

    async def run(self, ready: Callable[[int], None] = lambda _: None) -> None:
        """Serve until `stop`; `ready` gets the port once requests are taken."""
        serving = asyncio.create_task(self._server.serve(), name="web")
        waiting = asyncio.create_task(self._server.listening.wait(), name="listening")
        await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._server.started:
            ready(self._server.servers[0].sockets[0].getsockname()[1])
        await serving

    def stop(self) -> None:
        self._server.should_exit = True


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's affair, not this server's."""
        yield

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        self.listening.set()
