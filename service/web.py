"""The web process: the API, health and the console as one ASGI application, served by uvicorn."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI

from service import __version__
from service.console.parts import ConsoleParts
from service.console.routes import console_router
from service.errors import ConfigError, Problem
from service.http import problems
from service.http.auth import Keys
from service.http.envelope import Envelope
from service.http.events import EventLimits, events_router
from service.http.health import Readiness, health_router
from service.http.openapi import ABOUT, describe
from service.http.patience import Patience, PatientConfig
from service.intake.group import Intake

_GRACE_SECONDS = 10
_PATIENCE = Patience()


def web_app(
    intake: Intake,
    keys: Keys,
    limits: EventLimits,
    readiness: Readiness,
    callbacks: APIRouter,
    console: ConsoleParts,
    *more: APIRouter,
) -> FastAPI:
    """The application; `more` are further routes of the API. Whoever serves it starts intake before, stops it after."""
    app = FastAPI(
        title="Aftercare",
        version=__version__,
        summary="From a treatment event to the right message, once, or a reason why not.",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    app.add_middleware(Envelope, encrypted=console.public_url.startswith("https:"))
    app.include_router(health_router(readiness))
    app.include_router(events_router(intake, keys, limits))
    for router in (callbacks, *more):
        app.include_router(router)
    app.include_router(console_router(console))
    describe(app)
    return app


class WebServer:
    """uvicorn in a loop of ours: it leaves signals to us, so that worker and web can share a process."""

    def __init__(self, app: FastAPI, host: str, port: int, patience: Patience = _PATIENCE) -> None:
        """Listens at once. Raises ConfigError (`port-unavailable`) where it can not."""
        self._socket = _listening(host, port)
        config = PatientConfig(
            app, patience, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_SECONDS
        )
        self._server = _Server(config)

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    async def run(self) -> None:
        """Serve until `stop`; requests in hand are answered first."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        self._server.should_exit = True


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's affair, not this server's."""
        yield


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or "failed").partition(" (")[0].lower()  # in brackets it repeats the address
        sentence = f"cannot listen on port {port} ({reason}): choose another with PORT"
        raise ConfigError(Problem("port-unavailable", "PORT", sentence)) from None
    # asyncio does not see that this is TCP; without it a body waits 40 ms for the client to acknowledge the headers.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
