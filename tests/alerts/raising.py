"""Alerts raised as other rooms raise them."""

from service.alerts.record import alert
from service.types import Json
from tests.support.house import House


async def raise_alert(house: House, kind: str = "reply", about: str = "7", detail: Json | None = None) -> bool:
    """Returns whether it was news."""
    async with house.database.write() as connection:
        return await alert(connection, "glow", kind, about, detail or {}, house.clock())
