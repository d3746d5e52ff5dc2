"""Clients who text, as the channel hears them."""

import itertools
from typing import Any

from service.channels.base import InboundText
from service.replies import Replies
from tests.support.house import House

ADA = "+447400123456"
CLINIC = "+447400123400"
_serial = itertools.count(1)


def heard(body: str, **changes: Any) -> InboundText:
    fields = {"provider_id": f"SM{next(_serial):032x}", "sender": ADA, "to": CLINIC, "text": body}
    return InboundText(**{**fields, **changes})


async def texts(house: House, body: str, *, name: str = "glow.sms", **changes: Any) -> str:
    """Somebody texts; what they are answered."""
    return await Replies(house.database).take(name, heard(body, **changes))
