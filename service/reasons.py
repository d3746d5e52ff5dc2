"""Why something was or was not sent, as sentences for people: one for every reason and decision code there is."""

from collections.abc import Mapping

from service import consent
from service.plan import SKIP_SENTENCES

_DISPATCH = {
    "expired": "Its time passed before it could be sent.",
    "expires-in-quiet-hours": "By the end of quiet hours it would no longer be of use.",
    "quiet-hours": "It waits for the end of the client's quiet hours.",
    "retry": "The provider did not take it this time; it will be tried again.",
    "next-channel": "Sent by the first channel; the next one follows.",
    "other-channel": "The first channel refused it; the next one is tried.",
    "sender-paused": "The provider refuses this sender's credentials or account; it waits until the sender resumes.",
    "no-words": "There are no words for this message.",
    "missing-field": "The words need something that is not known of this client.",
    "message-empty": "Nothing is left of the words for this client.",
    "message-too-long": "The message is too long to be sent.",
    "internal-error": "Something failed here that should not: it is logged, and a person must decide.",
    "render-failed": "The words could not be put together.",
    "replanned": "What is known of the treatment has changed, and its time with it.",
    "no-channel": "This process has no provider for the channel; another worker may have.",
    "already-settled": "It was sent or settled before, and stays as it is.",
}

_OUTCOMES = {
    "outcome-unknown": "The provider's answer was lost: it is being looked up there.",
    "found-at-provider": "The provider's records show that it was taken.",
    "ambiguous-at-provider": "The provider's records fit more than one message: a person must decide.",
    "absent-at-provider-resent": "The provider's records do not show it, so it is sent once more.",
    "absent-at-provider-held": "The provider's records do not show it; this step waits for a person.",
    "absent-at-provider-again": "The provider's records do not show it, a second time: a person must decide.",
    "absent-at-provider-expired": "The provider's records do not show it, and its time has passed.",
}

_FAILURES = {
    "not_processed": "The provider did not take it.",
    "sender_saturated": "The sender has too much to send.",
    "account_cap": "The provider account has reached its limit.",
    "handset_for_now": "The phone could not be reached.",
    "handset_gone": "The number is not in use any more.",
    "not_textable": "The number takes no texts.",
    "opted_out": "The client opted out at the provider.",
    "route": "The provider has no route to this number; check the account's settings.",
    "content": "The carrier refused the words.",
    "credential": "The provider refuses the credentials.",
    "malformed": "The provider found the message malformed.",
    "email_later": "The mailbox takes it later.",
    "email_dead": "The mailbox does not exist.",
    "email_blocked": "The mail server refused it.",
    "email_refused": "The client refused mail from this clinic.",
}

SENTENCES: Mapping[str, str] = {
    **{reason.value: sentence for reason, sentence in SKIP_SENTENCES.items()},
    **{code: sentence[:1].upper() + sentence[1:] + "." for code, sentence in consent.SENTENCES.items()},
    **_DISPATCH,
    **_OUTCOMES,
    **_FAILURES,
}


def sentence(code: str) -> str:
    """The sentence of a code; a code without one (a provider's own) is given as it is."""
    return SENTENCES.get(code, code)
