"""`aftercare sandbox`: a provider simulator, for trying live sending out without a provider."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import orjson
import typer

from service import clock
from service.cli.tools import in_loop
from service.errors import BadInput, Problem
from service.sandbox import FaultRuleError, SandboxConfig, parse_rules, serve


def sandbox(
    port: Annotated[int, typer.Option(help="Where to listen, on 127.0.0.1.")] = 8100,
    faults: Annotated[str, typer.Option(help="Such as reset-after=0.02,latency=5-50ms,429=0.01.")] = "",
    ledger: Annotated[Path | None, typer.Option(help="Append a line for every message to this file.")] = None,
    events_to: Annotated[list[str] | None, typer.Option(help="Where SendGrid events are posted.")] = None,
    inbound_to: Annotated[
        str,
        typer.Option(help="Where texts are posted, such as http://127.0.0.1:8000/callbacks/twilio/inbound/glow.sms."),
    ] = "",
    callbacks: Annotated[bool, typer.Option(help="Post status callbacks and events.")] = True,
    seed: Annotated[int, typer.Option(help="Makes the faults repeatable.")] = 0,
) -> None:
    """Speak Twilio's and SendGrid's HTTP on this machine, with faults on demand. For test data only."""
    try:
        parse_rules(faults)
    except FaultRuleError as error:
        raise BadInput(Problem("invalid-faults", "--faults", str(error))) from None
    config = SandboxConfig(
        now=clock.now,
        port=port,
        faults=faults,
        ledger=ledger,
        event_webhooks=tuple(events_to or ()),
        inbound_webhook=inbound_to,
        callbacks=callbacks,
        seed=seed,
    )
    in_loop(lambda: _serve(config))


async def _serve(config: SandboxConfig) -> None:
    serving = asyncio.ensure_future(serve(config, _greet))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def _greet(ready: str) -> None:
    """`ready` is the sandbox's address, credentials and public key, as JSON."""
    info = orjson.loads(ready)
    settings = {
        "TWILIO_BASE_URL": info["url"],
        "TWILIO_ACCOUNT_SID": info["twilio_account_sid"],
        "TWILIO_AUTH_TOKEN": info["twilio_auth_token"],
        "TWILIO_FROM": "+447400123400",
        "SENDGRID_BASE_URL": info["url"],
        "SENDGRID_API_KEY": info["sendgrid_api_key"],
        "SENDGRID_FROM": "care@glow.example",
        "SENDGRID_WEBHOOK_KEY": info["sendgrid_webhook_key"],
    }
    typer.echo(f"The sandbox listens at {info['url']}: open it to see what arrives, and text as a client at /phone.")
    typer.echo("Point web and worker at it with\n")
    for name, value in settings.items():
        typer.echo(f"  export {name}={value}")
