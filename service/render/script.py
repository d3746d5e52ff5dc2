"""What all messages have in common that are made of the same words for readers of one place: worked out once."""

from service.render.fields import Values, pick
from service.render.values import ClinicFacts, LocationFacts, Made, values_of_the_place
from service.render.words import Wording
from service.values import value_type


@value_type
class Script:
    """Words as they are written for the readers of one language at one place of a clinic."""

    wording: Wording
    locale: str
    """Dates are written in it."""
    groups: frozenset[str]
    """The groups of values that the words read."""
    place: Made
    """The values of the place."""
    pinned: Made
    """What the words read of these."""
    own: frozenset[str]
    """The fields that the words read of each message's own values."""
    booking: str
    """Where to book, for messages that suggest a visit."""

    def pin(self, values: Values) -> Made:
        """The values of a message that its words read, and no others."""
        return {**self.pinned, **pick(values, self.own)}


def script_of(wording: Wording, reader: str, clinic: ClinicFacts, location: LocationFacts, booking: str) -> Script:
    """The words for readers of the locale `reader`. `booking`: a whole address, or empty."""
    locale = wording.locale_for(reader)
    place = values_of_the_place(clinic, location, locale)
    return Script(
        wording=wording,
        locale=locale,
        groups=frozenset(_group(path) for path in wording.fields),
        place=place,
        pinned=pick(place, wording.fields),
        own=frozenset(path for path in wording.fields if _group(path) not in place),
        booking=booking,
    )


def _group(path: str) -> str:
    return path.partition(".")[0]
