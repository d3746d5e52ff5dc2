"""`aftercare run`: everything in one process, for trying out and for small clinics."""

import asyncio
import os
import sys
from datetime import timedelta

import typer

from service import logs
from service.cli.processes import allow_many_files, on_stop, spare_the_collector
from service.cli.tools import in_loop, opened, settings_for
from service.clinics import OWNER
from service.console.address import sign_in_path
from service.content import load_content
from service.sample import CLINIC
from service.sample_house import open_sample
from service.settings import Settings
from service.store import schema
from service.store.session import Database
from service.store.sign_ins import issue_sign_in
from service.web import WebServer
from service.wiring.intake import build_intake
from service.wiring.web import build_web, patience_of
from service.wiring.worker import build_worker

_SIGN_IN_LIFETIME = timedelta(hours=12)


def run() -> None:
    """Web and worker in one process, on SQLite and the outbox, with a sample clinic."""
    settings = settings_for("run")
    logs.configure(settings.log_level, human=sys.stderr.isatty())
    in_loop(lambda: _run(settings))


async def _run(settings: Settings) -> None:
    content = load_content(settings.home)
    async with opened(settings) as database:
        await schema.migrate(database)
        parts = build_worker(settings, database, content)
        allow_many_files()
        spare_the_collector()
        intake = build_intake(settings, database, content.protocols, parts.alarm.hint, watch=True)
        app = build_web(settings, database, content, intake, parts.alarm.hint, parts.worker.tell)
        server = WebServer(app, settings.host, settings.port, patience_of(settings))
        intake.start()
        serving = asyncio.create_task(server.run())
        working = asyncio.create_task(parts.worker.run())
        on_stop(parts.worker.stop)
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
