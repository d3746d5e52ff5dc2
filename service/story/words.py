"""The words of a story: what each state, act and decision is called in it."""

from collections.abc import Callable, Mapping
from typing import Any

from service.types import AttemptState, Medium, ReminderState

MEDIA = {Medium.SMS.value: "SMS", Medium.EMAIL.value: "email"}

REPORTS = {
    AttemptState.ACCEPTED: "was accepted",
    AttemptState.SENT: "is on its way",
    AttemptState.DELIVERED: "was delivered",
    AttemptState.UNDELIVERED: "could not be delivered",
    AttemptState.FAILED: "failed",
}

STANDS = {
    ReminderState.DELIVERED: "It was delivered.",
    ReminderState.UNDELIVERED: "It did not arrive.",
    ReminderState.FAILED: "It could not be sent.",
    ReminderState.SKIPPED: "It was not sent.",
    ReminderState.CANCELLED: "It was called off.",
    ReminderState.EXPIRED: "It was not sent.",
    ReminderState.CAPTURED: "It is in the outbox.",
    ReminderState.NEEDS_REVIEW: "It waits for a person.",
}
SAYS_ALL = frozenset({ReminderState.DELIVERED, ReminderState.CAPTURED})

BY_PERSON = {
    "cancelled-by-person": "called it off",
    "moved-by-person": "gave it another time",
    "sent-now-by-person": "had it sent now",
    "retried-by-person": "had it tried once more",
    "resolved-as-sent": "settled that it was sent",
    "resolved-as-not-sent": "settled that it was not sent, and had it sent again",
    "given-up": "settled that it was not sent, and left it at that",
}

THEN = {
    "retry": "So it was put back for another try",
    "try-later": "So it is tried again later",
    "other-channel": "So the next channel is tried",
    "next-channel": "The next channel follows",
    "sender-paused": "So the sender was paused, and it waits",
    "quiet-hours": "It fell into the client's quiet hours and was put off",
    "replanned": "What is known of the treatment changed, and its time with it",
}
"""What was decided after something that the story has told already."""
TIMED = frozenset({"retry", "try-later", "quiet-hours", "replanned"})
"""Of those: what gave it another time."""


CHANGED = {
    "kept": " It had gone out before, and stays as it is.",
    "stopping": " A send of it was under way, and no further one follows.",
}

HELD = "Whether it went out was not known when its time was over: a person must decide."
_ENDED = "The process that was sending it ended before it could write down what came of it."


_ABSENT = {
    "absent-at-provider-resent": "it had not gone out, so it is sent once more.",
    "absent-at-provider-held": "it had not gone out, and this step is not sent again unless a person says so.",
    "absent-at-provider-again": "that was so for the second time, and a person must decide.",
    "absent-at-provider-expired": "it had not gone out, and its time had passed by then.",
}


def looked_up(code: str, detail: Mapping[str, Any], when: Callable[[str], str], otherwise: str) -> str:
    """What was concluded about a lost answer, with the evidence. `when` tells a time, `otherwise` is the code's own
    sentence: what follows where a message that did not go is wanted no longer."""
    then = _ABSENT.get(code) or f"it had not gone out. {otherwise}"
    if "silent_until" in detail:
        until = when(detail["silent_until"])
        return f"Until {until} the provider had reported on other messages but not on this one: {then}"
    asked = f"The provider's records were asked on {when(detail['asked_at'])} and"
    shown = [str(one) for one in detail.get("candidates", ())]
    match code:
        case "found-at-provider":
            return f"{asked} show it, as {', '.join(shown)}: it had gone out."
        case "ambiguous-at-provider":
            what = f"{_count(len(shown), 'message')} that would fit {_count(detail['unknowns'], 'send')}"
            return f"{asked} show {what} of unknown outcome. That proves nothing: a person must decide."
        case _:
            return f"{asked} do not show it: {then}"


def lost(detail: Mapping[str, Any]) -> str:
    if detail.get("state") == ReminderState.NEEDS_REVIEW:
        return HELD
    if detail.get("code") == "lease-ran-out":
        return _ENDED
    return with_code("The provider's answer was lost.", str(detail.get("code", "")))


def told_of(report: Any) -> str:
    if report.state == "outdated":
        return "told of it too, but was older than what was known"
    return "reported it anew" if report.type == "treatment.completed" else f"told of it ({report.type})"


def by(media: str, send_mode: str) -> str:
    names = [MEDIA[name] for name in media.split(",")]
    return "by " + (" and by " if send_mode == "all" else ", else by ").join(names)


def who(stored: str) -> str:
    """A person as a decision line has it: `staff:owner`, `key:ac_1f2e3d4c` or `command`."""
    kind, _, identity = stored.partition(":")
    match kind:
        case "staff":
            return f"Staff member {identity}"
        case "key":
            return f"The holder of the key {identity}"
        case _:
            return "Someone at the command line"


_TIMES = {1: "first", 2: "second", 3: "third"}


def ordinal(number: int) -> str:
    return _TIMES.get(number, f"{number}th")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def with_code(text: str, code: str) -> str:
    return f"{text.rstrip('.')} ({code})." if code and code not in text else text


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def inside(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
