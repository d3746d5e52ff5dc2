"""`aftercare clinic`: list and show clinics, let staff in, pause one and let it go on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from service.audit import Deed, note
from service.cli.layout import print_facts, print_rows
from service.cli.lazy import Lazy, lazy_group
from service.cli.someone import someone
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.clinics import OWNER
from service.console.address import sign_in_path
from service.reasons import sentence
from service.settings import Settings
from service.store.clinics import clinics_page
from service.store.pauses import clinic_whole, pause_clinic, resume_clinic
from service.store.sign_ins import issue_sign_in
from service.store.signals import notify

_COMMANDS = (
    Lazy("add", "service.cli.clinic_change:add", "Add a clinic, with senders of its own or those configured."),
    Lazy("set", "service.cli.clinic_change:set_", "Change what is set for a clinic."),
    Lazy("map", "service.cli.service_codes:map_", "Say what a clinic's own code of a service means."),
    Lazy("location", "service.cli.location:location", "Add, change or remove one of a clinic's locations."),
    Lazy("codes", "service.cli.service_codes:codes", "List a clinic's own codes of services."),
)
app = typer.Typer(cls=lazy_group(*_COMMANDS), no_args_is_help=True)

_TEXTS = {
    "name": "name", "zone": "time_zone", "country": "country", "locale": "locale", "phone": "phone",
    "urgent phone": "urgent_phone", "address": "address", "booking url": "booking_url", "alert email": "alert_email",
}  # fmt: skip
_SIGN_IN_LIFETIME = timedelta(hours=1)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List clinics."""
    settings = settings_for("tool")
    rows = in_loop(lambda: _list(settings))
    if as_json:
        print_json(rows)
        return
    told = [(row["id"], row["name"], row["time_zone"], row["locale"], _moment(row["paused_at"])) for row in rows]
    print_rows(("clinic", "name", "zone", "language", "paused since"), told, head=2)


@app.command("sign-in")
def sign_in(
    clinic: ClinicOption,
    staff: Annotated[str, typer.Option(help="A member of its staff, as `aftercare staff list` shows them.")] = OWNER,
) -> None:
    """Print a link that lets the clinic's owner, or another of its staff, into the console, once, within the hour."""
    settings = settings_for("tool")
    token = in_loop(lambda: _sign_in(settings, clinic, staff))
    address = settings.public_url or f"http://127.0.0.1:{settings.port}"
    typer.echo(f"{address}{sign_in_path(token)}")
    if settings.public_url is None:
        typer.echo("PUBLIC_URL is not set: it leads to this machine, where the server listens on PORT.", err=True)


@app.command("show")
def show(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """Show a clinic: what is set, its locations and its senders."""
    settings = settings_for("tool")
    found = in_loop(lambda: _show(settings, clinic))
    if as_json:
        print_json(found)
        return
    print_facts(_facts(found))


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


def _facts(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A clinic as a person reads it, by the names that `clinic set` takes it by; what is not set is left out."""
    yield "clinic", found["id"]
    yield from ((name, found[column]) for name, column in _TEXTS.items())
    yield "care consent", found["care_consent"]
    both = "texts and email" if found["quiet_email"] else "texts"
    yield "quiet hours", f"{found['quiet_start']} to {found['quiet_end']}, for {both}"
    yield "sms countries", ", ".join(found["sms_countries"]) or found["country"]
    yield "caps", ", ".join(_cap_line(name, cap) for name, cap in found["caps"].items())
    yield from ((name, found["brand"].get(name, "")) for name in ("colour", "logo"))
    months = found["forget_after_months"]
    yield "forget after", f"{months} months" if months else "never"
    yield "added", _moment(found["created_at"])
    yield "paused since", _moment(found["paused_at"])
    yield from (("location", f"{place['id']}, {place['name']}") for place in found["locations"])
    yield from (("sender", _sender_line(sender)) for sender in found["senders"])


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _cap_line(purpose: str, cap: dict[str, int]) -> str:
    """As `clinic set --cap` takes it."""
    return f"{purpose} {cap['most']} in {cap['days']} {'day' if cap['days'] == 1 else 'days'}"


def _sender_line(row: dict[str, Any]) -> str:
    address = row["address"] or row["messaging_service"] or "no address"
    paused = f", paused since {_moment(row['paused_at'])}" if row["paused_at"] else ""
    why = f" ({sentence(row['paused_reason']).rstrip('.')})" if row["paused_at"] and row["paused_reason"] else ""
    return f"{row['id']}, {address}, {row['rate']:g} a second{paused}{why}"


async def _list(settings: Settings) -> list[dict[str, Any]]:
    async with open_store(settings) as database, database.read() as connection:
        return [dict(row._mapping) for row in await clinics_page(connection)]  # noqa: SLF001 - SQLAlchemy's documented accessor


async def _show(settings: Settings, clinic: str) -> dict[str, Any]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.read() as connection:
            return await clinic_whole(connection, clinic)


async def _sign_in(settings: Settings, clinic: str, staff: str) -> str:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            await note(connection, clinic, someone(), Deed.SIGN_IN_ISSUED, now, about=staff)
            return await issue_sign_in(connection, clinic, staff, now, _SIGN_IN_LIFETIME)


async def _pause(settings: Settings, clinic: str) -> bool:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            await note(connection, clinic, someone(), Deed.CLINIC_PAUSED, now)
            return await pause_clinic(connection, clinic, now)


async def _resume(settings: Settings, clinic: str) -> tuple[bool, list[dict[str, Any]]]:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            changed = await resume_clinic(connection, clinic, now)
            await note(connection, clinic, someone(), Deed.CLINIC_RESUMED, now)
            found = await clinic_whole(connection, clinic)
            await notify(connection, now)
    return changed, [row for row in found["senders"] if row["paused_at"]]
