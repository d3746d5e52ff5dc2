"""`aftercare clinic`: add, list, show and change clinics, let staff in, pause one and let it go on."""

from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.clinics import OWNER, NewClinic, NewSender, add_clinic, change_clinic
from service.console import sign_in_path
from service.content import load_content
from service.errors import BadInput, Problem
from service.reasons import sentence
from service.replies import follow_alert_address, inbound_name
from service.settings import Settings
from service.store.pauses import clinic_whole, pause_clinic, resume_clinic
from service.store.sign_ins import issue_sign_in
from service.store.signals import notify
from service.store.tables import Clinic, core
from service.types import Medium

app = typer.Typer(help="Clinics: add, list, show, set, sign-in, pause, resume.", no_args_is_help=True)

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
    sms_from: Annotated[str, typer.Option(help="Its own number, like +44...; absent: TWILIO_FROM.")] = "",
    sms_service: Annotated[
        str, typer.Option(help="Its own messaging service, MG...; absent: the configured one.")
    ] = "",
    email_from: Annotated[str, typer.Option(help="Its own address; absent: SENDGRID_FROM.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Add a clinic, with senders of its own or those configured. Texts of two clinics cannot come from one number."""
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
        senders=_senders(settings, sms_from, sms_service, email_from),
    )
    in_loop(lambda: _add(settings, new))
    if as_json:
        print_json({"clinic": id})
    else:
        typer.echo(f"Added {id}. Next: `aftercare key add --clinic {id}`.")
        if settings.public_url and settings.has_twilio:
            inbound = f"{settings.public_url}/callbacks/twilio/inbound/{inbound_name(id, Medium.SMS.value)}"
            typer.echo(f"In Twilio, have incoming texts posted to {inbound} (docs/answers.md).")
        if not alert_email:
            typer.echo(
                f"Its clients are asked nothing until `aftercare clinic set --clinic {id} --alert-email ADDRESS`."
            )


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List clinics."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _list(settings))
    if as_json:
        print_json(rows)
        return
    table = Table("clinic", "name", "zone", "language", "paused since")
    for row in rows:
        table.add_row(row["id"], row["name"], row["time_zone"], row["locale"], str(row["paused_at"] or ""))
    Console().print(table)


@app.command("sign-in")
def sign_in(clinic: ClinicOption) -> None:
    """Print a link that lets the clinic's owner into the console, once, within the hour."""
    settings = settings_for("tool")
    token = in_loop(lambda: _sign_in(settings, clinic))
    address = settings.public_url or f"http://127.0.0.1:{settings.port}"
    typer.echo(f"{address}{sign_in_path(token)}")


@app.command("show")
def show(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Show a clinic: what is set, its locations and its senders."""
    settings = settings_for("tool")
    found = in_loop(lambda: _show(settings, clinic))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name not in {"locations", "senders"}:
            typer.echo(f"{name + ':':14}{value if value is not None else ''}")
    for place in found["locations"]:
        typer.echo(f"{'location:':14}{place['id']}, {place['name']}")
    for sender in found["senders"]:
        typer.echo(f"{'sender:':14}{_sender_line(sender)}")


@app.command("set")
def set_(
    clinic: ClinicOption,
    name: Annotated[str | None, typer.Option(help="As clients know it.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="IANA time zone.")] = None,
    phone: Annotated[str | None, typer.Option(help="The number that messages name.")] = None,
    country: Annotated[str | None, typer.Option(help="Two capital letters.")] = None,
    locale: Annotated[str | None, typer.Option(help="Language of clients who gave none.")] = None,
    urgent_phone: Annotated[str | None, typer.Option(help="For worries that cannot wait.")] = None,
    address: str | None = None,
    booking_url: Annotated[str | None, typer.Option(help="Where clients book.")] = None,
    alert_email: Annotated[str | None, typer.Option(help="Who is told when a client worries.")] = None,
    care_consent: Annotated[str | None, typer.Option(help="`assumed` or `explicit`.")] = None,
    quiet_start: Annotated[str | None, typer.Option(help="From this hour on no texts: 20:00.")] = None,
    quiet_end: Annotated[str | None, typer.Option(help="Until this hour: 09:00.")] = None,
    quiet_email: Annotated[bool | None, typer.Option(help="Whether quiet hours bind email too.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is set for a clinic. What is planned keeps its times; what is reported from now on follows."""
    given = {
        "name": name, "time_zone": zone, "phone": phone, "country": country, "locale": locale,
        "urgent_phone": urgent_phone, "address": address, "booking_url": booking_url, "alert_email": alert_email,
        "care_consent": care_consent, "quiet_start": quiet_start, "quiet_end": quiet_end, "quiet_email": quiet_email,
    }  # fmt: skip
    changed = {field: value for field, value in given.items() if value is not None}
    if not changed:
        raise BadInput(Problem("nothing-to-set", "", "name what to change: `aftercare clinic set --help`"))
    settings = settings_for("tool")
    in_loop(lambda: _set(settings, clinic, changed))
    if as_json:
        print_json({"clinic": clinic, "changed": changed})
    else:
        typer.echo(f"Changed {', '.join(changed)} of {clinic}.")


@app.command("pause")
def pause(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Start nothing more for a clinic; its reminders stay due, and expire where the pause is too long."""
    settings = settings_for("tool")
    changed = in_loop(lambda: _pause(settings, clinic))
    if as_json:
        print_json({"clinic": clinic, "changed": changed})
    else:
        typer.echo(f"Paused {clinic}." if changed else f"{clinic} is paused already.")


@app.command("resume")
def resume(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Let a paused clinic go on; a sender that was paused for a reason of its own stays paused."""
    settings = settings_for("tool")
    changed, still = in_loop(lambda: _resume(settings, clinic))
    if as_json:
        print_json({"clinic": clinic, "changed": changed, "paused": [row["id"] for row in still]})
        return
    typer.echo(f"Resumed {clinic}." if changed else f"{clinic} was not paused.")
    for row in still:
        typer.echo(f"Still paused: {_sender_line(row)}. `aftercare sender resume` lets it go on.")


def _sender_line(row: dict[str, Any]) -> str:
    address = row["address"] or row["messaging_service"] or "no address"
    paused = f", paused since {row['paused_at']:%Y-%m-%d %H:%M} UTC" if row["paused_at"] else ""
    why = f" ({sentence(row['paused_reason']).rstrip('.')})" if row["paused_at"] and row["paused_reason"] else ""
    return f"{row['id']}, {address}, {row['rate']:g} a second{paused}{why}"


def _senders(settings: Settings, number: str, service: str, email: str) -> list[NewSender]:
    """One sender a medium: what is given, else what the settings name; a nameless one only the outbox can use."""
    if not (number or service):
        number, service = settings.twilio_from or "", settings.twilio_messaging_service_sid or ""
    return [
        NewSender(Medium.SMS, number, _RATE, service),
        NewSender(Medium.EMAIL, email or settings.sendgrid_from or "", _RATE),
    ]


async def _add(settings: Settings, new: NewClinic) -> None:
    async with open_store(settings) as database, database.write() as connection:
        await add_clinic(connection, new, await database.now(connection))


async def _list(settings: Settings) -> list[dict[str, Any]]:
    clinic = core(Clinic)
    columns = (clinic.c.id, clinic.c.name, clinic.c.time_zone, clinic.c.locale, clinic.c.paused_at)
    async with open_store(settings) as database, database.read() as connection:
        return [dict(row._mapping) for row in await connection.execute(sa.select(*columns).order_by(clinic.c.id))]  # noqa: SLF001 - SQLAlchemy's documented accessor


async def _show(settings: Settings, clinic: str) -> dict[str, Any]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            return await clinic_whole(connection, clinic)


async def _set(settings: Settings, clinic: str, values: dict[str, str | bool]) -> None:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            await change_clinic(connection, clinic, values)
        if "alert_email" in values:
            await follow_alert_address(database, load_content(settings.home).protocols, clinic)


async def _sign_in(settings: Settings, clinic: str) -> str:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            return await issue_sign_in(connection, clinic, OWNER, now, _SIGN_IN_LIFETIME)


async def _pause(settings: Settings, clinic: str) -> bool:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            return await pause_clinic(connection, clinic, await database.now(connection))


async def _resume(settings: Settings, clinic: str) -> tuple[bool, list[dict[str, Any]]]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            changed = await resume_clinic(connection, clinic, now)
            found = await clinic_whole(connection, clinic)
            await notify(connection, now)
    return changed, [row for row in found["senders"] if row["paused_at"]]
