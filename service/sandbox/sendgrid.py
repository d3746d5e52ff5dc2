"""SendGrid's mail send: what it checks, what it answers, and the events that follow.

Shapes follow https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send and its event webhook reference.
An address that bounced hard, complained or unsubscribed is suppressed: later mail to it is dropped, as SendGrid does.
"""

import base64
import os
from collections import OrderedDict

from service.sandbox.config import SandboxConfig
from service.sandbox.events import Event, EventFeed
from service.sandbox.faults import Blow, Fate, Faults
from service.sandbox.ledger import Ledger
from service.sandbox.lines import Line, Outcome, Provider
from service.sandbox.mail import Letter, Wrong, read_mail, unreadable
from service.sandbox.rules import Fault, On
from service.sandbox.spoil import spoiled
from service.sandbox.wire import Answer, Request, json_answer

_SUCCESS = Answer(202)
_KEPT = 1000
_SUPPRESSIONS = {
    Fault.BOUNCE: "Bounced Address",
    Fault.SPAMREPORT: "Spam Reporting Address",
    Fault.UNSUBSCRIBE: "Unsubscribed Address",
}
_SENTENCES = {
    400: "The request cannot be used as it is.",
    401: "The API key is missing, wrong or revoked.",
    403: "This API key may not send mail.",
    404: "There is nothing at this address.",
    413: "The request is larger than 30 MB.",
}


class SendGridVoice:
    """Errors as SendGrid shapes them: no codes, a field where one is to blame."""

    def error(self, status: int, sentence: str, code: int | None = None) -> Answer:
        return self.blaming(status, None, sentence)

    def blaming(self, status: int, field: str | None, sentence: str) -> Answer:
        return json_answer({"errors": [{"message": sentence, "field": field, "help": None}]}, status)

    def plain(self, status: int) -> Answer:
        return self.error(status, _SENTENCES.get(status, "The request was refused."))

    def refusal(self, detail: str | None) -> Answer:
        return self.plain(int(detail or 400))

    def success_without_id(self) -> Answer:
        return _SUCCESS


VOICE = SendGridVoice()


class SendGrid:
    """One account: its mail and its suppressions."""

    def __init__(self, config: SandboxConfig, ledger: Ledger, faults: Faults, feed: EventFeed) -> None:
        self._config = config
        self._ledger = ledger
        self._faults = faults
        self._feed = feed
        self._authorization = f"Bearer {config.api_key}".encode()
        self.reset()

    def reset(self) -> None:
        self._suppressed: dict[str, str] = {}
        self._payloads: OrderedDict[str, bytes] = OrderedDict()

    def payload(self, message: str) -> bytes | None:
        """The JSON of one of the latest 1,000 accepted mails, as it came."""
        return self._payloads.get(message)

    def handle(self, request: Request) -> Answer:
        if request.method != b"POST" or request.path != "/v3/mail/send":
            return VOICE.plain(404)
        return self._send(request)

    def _send(self, request: Request) -> Answer:
        mail = read_mail(request.body)
        letters = [unreadable(request.body)] if isinstance(mail, Wrong) else mail
        blow = self._faults.strike(Provider.SENDGRID, On.SEND, letters[0].to)
        if blow.prevents:
            return self._record(letters, Outcome.FAULTED, spoiled(blow, VOICE, _SUCCESS), blow)
        refusal = self._refusal(request, mail)
        if refusal:
            return self._record(letters, Outcome.REFUSED, refusal, blow)
        return self._accept(letters, request.body, blow)

    def _refusal(self, request: Request, mail: list[Letter] | Wrong) -> Answer | None:
        if request.authorization != self._authorization:
            return VOICE.plain(401)
        if request.oversized:
            return VOICE.plain(413)
        return VOICE.blaming(400, mail.field, mail.sentence) if isinstance(mail, Wrong) else None

    def _accept(self, letters: list[Letter], body: bytes, blow: Blow) -> Answer:
        message = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        self._keep(message, body)
        answer = spoiled(blow, VOICE, Answer(202, headers=(("X-Message-Id", message),)))
        answer = self._record(letters, Outcome.ACCEPTED, answer, blow, message)
        for number, letter in enumerate(letters):
            self._deliver(letter, message, number)
        return answer

    def _keep(self, message: str, body: bytes) -> None:
        self._payloads[message] = body
        if len(self._payloads) > _KEPT:
            self._payloads.popitem(last=False)

    def _deliver(self, letter: Letter, message: str, number: int) -> None:
        suppression = self._suppressed.get(letter.to.lower())
        fate = self._faults.fate(Provider.SENDGRID, letter.to)
        if suppression is None and fate.end in _SUPPRESSIONS:
            self._suppressed[letter.to.lower()] = _SUPPRESSIONS[fate.end]
        moves = [(0.0, dropped(suppression))] if suppression else moves_of(fate, self._config)
        identity = f"{message}.filterdrecv-sandbox-{number}-1.0"
        started = self._config.now().timestamp()
        whole = [(after, self._event(letter, identity, int(started + after), event)) for after, event in moves]
        self._feed.add(fate.arranged(whole))

    def _event(self, letter: Letter, identity: str, timestamp: int, event: Event) -> Event:
        """The event with what every event carries; custom args lie flat beside the rest."""
        carried: Event = {
            "email": letter.to,
            "timestamp": timestamp,
            "smtp-id": f"<{identity.partition('.')[0]}@sandbox>",
            "sg_event_id": base64.urlsafe_b64encode(os.urandom(24)).decode(),
            "sg_message_id": identity,
        }
        categories = {"category": letter.categories} if letter.categories else {}
        return {**letter.args, **carried, **categories, **event}

    def _record(self, letters: list[Letter], outcome: Outcome, answer: Answer, blow: Blow, message: str = "") -> Answer:
        """One line for each recipient; the answer carries the last one's number."""
        at, told, number = self._config.now(), answer.told, 0
        for letter in letters:
            number = self._ledger.write(
                Line(at, Provider.SENDGRID, "send", outcome, told, message, letter, blow.name, blow.detail)
            )
        return answer.on_line(number)


def moves_of(fate: Fate, config: SandboxConfig) -> list[tuple[float, Event]]:
    """What happens to a letter: seconds after acceptance, and the event."""
    end, later = config.delivered_after, config.delivered_after + config.sent_after
    moves: list[tuple[float, Event]] = [(0.0, {"event": "processed"})]
    match fate.end:
        case Fault.DROPPED:
            moves = [(0.0, dropped("Invalid"))]
        case Fault.BOUNCE:
            moves += [(end, _bounce("bounce", "5.1.1", "550 there is no such mailbox"))]
        case Fault.BLOCKED:
            moves += [(end, _bounce("blocked", "5.7.1", "550 not from this sender"))]
        case Fault.DEFERRED:
            deferred = {"event": "deferred", "response": "451 come back later", "attempt": "1"}
            moves += [(config.sent_after, deferred), (end, _delivered())]
        case Fault.OPEN | Fault.SPAMREPORT | Fault.UNSUBSCRIBE:
            moves += [(end, _delivered()), (later, {"event": fate.end.value})]
        case _:
            moves += [(end, _delivered())]
    return moves


def _delivered() -> Event:
    return {"event": "delivered", "response": "250 OK", "tls": 1}


def _bounce(kind: str, status: str, reason: str) -> Event:
    return {"event": "bounce", "type": kind, "status": status, "reason": reason}


def dropped(reason: str) -> Event:
    return {"event": "dropped", "reason": reason, "status": "5.0.0"}
