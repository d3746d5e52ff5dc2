"""`aftercare clinic add` and `set`: what is known of a clinic."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Annotated, TypeVar

import typer

from service.audit import Deed, note
from service.cli.someone import someone
from service.cli.tools import (
    ClinicOption,
    JsonOption,
    in_loop,
    open_store,
    option_of,
    print_json,
    require_clinic,
    settings_for,
)
from service.clinic_fields import Setting
from service.clinics import NewClinic, add_clinic, change_clinic, change_problems
from service.errors import BadInput, Problem, told_by
from service.settings import Settings
from service.store.pauses import clinic_whole
from service.wiring.shared import clinic_defaults, inbound_address

T = TypeVar("T")


def add(
    id: Annotated[str, typer.Argument(help="Short name, like glow-soho.")],  # noqa: A002 - the argument's name in --help
    name: Annotated[str, typer.Option(help="As clients know it: it leads every message. Required.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="IANA time zone, like Europe/London. Required.")] = "",
    phone: Annotated[str, typer.Option(help="The number that messages name. Required.")] = "",
    country: Annotated[str, typer.Option(help="Two capital letters: how numbers without + are read. Required.")] = "",
    locale: Annotated[str, typer.Option(help="Language of clients who gave none.")] = "en",
    urgent_phone: Annotated[str, typer.Option(help="The number for worries that cannot wait.")] = "",
    address: str = "",
    booking_url: Annotated[str, typer.Option(help="Where clients book.")] = "",
    alert_email: Annotated[str, typer.Option(help="Who is told when a client worries.")] = "",
    sms_from: Annotated[str, typer.Option(help="Its own number, like +44...; absent: TWILIO_FROM.")] = "",
    sms_service: Annotated[str, typer.Option(help="Its own messaging service, MG...; absent: that configured.")] = "",
    email_from: Annotated[str, typer.Option(help="Its own address; absent: SENDGRID_FROM.")] = "",
    sms_countries: Annotated[str, typer.Option(help="Where its texts may go: GB,IE. Absent: its own.")] = "",
    colour: Annotated[str, typer.Option(help="Of its letters and pages, as #rrggbb.")] = "",
    logo: Annotated[str, typer.Option(help="Its logo's address, https://...")] = "",
    care_consent: Annotated[str, typer.Option(help="`assumed` or `explicit`.")] = "assumed",
    as_json: JsonOption = False,
) -> None:
    """Add a clinic, with senders of its own or those configured. Texts of two clinics cannot come from one number."""
    settings = settings_for("tool")
    defaults = clinic_defaults(settings)
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
        quiet_start=defaults.quiet_start,
        quiet_end=defaults.quiet_end,
        sms_countries=_countries(sms_countries),
        brand=_brand(colour, logo),
        care_consent=care_consent,
        senders=defaults.senders(sms_from, sms_service, email_from),
    )
    in_loop(lambda: _add(settings, new))
    if as_json:
        print_json({"clinic": id})
    else:
        _say_what_comes_next(settings, new)


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
    sms_countries: Annotated[str | None, typer.Option(help="Where its texts may go: GB,IE. Empty: its own.")] = None,
    colour: Annotated[str | None, typer.Option(help="Of its letters and pages, as #rrggbb.")] = None,
    logo: Annotated[str | None, typer.Option(help="Its logo's address, https://...")] = None,
    forget_after: Annotated[str | None, typer.Option(help='Clients who have not come for: "7 years"; "never".')] = None,
    cap: Annotated[list[str] | None, typer.Option(help='To one client: "care 2 in 1 day"; "care default".')] = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is set for a clinic. What is planned follows within a minute, by the new zone and quiet hours."""
    given = {
        "name": name, "time_zone": zone, "phone": phone, "country": country, "locale": locale,
        "urgent_phone": urgent_phone, "address": address, "booking_url": booking_url, "alert_email": alert_email,
        "care_consent": care_consent, "quiet_start": quiet_start, "quiet_end": quiet_end, "quiet_email": quiet_email,
    }  # fmt: skip
    changed: dict[str, Setting] = {field: value for field, value in given.items() if value is not None}
    if sms_countries is not None:
        changed["sms_countries"] = _countries(sms_countries)
    unreadable: list[Problem] = []
    for months in _each(_months, [] if forget_after is None else [forget_after], unreadable):
        changed["forget_after_months"] = months
    if caps := dict(_each(_cap, cap or [], unreadable)):
        changed["caps"] = caps
    brand = {name: value for name, value in (("colour", colour), ("logo", logo)) if value is not None}
    if unreadable:
        raise BadInput(*unreadable, *_told(change_problems(changed | {"brand": brand}, country or "")))
    if not changed and not brand:
        raise BadInput(Problem("nothing-to-set", "", "name what to change: `aftercare clinic set --help`"))
    settings = settings_for("tool")
    in_loop(lambda: _set(settings, clinic, changed, brand))
    if as_json:
        print_json({"clinic": clinic, "changed": changed | brand})
    else:
        typer.echo(f"Changed {', '.join([*changed, *brand])} of {clinic}.")


def _say_what_comes_next(settings: Settings, new: NewClinic) -> None:
    typer.echo(f"Added {new.id}. Next: `aftercare key add --clinic {new.id}`.")
    if inbound := inbound_address(settings, new.id):
        typer.echo(f"In Twilio, have incoming texts posted to {inbound} (docs/answers.md).")
    if not new.alert_email:
        setting = f"`aftercare clinic set --clinic {new.id} --alert-email ADDRESS`"
        typer.echo(f"Its clients are asked nothing until {setting}.")


_OPTIONS = {
    "id": "ID", "time_zone": "--zone", "brand.colour": "--colour", "brand.logo": "--logo",
    "forget_after_months": "--forget-after", "senders.sms.address": "--sms-from",
    "senders.sms.messaging_service": "--sms-service", "senders.email.address": "--email-from",
}  # fmt: skip


def _option(place: str) -> str:
    """A place as the command line has it."""
    if place.startswith("caps."):
        return "--cap"
    return _OPTIONS.get(place) or option_of(place)


def _told(problems: Iterable[Problem]) -> list[Problem]:
    return [replace(one, where=_option(one.where)) for one in problems]


def _each(read: Callable[[str], T], written: Iterable[str], unreadable: list[Problem]) -> list[T]:
    """Those that can be read; of the others their problems go to `unreadable`."""
    found = []
    for one in written:
        try:
            found.append(read(one))
        except BadInput as error:
            unreadable += error.problems
    return found


def _countries(written: str) -> list[str]:
    return [country.strip().upper() for country in written.split(",") if country.strip()]


def _cap(written: str) -> tuple[str, dict[str, int] | None]:
    """`care 2 in 1 day` by purpose and cap; `care default`: as the settings say."""
    match = _CAP.fullmatch(written.strip())
    if match is None:
        raise BadInput(Problem("invalid-cap", "--cap", 'write a cap as "care 2 in 1 day", or "care default"'))
    return match[1], {"most": int(match[2]), "days": int(match[3])} if match[2] else None


_CAP = re.compile(r"(\w+) (?:(\d{1,3}) in (\d{1,4}) days?|default)")


def _months(written: str) -> int:
    """`7 years`, `18 months` or `never` as months."""
    match = _AGE.fullmatch(written.strip())
    if match is None:
        sentence = 'write how long as "7 years" or "18 months", or "never"'
        raise BadInput(Problem("invalid-forget-after", "--forget-after", sentence))
    return int(match[1]) * (12 if match[2] == "year" else 1) if match[1] else 0


_AGE = re.compile(r"(\d{1,3}) (year|month)s?|never")


def _brand(colour: str, logo: str) -> dict[str, str]:
    return {name: value for name, value in (("colour", colour), ("logo", logo)) if value}


async def _add(settings: Settings, new: NewClinic) -> None:
    async with open_store(settings) as database, database.write() as connection:
        now = await database.now(connection)
        with told_by(_option):
            await add_clinic(connection, new, now)
        await note(connection, new.id, someone(), Deed.CLINIC_ADDED, now)


async def _set(settings: Settings, clinic: str, values: dict[str, Setting], brand: dict[str, str]) -> None:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        async with database.write() as connection:
            now = await database.now(connection)
            if brand:  # what is not named of it stays
                values = values | {"brand": (await clinic_whole(connection, clinic))["brand"] | brand}
            with told_by(_option):
                await change_clinic(connection, clinic, values, now)
            await note(connection, clinic, someone(), Deed.CLINIC_CHANGED, now, about=" ".join(sorted(values)))
