"""SMS by Twilio, both ways: sending, looking up, status callbacks, replies.

Twilio's own library builds each request and reads each answer; the bytes pass through our pool, because the library's
client ignores its timeout and can repeat a POST. There is no idempotency key: what may have been sent is `Unknown`.
"""

import re
import tomllib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import ImmutableMultiDict
from twilio.base.exceptions import TwilioException
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator
from twilio.rest.api.v2010.account.message import MessageInstance, MessagePage
from twilio.twiml.messaging_response import MessagingResponse

from service import clock
from service.channels.answers import load_table, seconds_to_wait
from service.channels.base import CallbackAnswer, CallbackRequest, InboundText, LookUp, bad_signature
from service.channels.http import HttpPool, Interrupted
from service.channels.twilio_client import Call, current, open_client
from service.errors import BadInput, Problem, Unavailable
from service.types import Accepted, AttemptState, Found, Medium, Outcome, Outgoing, Receipt, SenderAddress, Sms, Unknown

_TABLE: Final = load_table(Path(__file__).with_suffix(".toml"))
_KEYWORDS: Final = {
    word: keyword
    for keyword, words in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["keywords"].items()
    for word in words
}
_SID: Final = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_LONGEST_VALIDITY: Final = 36_000
_PAGE_SIZE: Final = 200
_LARGEST_PAGE: Final = 1_000
_MOST_PAGES: Final = 10
_UNREADABLE: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What the library raises over an answer that is not what it expects."""

_STATES: Final = {
    "accepted": AttemptState.ACCEPTED,
    "scheduled": AttemptState.ACCEPTED,
    "queued": AttemptState.ACCEPTED,
    "sending": AttemptState.ACCEPTED,
    "sent": AttemptState.SENT,
    "delivered": AttemptState.DELIVERED,
    "read": AttemptState.DELIVERED,
    "undelivered": AttemptState.UNDELIVERED,
    "failed": AttemptState.FAILED,
    "canceled": AttemptState.FAILED,
}


class TwilioSms:
    """The SMS channel of one Twilio account. `retry_after_cap`: seconds; the longest wait it may ask of us."""

    name = "twilio"
    medium = Medium.SMS

    def __init__(
        self, pool: HttpPool, *, account_sid: str, auth_token: str, base_url: str, retry_after_cap: float
    ) -> None:
        client = open_client(pool, account_sid, auth_token, base_url)
        self._api = client.api.v2010
        self._path = f"/Accounts/{account_sid}/Messages.json"
        self._messages = client.messages
        self._validator = RequestValidator(auth_token)
        self._retry_after_cap = retry_after_cap

    async def send(self, outgoing: Outgoing) -> Outcome:
        call = Call(outgoing.start_before)
        current.set(call)
        try:
            # Not `messages.create_async`: its 26 arguments and the dates it reads add half to a send's CPU.
            message = await self._api.create_async("POST", self._path, data=_fields(outgoing), headers=dict(_HEADERS))
        except Interrupted as stop:
            return stop.outcome
        except TwilioException as error:
            return self._refusal(error, call)
        except _UNREADABLE:
            if call.reply is None:  # nothing was answered yet: a mistake of ours
                raise
            return Unknown("answer-unreadable")
        return _accepted(message)

    def _refusal(self, error: TwilioException, call: "Call") -> Outcome:
        if call.reply is None:
            raise error
        return _TABLE.outcome(
            call.reply.status,
            _code(getattr(error, "code", None)),
            seconds_to_wait(call.reply.header("Retry-After"), clock.now(), self._retry_after_cap),
        )

    async def look_up(self, query: LookUp) -> list[Found] | None:
        """Lists by To, and From where the sender is a number.

        Not by date: Twilio's DateSent filter lags by minutes. DateCreated has whole seconds.
        """
        current.set(Call(start_before=None))
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
        call = Call(start_before=None)
        current.set(call)
        found = None
        try:
            found = _found(await self._messages(provider_id).fetch_async())
        except (Interrupted, TwilioException, *_UNREADABLE):
            if call.reply is not None and call.reply.status == 404:
                return None
        if found is not None and found.provider_id == provider_id:
            return found
        raise Unavailable(Problem("look-up-failed", "", "Twilio did not say how this message stands."))

    async def sent_since(self, sender: SenderAddress, since: datetime) -> AsyncIterator[list[Found]]:
        """Lists by From, or the whole account where a messaging service chooses the number; replies that Twilio made
        of our answers to callbacks are left out.
        """
        by_number = {"from_": sender.address} if _is_number(sender) else {}
        try:
            current.set(Call(start_before=None))
            page: MessagePage | None = await self._messages.page_async(page_size=_LARGEST_PAGE, **by_number)
            while page is not None:
                messages = list(page)
                yield [_found(each) for each in messages if _is_ours(each, sender) and each.date_created >= since]
                if messages and messages[-1].date_created < since - timedelta(days=1):
                    return
                current.set(Call(start_before=None))  # whoever reads the pages may have called in between
                page = await page.next_page_async()
        except (Interrupted, TwilioException, *_UNREADABLE):
            failed = True
        else:
            failed = False
        if failed:  # outside the handler: the library's words name clients' numbers
            raise Unavailable(Problem("look-up-failed", "", "Twilio's list of messages could not be read to its end."))

    def status_of(self, request: CallbackRequest, now: datetime) -> list[Receipt]:
        """One receipt; the attempt's token is the last part of the callback's path, which the signature covers."""
        form = self._verified(request)
        state = _STATES.get(form.get("MessageStatus", ""))
        if state is None:
            return []
        code = _code(form.get("ErrorCode"))
        return [
            Receipt(
                provider_id=_required(form, "MessageSid"),
                state=state,
                at=None,
                token=urlsplit(request.url).path.rsplit("/", 1)[-1] or None,
                failure=_TABLE.failure(code),
                code=code or None,
            )
        ]

    def inbound(self, request: CallbackRequest) -> InboundText:
        form = self._verified(request)
        return InboundText(
            provider_id=_required(form, "MessageSid"),
            sender=_required(form, "From"),
            to=_required(form, "To"),
            text=form.get("Body", ""),
            messaging_service=form.get("MessagingServiceSid", ""),
            handled_keyword=form.get("OptOutType", "").upper()
            or _KEYWORDS.get(form.get("Body", "").strip().upper(), ""),
            media=int(media) if (media := form.get("NumMedia", "")).isdecimal() else 0,
        )

    def answer(self, text: str) -> CallbackAnswer:
        response = MessagingResponse()
        if text:
            response.message(text)
        return CallbackAnswer(str(response).encode(), "text/xml")

    def _verified(self, request: CallbackRequest) -> Mapping[str, str]:
        """The form that Twilio posted. The validator wants every value of a repeated key, hence the multi-dict."""
        try:
            form = ImmutableMultiDict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=200))
            valid = self._validator.validate(request.url, form, request.header(SIGNATURE_HEADER))
        except ValueError:
            valid = False
        if not valid:
            raise bad_signature("Twilio's signature does not fit this address and content")
        return form


def _fields(outgoing: Outgoing) -> dict[str, Any]:
    if not isinstance(outgoing.message, Sms):
        raise TypeError("an SMS channel carries texts only")
    sender = outgoing.sender
    fields: dict[str, Any] = {
        "To": outgoing.to,
        "Body": outgoing.message.text,
        # Twilio otherwise keeps a message queued for ten hours, long after it was of use.
        "ValidityPeriod": max(1, min(int(outgoing.useful_for), _LONGEST_VALIDITY)),
    }
    if sender.messaging_service:
        fields["MessagingServiceSid"] = sender.messaging_service
    else:
        fields["From"] = sender.address
    if outgoing.status_callback:
        fields["StatusCallback"] = outgoing.status_callback
    return fields


def _accepted(message: object) -> Outcome:
    sid = message.get("sid") if isinstance(message, dict) else None
    if isinstance(sid, str) and _SID.fullmatch(sid):
        return Accepted(sid)
    return Unknown("answer-without-id")


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
    code = _code(message.error_code)
    return Found(
        provider_id=str(message.sid),
        # A status that we do not know is still a message that exists.
        state=_STATES.get(str(message.status), AttemptState.ACCEPTED),
        created_at=message.date_created,
        to=str(message.to),
        code=code or None,
        failure=_TABLE.failure(code),
    )


def _code(value: object) -> str:
    """Twilio's error code, empty where there is none. Only digits pass: whatever else an answer holds stays out."""
    text = str(value)
    return text if text.isascii() and text.isdecimal() and len(text) <= 6 else ""


def _required(form: Mapping[str, str], name: str) -> str:
    if value := form.get(name):
        return value
    raise BadInput(Problem("unreadable-callback", name, "Twilio's callback lacks this field."))
