"""Twilio's records: which messages it has, how each stands, and what people wrote to our numbers."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance, MessagePage

from service.channels.base import InboundText, LookUp
from service.channels.http import Interrupted
from service.channels.twilio_fields import STATES, TABLE, code_of, count_of, keyword_in
from service.errors import Problem, Unavailable
from service.types import AttemptState, Found, SenderAddress

_UNREADABLE: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What the library raises over an answer that is not what it expects."""
_PAGE_SIZE: Final = 200
_LARGEST_PAGE: Final = 1_000
_SMALL_PAGE: Final = 50
"""For what is asked every hour: nearly always there is little, or nothing, that is new."""
_MOST_PAGES: Final = 10


class TwilioRecords:
    """The message list of one Twilio account."""

    def __init__(self, client: Client) -> None:
        self._messages = client.messages

    async def look_up(self, query: LookUp) -> list[Found] | None:
        """Lists by To, and From where the sender is a number.

        Not by date: Twilio's DateSent filter lags by minutes. DateCreated has whole seconds.
        """
        found: list[Found] | None
        try:
            found = await self._matches(query)
        except (Interrupted, TwilioException, *_UNREADABLE):
            found = None
        # Outside the handler: the library's words name the client's number.
        if found is None:
            raise Unavailable(Problem("look-up-failed", "", "Twilio's list of messages could not be read to its end."))
        return found

    async def _matches(self, query: LookUp) -> list[Found] | None:
        """None: more pages than we read."""
        since = query.since.replace(microsecond=0)
        by_number = {"from_": query.sender.address} if _is_number(query.sender) else {}
        page: MessagePage | None = await self._messages.page_async(to=query.to, page_size=_PAGE_SIZE, **by_number)
        found: list[Found] = []
        for _ in range(_MOST_PAGES):
            if page is None:
                return found
            messages = list(page)
            found += (_found(each) for each in messages if _is_match(each, query, since))
            # Newest first, though not promised to the second: a page that ends a day before ends the search.
            if messages and messages[-1].date_created < since - timedelta(days=1):
                return found
            page = await page.next_page_async()
        return None

    async def fetch(self, provider_id: str) -> Found | None:
        """The message as Twilio has it now; None where it has none of this id."""
        found = None
        try:
            found = _found(await self._messages(provider_id).fetch_async())
        except TwilioException as error:
            if getattr(error, "status", None) == 404:
                return None
        except (Interrupted, *_UNREADABLE):
            pass
        if found is not None and found.provider_id == provider_id:
            return found
        raise Unavailable(Problem("look-up-failed", "", "Twilio did not say how this message stands."))

    async def sent_since(self, sender: SenderAddress, since: datetime) -> AsyncIterator[list[Found]]:
        """Lists by From, or the whole account where a messaging service chooses the number; replies that Twilio made
        of our answers to callbacks are left out.
        """
        by_number = {"from_": sender.address} if _is_number(sender) else {}
        async for messages in self._listed(since, _LARGEST_PAGE, **by_number):
            yield [_found(each) for each in messages if _is_ours(each, sender)]

    async def heard_since(self, sender: SenderAddress, since: datetime) -> AsyncIterator[list[InboundText]]:
        """Lists by To: a number's own texts. A service's cannot be told apart without reading the whole account."""
        async for messages in self._listed(since, _SMALL_PAGE, to=sender.address):
            yield [_heard(each) for each in messages if each.direction == "inbound"]

    async def _listed(self, since: datetime, size: int, **filters: str) -> AsyncIterator[list[MessageInstance]]:
        try:
            page: MessagePage | None = await self._messages.page_async(page_size=size, **filters)
            while page is not None:
                messages = list(page)
                yield [each for each in messages if each.date_created >= since]
                if messages and messages[-1].date_created < since - timedelta(days=1):
                    return
                page = await page.next_page_async()
        except (Interrupted, TwilioException, *_UNREADABLE):
            failed = True
        else:
            failed = False
        if failed:  # outside the handler: the library's words name clients' numbers
            raise Unavailable(Problem("look-up-failed", "", "Twilio's list of messages could not be read to its end."))


def _is_number(sender: SenderAddress) -> bool:
    """Whether Twilio can filter by it: not a messaging service, not a name in letters."""
    return not sender.messaging_service and sender.address.startswith("+")


def _is_ours(message: MessageInstance, sender: SenderAddress) -> bool:
    """Sent from this sender, by a request."""
    if message.direction != "outbound-api":
        return False
    if sender.messaging_service:
        return bool(message.messaging_service_sid == sender.messaging_service)
    return bool(message.from_ == sender.address)


def _is_match(message: MessageInstance, query: LookUp, since: datetime) -> bool:
    if message.to != query.to or not since <= message.date_created <= query.until:
        return False
    if service := query.sender.messaging_service:
        return bool(message.messaging_service_sid == service)
    return bool(message.from_ == query.sender.address)


def _found(message: MessageInstance) -> Found:
    code = code_of(message.error_code)
    return Found(
        provider_id=str(message.sid),
        # A status that we do not know is still a message that exists.
        state=STATES.get(str(message.status), AttemptState.ACCEPTED),
        created_at=message.date_created,
        to=str(message.to),
        code=code or None,
        failure=TABLE.failure(code),
    )


def _heard(message: MessageInstance) -> InboundText:
    body = message.body or ""
    return InboundText(
        provider_id=str(message.sid),
        sender=str(message.from_),
        to=str(message.to),
        text=body,
        messaging_service=message.messaging_service_sid or "",
        handled_keyword=keyword_in(body),
        media=count_of(message.num_media),
        at=message.date_created,
    )
