"""The long-running processes: `run` for trying out and small clinics, `web` and `worker` for everyone else."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta

import typer

from service import logs
from service.cli.tools import in_loop, open_store, settings_for, spare_the_collector
from service.clinics import OWNER
from service.console import sign_in_path
from service.content import load_content
from service.sample import CLINIC
from service.sample_house import open_sample
from service.settings import Settings
from service.store import schema
from service.store.session import Database
from service.store.sign_ins import issue_sign_in
from service.web import WebServer
from service.wiring import build_intake, build_web, build_worker, open_database

_SIGN_IN_LIFETIME = timedelta(hours=12)


def run() -> None:
    """Web and worker in one process, on SQLite and the outbox, with a sample clinic."""
    settings = settings_for("run")
    logs.configure(settings.log_level, human=sys.stderr.isatty())
    in_loop(lambda: _run(settings))


def web() -> None:
    """The API and the console."""
    settings = settings_for("web")
    logs.configure(settings.log_level)
    in_loop(lambda: _web(settings))


def worker() -> None:
    """Sends what falls due. Any number may run on PostgreSQL."""
    settings = settings_for("worker")
    logs.configure(settings.log_level)
    in_loop(lambda: _worker(settings))


def migrate() -> None:
    """Bring the database's schema up to date; safe to run again, and while old code still runs."""
    settings = settings_for("migrate")
    revision = in_loop(lambda: _migrate(settings))
    typer.echo(f"The schema is at revision {revision}.")


async def _run(settings: Settings) -> None:
    content = load_content(settings.home)
    database = open_database(settings)
    await schema.migrate(database)
    parts = build_worker(settings, database, content)
    spare_the_collector()
    intake = build_intake(settings, database, content, parts.alarm.hint)
    app = build_web(settings, database, content, intake, parts.alarm.hint, parts.alerts.wake)
    server = WebServer(app, settings.host, settings.port)
    intake.start()
    serving = asyncio.create_task(server.run())
    working = asyncio.create_task(parts.worker.run())
    _on_stop(parts.worker.stop)
    serving.add_done_callback(lambda _: parts.worker.stop())
    try:
        key = await open_sample(database, intake)
        await _greet(settings, database, server.port, key)
        await working
    finally:
        server.stop()
        await serving
        await intake.stop()
        await parts.channels.close()
        await database.close()


async def _web(settings: Settings) -> None:
    content = load_content(settings.home)
    async with open_store(settings) as database:
        intake = build_intake(settings, database, content)
        server = WebServer(build_web(settings, database, content, intake), settings.host, settings.port)
        spare_the_collector()
        intake.start()
        _on_stop(server.stop)
        await server.run()
        await intake.stop()


async def _worker(settings: Settings) -> None:
    content = load_content(settings.home)
    async with open_store(settings) as database:
        parts = build_worker(settings, database, content)
        spare_the_collector()
        _on_stop(parts.worker.stop)
        try:
            await parts.worker.run()
        finally:
            await parts.channels.close()


async def _migrate(settings: Settings) -> int:
    database = open_database(settings, patience=None)
    try:
        return await schema.migrate(database)
    finally:
        await database.close()


async def _greet(settings: Settings, database: Database, port: int, key: str | None) -> None:
    """Where to look, printed for a person."""
    address = settings.public_url or f"http://127.0.0.1:{port}"
    async with database.write() as connection:
        now = await database.now(connection)
        token = await issue_sign_in(connection, CLINIC, OWNER, now, _SIGN_IN_LIFETIME)
    lines = (
        "",
        "Aftercare is running, with a sample clinic. Nothing leaves this machine: messages go to the outbox.",
        "",
        f"  Console  {address}/console",
        f"  Sign in  {address}{sign_in_path(token)}",
        f"  API key  {key or 'shown at the first run; `aftercare key add --clinic glow` makes another'}",
        "",
        "Ctrl-C stops it; run it again and everything is still here.",
        "",
    )
    typer.echo(os.linesep.join(lines))


def _on_stop(stop: Callable[[], None]) -> None:
    """SIGTERM and Ctrl-C begin an orderly stop."""
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop)
