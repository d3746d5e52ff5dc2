"""Which other channel may be used for a reminder whose own cannot: sender, address, suppression and consent."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.consent import Reach, obstacle, other_media
from service.store import receipts as queries
from service.store.clinics import House
from service.types import Medium, Purpose


async def other_channel(
    connection: AsyncConnection, house: House, client: str, purpose: Purpose, media: str, medium: Medium
) -> Medium | None:
    """The first of `media` after `medium` by which the client may be written to for this purpose."""
    for other in other_media(media, medium):
        way = await queries.way_to(connection, house.id, client, purpose, other)
        reach = _reach(way, has_sender=other in house.senders)
        if obstacle(reach, purpose, care_assumed=house.care_consent == "assumed") is None:
            return other
    return None


def _reach(way: Any, *, has_sender: bool) -> Reach:
    return Reach(
        has_sender=has_sender,
        address=way.address,
        unusable=way.unusable_at is not None,
        suppressed=way.suppressed_at is not None,
        stopped=way.stopped_at is not None,
        granted=way.granted,
    )
