"""`aftercare staff`: who works for a clinic, and the numbers and addresses that they have confirmed as their own."""

from typing import Annotated, Any

import typer

from service.cli.layout import print_rows
from service.cli.someone import someone
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.settings import Settings
from service.staff import ROLES, Member, StaffBook
from service.types import Medium
from service.wiring.numbers import number_cap

app = typer.Typer(help="Staff: add, list, code, confirm, remove.", no_args_is_help=True)

StaffArgument = Annotated[str, typer.Argument(help="A short name, like grace.")]


@app.command("add")
def add(
    staff: StaffArgument,
    clinic: ClinicOption,
    name: Annotated[str | None, typer.Option(help="As people know them.")] = None,
    role: Annotated[str | None, typer.Option(help=f"{', '.join(ROLES)}; editor, unless told.")] = None,
    phone: Annotated[str | None, typer.Option(help="Their own mobile number; it is sent a code.")] = None,
    email: Annotated[str | None, typer.Option(help="Their own address; it is sent a code.")] = None,
) -> None:
    """Add somebody, or change what is given of them."""
    given = {"name": name, "role": role, "phone": phone, "email": email}
    member = _do(clinic, lambda book: book.put(clinic, staff, **given, asked_by=str(someone())))
    typer.echo(f"{staff} is {member.role} at {clinic}.")
    for medium, row in member.addresses.items():
        if row.confirmed_at is None:
            typer.echo(
                f"A code goes to {row.address} ({medium}): `aftercare staff confirm {staff} --clinic {clinic} "
                f"--code CODE`."
            )


@app.command("list")
def list_(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """List a clinic's staff."""
    people = _do(clinic, lambda book: book.all(clinic))
    if as_json:
        print_json([_json(one) for one in people])
        return
    told = [(one.id, one.name, one.role, _told(one, Medium.SMS), _told(one, Medium.EMAIL)) for one in people]
    print_rows(("staff", "name", "role", "phone", "email"), told, head=2)


@app.command("code")
def code_(
    staff: StaffArgument,
    clinic: ClinicOption,
    medium: Annotated[Medium, typer.Option(help="To which of their addresses.")] = Medium.EMAIL,
) -> None:
    """Send another code to an address that waits for its confirmation."""
    _do(clinic, lambda book: book.send_code(clinic, staff, medium, str(someone())))
    typer.echo(f"A code is on its way to {staff} by {medium}.")


@app.command("confirm")
def confirm(
    staff: StaffArgument,
    clinic: ClinicOption,
    code: Annotated[str, typer.Option(help="The six digits that were sent.")],
) -> None:
    """Confirm a number or address by the code that was sent to it."""
    confirmed = _do(clinic, lambda book: book.confirm(clinic, staff, code, str(someone())))
    typer.echo(f"Confirmed for {staff}: {' and '.join(confirmed)}.")


@app.command("remove")
def remove(staff: StaffArgument, clinic: ClinicOption) -> None:
    """Take somebody off the staff: they are signed out, and sent nothing more."""
    _do(clinic, lambda book: book.remove(clinic, staff, str(someone())))
    typer.echo(f"{staff} is no longer on the staff of {clinic}.")


def _do(clinic: str, work: Any) -> Any:
    settings = settings_for("tool")
    return in_loop(lambda: _work(settings, clinic, work))


async def _work(settings: Settings, clinic: str, work: Any) -> Any:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        return await work(StaffBook(database, number_cap=number_cap(settings)))


def _told(member: Member, medium: Medium) -> str:
    row = member.addresses.get(medium)
    if row is None:
        return ""
    return str(row.address) if row.confirmed_at else f"{row.address} (not confirmed)"


def _json(member: Member) -> dict[str, Any]:
    addresses = {
        medium.value: {"address": row.address, "confirmed_at": row.confirmed_at}
        for medium, row in member.addresses.items()
    }
    return {"id": member.id, "name": member.name, "role": member.role, "addresses": addresses}
