"""Twilio's Messages API: create, fetch, list; its errors; and the opt-outs that it keeps by itself.

Shapes and codes follow https://www.twilio.com/docs/messaging/api/message-resource. Twilio's own magic numbers work:
sending to +15005550001 is an invalid number (21211), from +15005550008 a full queue (21611), and so on.
"""

import base64
import itertools
import os
import re
from sys import intern
from typing import Any

from service.sandbox import listing
from service.sandbox.callbacks import StatusCallbacks, inbound_fields
from service.sandbox.config import SandboxConfig
from service.sandbox.faults import DELIVERED, Blow, Fate, Faults
from service.sandbox.ledger import Ledger
from service.sandbox.lines import Line, Outcome, Provider
from service.sandbox.messages import API, INBOUND, Life, Shelf, Text, life_of, number_of
from service.sandbox.receipts import receipt
from service.sandbox.rules import On
from service.sandbox.spoil import spoiled
from service.sandbox.wire import Answer, Request, json_answer, parse_form

# What an enum holds is looked up slowly, and benchmarks count the microseconds.
_TWILIO, _SEND, _ACCEPTED = Provider.TWILIO, On.SEND, Outcome.ACCEPTED
STOP_WORDS = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
START_WORDS = frozenset({"START", "UNSTOP", "YES"})
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ADDRESS = re.compile(r"https?://[^/\s]\S*")
_MAX_BODY = 1600
_SUCCESS = Answer(201)
_MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
_STATUS_OF = {20003: 401, 20404: 404, 20429: 429, 63038: 429}
_SENTENCES = {
    20003: "The account SID and token do not belong together.",
    20404: "There is nothing at this address.",
    21211: "'To' is not a phone number that can exist.",
    21212: "'From' is not a phone number that can exist.",
    21408: "This account may not send to that region.",
    21602: "'Body' is missing.",
    21603: "'From' or 'MessagingServiceSid' is missing.",
    21604: "'To' is missing.",
    21606: "'From' is not a number of this account.",
    21609: "'StatusCallback' is not an http or https address.",
    21610: "This recipient has opted out of messages from this sender.",
    21611: "The queue of this sender is full.",
    21612: "There is no route from this sender to that number.",
    21614: "'To' cannot receive texts.",
    21617: "'Body' is longer than 1600 characters.",
}


class TwilioVoice:
    """Errors as Twilio shapes them."""

    def error(self, status: int, sentence: str, code: int | None = None) -> Answer:
        code = code or {401: 20003, 404: 20404, 429: 20429}.get(status, 20000 + status)
        more = f"https://www.twilio.com/docs/errors/{code}"
        return json_answer({"code": code, "message": sentence, "more_info": more, "status": status}, status)

    def coded(self, code: int) -> Answer:
        sentence = _SENTENCES.get(code, "This message cannot be sent.")
        return self.error(_STATUS_OF.get(code, 400), sentence, code)

    def refusal(self, detail: str | None) -> Answer:
        return self.coded(int(detail or 21211))

    def success_without_id(self) -> Answer:
        return json_answer({"status": "queued", "error_code": None}, 201)


VOICE = TwilioVoice()


class Twilio:
    """One account: its messages, its senders' opt-outs."""

    def __init__(self, config: SandboxConfig, ledger: Ledger, faults: Faults, callbacks: StatusCallbacks) -> None:
        self._config = config
        self._ledger = ledger
        self._faults = faults
        self._callbacks = callbacks
        credentials = f"{config.account_sid}:{config.auth_token}".encode()
        self._authorization = b"Basic " + base64.b64encode(credentials)
        self._messages = f"/{API}/Accounts/{config.account_sid}/Messages"
        self._list_path = f"{self._messages}.json"
        self._serial = itertools.count(1)
        self._accepted, self._queued = self._life("accepted"), self._life("queued")
        self.reset()

    def reset(self) -> None:
        self._shelf = Shelf()
        self._opted_out: set[tuple[str, str]] = set()
        self._numbers: dict[str, str] = {}
        self._services: dict[str, str] = {}
        # Ids must not come again in another run: clients keep them.
        self._run = os.urandom(8).hex()

    def handle(self, request: Request) -> Answer:
        match request.method:
            case b"POST" if request.path.endswith("/Messages.json"):
                return self._create(request)
            case b"GET" if request.path.endswith("/Messages.json"):
                return self._look_up(request, "list")
            case b"GET" if "/Messages/" in request.path:
                return self._look_up(request, "fetch")
            case _:
                return VOICE.coded(20404)

    # Sending

    def _create(self, request: Request) -> Answer:
        text = self._text(parse_form(request.body))
        blow = self._faults.strike(_TWILIO, _SEND, text.to)
        if blow.prevents:
            return self._record(Outcome.FAULTED, text, spoiled(blow, VOICE, _SUCCESS), blow)
        error = self._error_in(request, text)
        if error:
            return self._record(Outcome.REFUSED, text, VOICE.coded(error), blow, str(error))
        fate = self._faults.fate(_TWILIO, text.to)
        if fate.end:
            text = text._replace(life=self._life(text.life.first, fate))
        self._shelf.add(text)
        answer = self._record(_ACCEPTED, text, spoiled(blow, VOICE, Answer(201, receipt(text))), blow)
        if text.callback:
            self._callbacks.follow(text, fate)
        return answer

    def _text(self, form: dict[str, str]) -> Text:
        """The text as it was asked for, and as if it will be taken and delivered."""
        # Senders are few and messages many: interned, the same sender is kept once.
        service, number = intern(form.get("MessagingServiceSid", "")), intern(form.get("From", ""))
        return Text(
            self._new_sid(),
            self._config.account_sid,
            form.get("To", ""),
            number or self._number_for(service),
            service,
            form.get("Body", ""),
            self._config.now(),
            self._accepted if service else self._queued,
            form.get("StatusCallback", ""),
        )

    def _life(self, first: str, fate: Fate = DELIVERED) -> Life:
        return life_of(fate.end, fate.detail, first, self._config.sent_after, self._config.delivered_after)

    def _error_in(self, request: Request, text: Text) -> int | None:
        """The code of the first thing that is wrong, in the order in which Twilio looks."""
        wrong = self._error_in_address(request, self._list_path) or _error_in_fields(text)
        if not wrong and self._opted_out and (text.origin, text.to) in self._opted_out:
            return 21610
        return wrong

    def _error_in_address(self, request: Request, path: str) -> int | None:
        if request.authorization != self._authorization:
            return 20003
        return None if request.path == path else 20404

    def _new_sid(self) -> str:
        return f"SM{self._run}{next(self._serial):016x}"

    def _number_for(self, service: str) -> str:
        if service and service not in self._numbers:
            self._numbers[service] = number = number_of(service)
            self._services[number] = service
        return self._numbers.get(service, "")

    def _record(self, outcome: Outcome, text: Text, answer: Answer, blow: Blow, code: str | None = None) -> Answer:
        """Write the line; the answer carries its number."""
        sid, code = text.sid if outcome is _ACCEPTED else "", code or blow.detail
        line = Line(text.created, _TWILIO, "send", outcome, answer.told, sid, text, blow.name, code)
        return answer.on_line(self._ledger.write(line))

    # Looking up

    def _look_up(self, request: Request, what: str) -> Answer:
        query = parse_form(request.query.encode())
        to = query.get("To", "")
        self._ledger.count_lookup(_TWILIO)
        blow = self._faults.strike(_TWILIO, On.LOOKUP, to)
        genuine = self._list(request, query) if what == "list" else self._fetch(request)
        answer = spoiled(blow, VOICE, genuine)
        if blow.fault is None and genuine.status == 200:
            return answer
        outcome = Outcome.FAULTED if blow.fault else Outcome.REFUSED
        asked = self._text({"To": to})
        line = Line(asked.created, _TWILIO, what, outcome, answer.told, "", asked, blow.name, blow.detail)
        return answer.on_line(self._ledger.write(line))

    def _fetch(self, request: Request) -> Answer:
        sid = request.path.rpartition("/")[2].removesuffix(".json")
        wrong = self._error_in_address(request, f"{self._messages}/{sid}.json")
        text = self._shelf.get(sid)
        if wrong or text is None:
            return VOICE.coded(wrong or 20404)
        now = self._config.now()
        return json_answer(text.as_json(text.status(now), now))

    def _list(self, request: Request, query: dict[str, str]) -> Answer:
        wrong = self._error_in_address(request, self._list_path)
        if wrong:
            return VOICE.coded(wrong)
        try:
            return json_answer(listing.page(self._shelf, query, request.path, self._config.now()))
        except ValueError as error:
            return VOICE.error(400, f"A filter cannot be used: {error}.", 20001)

    # Hearing from people

    def hear(self, *, number: str, to: str, service: str, body: str, sid: str, media: str = "0") -> dict[str, str]:
        """Take in a text from a person's phone: keep the opt-outs as Twilio does; the fields of the webhook."""
        service = service or self._services.get(to, "")
        to = to or number_of(service)
        text = Text(
            sid=sid or self._new_sid(),
            account=self._config.account_sid,
            to=to,
            sender=number,
            service=service,
            body=body,
            created=self._config.now(),
            life=INBOUND,
        )
        self._shelf.add(text)
        return inbound_fields(text, self._obey(service or to, number, body)) | {"NumMedia": media}

    def _obey(self, sender: str, number: str, body: str) -> str:
        """STOP and START as Twilio hears them: single words only. What was heard, or nothing."""
        word = body.strip().upper()
        if word in STOP_WORDS:
            self._opted_out.add((sender, number))
            return "STOP"
        if word in START_WORDS:
            self._opted_out.discard((sender, number))
            return "START"
        return "HELP" if word in ("HELP", "INFO") else ""

    def opt_outs(self) -> list[dict[str, Any]]:
        return [{"sender": sender, "number": number} for sender, number in sorted(self._opted_out)]


def _error_in_fields(text: Text) -> int | None:
    """The code of the first thing that is wrong with the fields themselves."""
    to, body, callback = text.to, text.body, text.callback
    if not to:
        return 21604
    if not text.origin:
        return 21603
    if not body:
        return 21602
    if len(body) > _MAX_BODY:
        return 21617
    if callback and not _ADDRESS.fullmatch(callback):
        return 21609
    if not _E164.fullmatch(to):
        return 21211
    return _MAGIC_TO.get(to) or _MAGIC_FROM.get(text.sender)
