"""`aftercare clinic location`: where a clinic treats."""

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from service.cli.someone import someone
from service.cli.tools import ClinicOption, in_loop, open_store, option_of, require_clinic, settings_for
from service.errors import told_by
from service.locations import put_location, remove_location
from service.settings import Settings

_PLACES = {"id": "ID", "time_zone": "--zone"}


def location(
    id: Annotated[str, typer.Argument(help="As events name it.")],  # noqa: A002 - the argument's name in --help
    clinic: ClinicOption,
    name: Annotated[str | None, typer.Option(help="As clients know it.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="IANA time zone; empty: the clinic's.")] = None,
    address: str | None = None,
    phone: Annotated[str | None, typer.Option(help="Empty: the clinic's.")] = None,
    urgent_phone: Annotated[str | None, typer.Option(help="Empty: the clinic's.")] = None,
    booking_url: Annotated[str | None, typer.Option(help="Empty: the clinic's.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it instead.")] = False,
) -> None:
    """Add one of a clinic's locations, change what is given of it, or remove it."""
    given = {"name": name, "time_zone": zone, "address": address, "phone": phone, "urgent_phone": urgent_phone,
             "booking_url": booking_url}  # fmt: skip
    values = {field: value for field, value in given.items() if value is not None}
    settings = settings_for("tool")
    in_loop(lambda: _work(settings, clinic, id, None if remove else values))
    typer.echo(f"Removed {id} of {clinic}." if remove else f"{id} is a location of {clinic}.")


async def _work(settings: Settings, clinic: str, id_: str, values: dict[str, str] | None) -> None:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)

        async def work(connection: AsyncConnection) -> None:
            now = await database.now(connection)
            if values is None:
                await remove_location(connection, clinic, id_, someone(), now)
            else:
                with told_by(lambda place: _PLACES.get(place) or option_of(place)):
                    await put_location(connection, clinic, id_, values, someone(), now)

        await database.transact(work)
