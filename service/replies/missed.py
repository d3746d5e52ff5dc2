"""Texts that never reached us: the provider is asked for them, number by number.

A text is posted to us once, and nobody posts it again: our web process was down, a proxy lost it, nobody told the
provider our address. Every hour each number's list is read from where the last reading ended, and what is not known yet
is taken in as if it had just come. Nobody is answered so late; staff are told. A messaging service's texts cannot be
listed apart from the whole account's, so those rest on its own fallback address.
"""

from datetime import datetime, timedelta
from typing import Any

from service import logs
from service.channels.base import Channel, HearsReplies, InboundText
from service.errors import Unavailable
from service.replies.taking import Replies, inbound_name
from service.store import missed as queries
from service.store.clinics import sender_address
from service.store.session import TROUBLE, Database

log = logs.get(__name__)

_BATCH = 20
_LEEWAY = timedelta(minutes=15)
"""Lists lag, and clocks differ: so much is read again each time."""


class MissedTexts:
    """One worker's rounds; what two workers read at once is taken in once."""

    def __init__(
        self, database: Database, channel: Channel | None, replies: Replies, every: timedelta = timedelta(hours=1)
    ) -> None:
        """`channel` is the one that texts go by; one on which nobody can answer has nothing to ask for."""
        self._database = database
        self._channel: HearsReplies | None = channel if isinstance(channel, HearsReplies) else None
        self._replies = replies
        self._every = every

    async def run(self) -> bool:
        """Ask for the texts of the next numbers whose turn it is. Nothing is scheduled by it."""
        if self._channel is not None:
            async with self._database.read() as connection:
                now = await self._database.now(connection)
                senders = await queries.unasked_numbers(connection, now - self._every, _BATCH)
            for sender in senders:
                await self._ask(self._channel, sender, now)
        return False

    async def _ask(self, channel: HearsReplies, sender: Any, now: datetime) -> None:
        since = (sender.texts_until or now - self._every) - _LEEWAY
        try:
            async for texts in channel.heard_since(sender_address(sender), since):
                for text in _oldest_first(texts):
                    await self._replies.take(inbound_name(sender.clinic, sender.id), text)
        except Unavailable as error:
            log.warning("texts unread", clinic=sender.clinic, sender=sender.id, code=error.code)
            return
        except TROUBLE:
            raise
        except Exception as error:  # whatever it is, other numbers are asked for theirs
            log.error("texts unread", clinic=sender.clinic, sender=sender.id, exc_info=error)
            return
        await self._database.transact(
            lambda connection: queries.asked_until(connection, (sender.clinic, sender.id), now)
        )


def _oldest_first(texts: list[InboundText]) -> list[InboundText]:
    """They are listed newest first, each with the second in which it was written."""
    return list(reversed(texts))
