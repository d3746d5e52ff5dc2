"""The outbox: a channel that sends nothing. The attempt's own row keeps the message, and the console shows it."""

from datetime import datetime

from service.channels.base import CallbackRequest, LookUp, bad_signature, too_late
from service.types import Captured, Found, Medium, Outcome, Outgoing, Receipt


class Outbox:
    """Takes either medium, one instance for each."""

    name = "outbox"

    def __init__(self, medium: Medium) -> None:
        self.medium = medium

    async def send(self, outgoing: Outgoing) -> Outcome:
        return too_late(outgoing.start_before) or Captured()

    async def look_up(self, query: LookUp) -> list[Found] | None:
        return []  # nothing ever left the house

    def status_of(self, request: CallbackRequest, now: datetime) -> list[Receipt]:
        raise bad_signature("the outbox has no provider that could report")
