"""Turns a fault into what the client gets: the same faults for every provider, worded by the provider itself."""

from typing import Protocol

from service.sandbox.faults import Blow
from service.sandbox.rules import Fault
from service.sandbox.wire import Answer, Ending

_HTML = Answer(200, b"<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>", "text/html")
_HALF = b'{"status": "queued", "to": "+4474'


class Voice(Protocol):
    """How a provider says things."""

    def error(self, status: int, sentence: str, code: int | None = None) -> Answer:
        """An error in the provider's shape; without a code, the one that goes with the status."""

    def refusal(self, detail: str | None) -> Answer:
        """A refusal such as a rule asked for; without a detail, the provider's plainest."""

    def success_without_id(self) -> Answer:
        """A success that lacks the one thing the caller needs."""


def spoiled(blow: Blow, voice: Voice, genuine: Answer) -> Answer:
    """`genuine` as this blow lets it through. Where nothing was accepted, `genuine` is a bare success to imitate."""
    answer = genuine if blow.fault is None else _broken(blow.fault, blow.detail, voice, genuine)
    return answer._replace(delay=blow.delay) if blow.delay else answer


def _broken(fault: Fault, detail: str | None, voice: Voice, genuine: Answer) -> Answer:
    match fault:
        case Fault.RATE_LIMITED:
            answer = voice.error(429, "Too many requests at once; try again later.")
            answer = answer._replace(headers=(("Retry-After", detail or "1"),))
        case Fault.UNAUTHORIZED:
            answer = voice.error(401, "These credentials are not known here.")
        case Fault.REFUSED:
            answer = voice.refusal(detail)
        case Fault.SERVER_ERROR:
            answer = voice.error(int(detail or "503"), "Something broke on our side.")
        case Fault.RESET:
            answer = Answer(0, ending=Ending.RESET)
        case Fault.HANG:
            answer = Answer(0, ending=Ending.SILENCE)
        case Fault.TRUNCATED:
            answer = Answer(genuine.status, genuine.body[: len(genuine.body) // 2] or _HALF)
        case Fault.NO_ID:
            answer = voice.success_without_id()
        case _:
            answer = _HTML
    return answer
