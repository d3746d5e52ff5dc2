"""Why something was or was not sent, as sentences for people: one for every reason and decision code there is."""

from collections.abc import Mapping

from service import consent
from service.plan import SKIP_SENTENCES

_DISPATCH = {
    "expired": "Its time passed before it could be sent.",
    "expires-in-quiet-hours": "By the end of quiet hours it would no longer be of use.",
    "message-held": "The clinic has stopped this message for now; it waits to be released, until it expires.",
    "client-paused": "The client asked for a pause: it waits for its end, or is left out where that comes too late.",
    "too-many-messages": "The client has had as many messages of this kind as one may have for now.",
    "too-many-to-number": "Its number, which several clients share, has had as many texts as one may have for now.",
    "protocol-unconfirmed": "It stays in the outbox: the clinic has not confirmed this protocol in this language yet.",
    "quiet-hours": "It waits for the end of the client's quiet hours.",
    "retry": "The provider did not take it this time; it will be tried again.",
    "next-channel": "Sent by the first channel; the next one follows.",
    "other-channel": "The first channel refused it; the next one is tried.",
    "try-later": "It did not arrive this time; it is tried again later.",
    "went-out-after-all": "The provider reports that it had gone out after all: nothing more is sent.",
    "undelivered": "The provider reports that it did not arrive.",
    "failed": "The provider could not send it.",
    "sender-paused": "The provider refuses this sender's credentials or account; it waits until the sender resumes.",
    "no-words": "There are no words for this message.",
    "missing-field": "The words need something that is not known of this client.",
    "message-empty": "Nothing is left of the words for this client.",
    "message-too-long": "The message is too long to be sent.",
    "internal-error": "Something failed here that should not: it is logged, and a person must decide.",
    "render-failed": "The words could not be put together.",
    "ramped": "An import found it due already: it was given a day of its own.",
    "too-late-for-ramp": "An import found it due already, and on the day that it could have gone it is of no use.",
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

_SENDERS = {
    "checking-records": "The provider's records are compared with ours before it sends again.",
    "unknown-messages": "The provider's records show messages that we know nothing of: a person must decide.",
    "paused-by-hand": "A person has paused it.",
    "many-new-numbers": "Many new numbers that are nearly the same came at once: a person must look before it goes on.",
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

_PERSON = {
    "cancelled-by-person": "A person called it off.",
    "moved-by-person": "A person gave it another time.",
    "sent-now-by-person": "A person had it sent now.",
    "retried-by-person": "A person had it tried once more.",
    "resolved-as-sent": "A person knows that it was sent.",
    "resolved-as-not-sent": "A person knows that it was not sent, and had it sent again.",
    "given-up": "It was not sent, and a person left it at that.",
    "clinic-paused": "The clinic is paused, and all its senders with it.",
}

_EVENTS = {
    "booked": "The client has an appointment: it waits until two days after that, or for good if the session comes.",
    "booking-cancelled": "The appointment was cancelled, so its own time counts again.",
    "client-changed": "The client's details have changed, and its time or channel with them.",
    "corrected-late": "It had gone out before the treatment was corrected.",
}

SENTENCES: Mapping[str, str] = {
    **{reason.value: sentence for reason, sentence in SKIP_SENTENCES.items()},
    **{code: sentence[:1].upper() + sentence[1:] + "." for code, sentence in consent.SENTENCES.items()},
    **_DISPATCH,
    **_OUTCOMES,
    **_FAILURES,
    **_SENDERS,
    **_PERSON,
    **_EVENTS,
}


def sentence(code: str) -> str:
    """The sentence of a code; a code without one (a provider's own) is given as it is."""
    return SENTENCES.get(code, code)
