"""Whether a client may be written to, pure: addresses, suppression and consent as one answer.

Suppression outranks consent, and only the client lifts it. Consent is by purpose and medium; where nothing was said,
care follows the clinic's policy and the other purposes are no.
"""

from service.types import MEDIA, Medium, Purpose
from service.values import value_type

SENTENCES = {
    "country-not-allowed": "the number is of a country that this clinic does not text to",
    "no-sender": "the clinic has no sender for this channel",
    "no-address": "the client has no usable address for this channel",
    "address-unusable": "the provider says that this address takes no messages",
    "suppressed": "the client asked for no more messages to this address",
    "stopped": "the client asked for no more messages by this channel",
    "no-consent": "the client has not agreed to messages of this purpose by this channel",
}


@value_type
class Reach:
    """What stands between a client and a message by one medium."""

    has_sender: bool
    address: str | None
    unusable: bool
    suppressed: bool
    stopped: bool
    granted: bool | None
    """What the client said to this purpose by this medium; None where nothing was said."""
    abroad: bool = False
    """The number is of a country that the clinic does not text to."""


def obstacle(reach: Reach, purpose: Purpose, *, care_assumed: bool) -> str | None:
    """Why this medium may not be used, as a code of `SENTENCES`; None where it may."""
    if reach.address is None:
        return "no-address"
    if not reach.has_sender:
        return "no-sender"
    if reach.abroad:
        return "country-not-allowed"
    if reach.suppressed:
        return "suppressed"
    if reach.stopped:
        return "stopped"
    if reach.unusable:
        return "address-unusable"
    return None if agreed(reach.granted, purpose, care_assumed=care_assumed) else "no-consent"


def agreed(granted: bool | None, purpose: Purpose, *, care_assumed: bool) -> bool:
    """Whether a client has agreed, by what they said (None: nothing) and what the clinic assumes of care."""
    return granted if granted is not None else purpose is Purpose.CARE and care_assumed


def other_media(media: str, medium: Medium) -> list[Medium]:
    """The media that come after this one in a reminder's order of preference (`sms,email`)."""
    order = [MEDIA[name] for name in media.split(",")]
    return order[order.index(medium) + 1 :] if medium in order else []
