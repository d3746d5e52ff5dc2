"""`aftercare clinic map` and `codes`: what a clinic's own codes of services mean."""

from datetime import date
from typing import Annotated

import typer

from service import clock
from service.cli.ramping import RampOption, SendFrom, ramp_asked
from service.cli.someone import someone
from service.cli.tools import (
    ClinicOption,
    JsonOption,
    in_loop,
    open_store,
    print_json,
    require_clinic,
    settings_for,
)
from service.intake.mapping import Mapped, codes_json, map_code
from service.protocols import load_protocols
from service.settings import Settings, data_folder
from service.types import Json


def map_(
    code: Annotated[str, typer.Argument(help="The clinic's own code, as its events give it for `protocol`.")],
    protocol: Annotated[str, typer.Argument(help="The protocol that it means, like microneedling.")],
    clinic: ClinicOption,
    send_from: SendFrom = None,
    ramp: RampOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a clinic's own code of a service means, and plan the treatments that waited for it.

    Nothing is sent for the past: steps whose time is over are recorded as skipped. Where a history waits, give
    --send-from and --ramp as with its import: what is due already would go out at once.
    """
    settings = settings_for("tool")
    start = send_from.date() if send_from else None
    mapped = in_loop(lambda: _map(settings, clinic, code, protocol, start, ramp))
    if as_json:
        print_json({"code": code, "protocol": protocol, **mapped.as_json()})
        return
    typer.echo(
        f"{code} means {protocol}. Treatments that waited for it: {mapped.treatments}; "
        f"reminders planned: {mapped.planned}, past: {mapped.past}; {mapped.soon} fall due at once or within 24 hours."
    )


def codes(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """List a clinic's own codes: what each means, and how many treatments wait for a meaning."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _codes(settings, clinic))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        meaning = row["protocol"] or f"no protocol yet; {row['waiting']} treatments wait"
        typer.echo(f"{row['code']}: {meaning}")


async def _map(
    settings: Settings, clinic: str, code: str, protocol: str, send_from: date | None, a_day: int | None
) -> Mapped:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        protocols = load_protocols(data_folder("config/protocols", settings.home))
        ramp = await ramp_asked(database, clinic, send_from, a_day, clock.now())
        return await map_code(database, protocols, clinic, code, protocol, someone(), ramp)


async def _codes(settings: Settings, clinic: str) -> list[Json]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            return await codes_json(connection, clinic)
