"""SMS by Twilio, both ways: sending, looking up, status callbacks, replies.

Twilio's own library makes each request; the bytes pass through our pool, because the library's client ignores its
timeout and can repeat a POST. There is no idempotency key: what may have been sent is `Unknown`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import orjson
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from service import clock
from service.channels.answers import seconds_to_wait
from service.channels.base import CallbackAnswer, CallbackRequest, InboundText, bad_signature
from service.channels.http import HttpPool, Interrupted, Reply, form_body
from service.channels.twilio_client import Form, open_client
from service.channels.twilio_fields import STATES, TABLE, code_of, count_of, keyword_in
from service.channels.twilio_records import TwilioRecords
from service.errors import BadInput, Problem
from service.types import Accepted, Medium, Outcome, Outgoing, Receipt, Sms, Unknown

_SID: Final = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
_LONGEST_VALIDITY: Final = 36_000


class TwilioSms(TwilioRecords):
    """The SMS channel of one Twilio account. `retry_after_cap`: seconds; the longest wait it may ask of us."""

    name = "twilio"
    medium = Medium.SMS

    def __init__(
        self, pool: HttpPool, *, account_sid: str, auth_token: str, base_url: str, retry_after_cap: float
    ) -> None:
        client = open_client(pool, account_sid, auth_token, base_url)
        super().__init__(client)
        self._client = client
        self._url = client.api.v2010.absolute_url(f"/Accounts/{account_sid}/Messages.json")
        self._validator = RequestValidator(auth_token)
        self._retry_after_cap = retry_after_cap

    async def send(self, outgoing: Outgoing) -> Outcome:
        try:
            form = Form(form_body(_fields(outgoing)), outgoing.start_before)
            # Not `messages.create_async`: its 26 arguments, and all that it reads of an answer, add half to the CPU.
            answer = await self._client.request_async("POST", self._url, data=form)
        except Interrupted as stop:
            return stop.outcome
        return self._outcome(answer.reply)

    def _outcome(self, reply: Reply) -> Outcome:
        if 200 <= reply.status < 300:
            return _accepted(reply.body)
        after = seconds_to_wait(reply.header("Retry-After"), clock.now(), self._retry_after_cap)
        return TABLE.outcome(reply.status, _code_in(reply.body), after)

    def status_of(self, request: CallbackRequest, now: datetime) -> list[Receipt]:
        """One receipt; the attempt's token is the last part of the callback's path, which the signature covers."""
        form = self._verified(request)
        state = STATES.get(form.get("MessageStatus", ""))
        if state is None:
            return []
        code = code_of(form.get("ErrorCode"))
        return [
            Receipt(
                provider_id=_required(form, "MessageSid"),
                state=state,
                at=None,
                token=urlsplit(request.url).path.rsplit("/", 1)[-1] or None,
                failure=TABLE.failure(code),
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
            handled_keyword=form.get("OptOutType", "").upper() or keyword_in(form.get("Body", "")),
            media=count_of(form.get("NumMedia", "")),
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


def _fields(outgoing: Outgoing) -> dict[str, str]:
    if not isinstance(outgoing.message, Sms):
        raise TypeError("an SMS channel carries texts only")
    sender = outgoing.sender
    fields = {
        "To": outgoing.to,
        "Body": outgoing.message.text,
        # Twilio otherwise keeps a message queued for ten hours, long after it was of use.
        "ValidityPeriod": str(max(1, min(int(outgoing.useful_for), _LONGEST_VALIDITY))),
    }
    if sender.messaging_service:
        fields["MessagingServiceSid"] = sender.messaging_service
    else:
        fields["From"] = sender.address
    if outgoing.status_callback:
        fields["StatusCallback"] = outgoing.status_callback
    return fields


def _accepted(body: bytes) -> Outcome:
    try:
        message = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return Unknown("answer-unreadable")
    sid = message.get("sid") if isinstance(message, dict) else None
    if isinstance(sid, str) and _SID.fullmatch(sid):
        return Accepted(sid)
    return Unknown("answer-without-id")


def _code_in(body: bytes) -> str:
    """Twilio's code in a refusal, which stands alike in each of its shapes; empty where there is none."""
    try:
        problem = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return code_of(problem.get("code")) if isinstance(problem, dict) else ""


def _required(form: Mapping[str, str], name: str) -> str:
    if value := form.get(name):
        return value
    raise BadInput(Problem("unreadable-callback", name, "Twilio's callback lacks this field."))
