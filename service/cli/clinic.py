"""`aftercare clinic`: add and list clinics, let staff in, and let a paused sender go on."""

from datetime import timedelta
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.clinics import OWNER, NewClinic, NewSender, add_clinic
from service.console import sign_in_path
from service.settings import Settings
from service.store.lanes import resume_senders
from service.store.sign_ins import issue_sign_in
from service.store.signals import notify
from service.store.tables import Clinic, core
from service.types import Medium

app = typer.Typer(help="Clinics: add, list, sign-in, resume.", no_args_is_help=True)

_RATE = 10.0
_SIGN_IN_LIFETIME = timedelta(hours=1)


@app.command("add")
def add(
    id: Annotated[str, typer.Argument(help="Short name, like glow-soho.")],  # noqa: A002 - the argument's name in --help
    name: Annotated[str, typer.Option(help="As clients know it: it leads every message.")],
    zone: Annotated[str, typer.Option("--zone", help="IANA time zone, like Europe/London.")],
    phone: Annotated[str, typer.Option(help="The number that messages name.")],
    country: Annotated[str, typer.Option(help="Two capital letters: how numbers without + are read.")],
    locale: Annotated[str, typer.Option(help="Language of clients who gave none.")] = "en",
    urgent_phone: Annotated[str, typer.Option(help="The number for worries that cannot wait.")] = "",
    address: str = "",
    booking_url: Annotated[str, typer.Option(help="Where clients book.")] = "",
    alert_email: Annotated[str, typer.Option(help="Who is told when a client worries.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Add a clinic, with senders of the configured numbers and addresses."""
    settings = settings_for("tool")
    new = NewClinic(
        id=id,
        name=name,
        time_zone=zone,
        country=country,
        locale=locale,
        phone=phone,
        urgent_phone=urgent_phone,
        address=address,
        booking_url=booking_url,
        alert_email=alert_email,
        quiet_start=settings.quiet_hours.sms_start,
        quiet_end=settings.quiet_hours.sms_end,
        senders=_senders(settings),
    )
    in_loop(lambda: _add(settings, new))
    if as_json:
        print_json({"clinic": id})
    else:
        typer.echo(f"Added {id}. Next: `aftercare key add --clinic {id}`.")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List clinics."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _list(settings))
    if as_json:
        print_json(rows)
        return
    table = Table("clinic", "name", "zone", "language")
    for row in rows:
        table.add_row(row["id"], row["name"], row["time_zone"], row["locale"])
    Console().print(table)


@app.command("sign-in")
def sign_in(clinic: ClinicOption) -> None:
    """Print a link that lets the clinic's owner into the console, once, within the hour."""
    settings = settings_for("tool")
    token = in_loop(lambda: _sign_in(settings, clinic))
    address = settings.public_url or f"http://127.0.0.1:{settings.port}"
    typer.echo(f"{address}{sign_in_path(token)}")


@app.command("resume")
def resume(clinic: ClinicOption) -> None:
    """Let a clinic's paused senders go on."""
    settings = settings_for("tool")
    count = in_loop(lambda: _resume(settings, clinic))
    typer.echo(f"Resumed {count} sender{'' if count == 1 else 's'} of {clinic}.")


def _senders(settings: Settings) -> list[NewSender]:
    """One sender a medium: what the settings name, or nameless ones that only the outbox can use."""
    service, number = settings.twilio_messaging_service_sid or "", settings.twilio_from or ""
    return [
        NewSender(Medium.SMS, number, _RATE, service),
        NewSender(Medium.EMAIL, settings.sendgrid_from or "", _RATE),
    ]


async def _add(settings: Settings, new: NewClinic) -> None:
    async with open_store(settings) as database, database.write() as connection:
        await add_clinic(connection, new, await database.now(connection))


async def _list(settings: Settings) -> list[dict[str, str]]:
    clinic = core(Clinic)
    columns = (clinic.c.id, clinic.c.name, clinic.c.time_zone, clinic.c.locale)
    async with open_store(settings) as database, database.read() as connection:
        return [dict(row._mapping) for row in await connection.execute(sa.select(*columns).order_by(clinic.c.id))]  # noqa: SLF001 - SQLAlchemy's documented accessor


async def _sign_in(settings: Settings, clinic: str) -> str:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            return await issue_sign_in(connection, clinic, OWNER, now, _SIGN_IN_LIFETIME)


async def _resume(settings: Settings, clinic: str) -> int:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            count = await resume_senders(connection, clinic, now)
            await notify(connection, now)
            return count
