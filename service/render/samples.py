"""Sample clients, invented: every text is tried on them when it is read, and previews show them."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from service.render.values import (
    ClientFacts,
    ClinicFacts,
    CourseFacts,
    LinkFacts,
    LocationFacts,
    TreatmentFacts,
    values_for,
)

_CLINIC = ClinicFacts(
    "Glow Skin Clinic", "020 7946 0000", "020 7946 0999", "1 Dean Street, London W1D 3RB", colour="#2f6f6b"
)
_SOHO = LocationFacts("Glow Soho", "020 7946 0123", "020 7946 0999", "5 Frith Street, London W1D 4PP")
_NOTE = "No retinol for 10 days.\nCome by if the redness has not settled by Monday."
_ENDED = datetime(2026, 11, 20, 15)  # noqa: DTZ001 - a wall time
_VISIT = TreatmentFacts("Micro-needling", _ENDED.date(), _NOTE, "forearm", "Dr Lee", _ENDED)
_COURSE = CourseFacts(2, 4, date(2026, 12, 18), date(2027, 1, 1))
_END = "x7Kq2Lm9Rt4B"
"""As long as the token of a real link: what it adds to a text is counted and paid."""
_LINKS = LinkFacts("https://glow.example/book", f"https://glow.example/a/{_END}", f"https://glow.example/p/{_END}")


@dataclass(frozen=True, slots=True)
class Sample:
    """A client to try words on: why this one is here, the locale they read, and what is known of their visit."""

    name: str
    locale: str
    client: ClientFacts
    treatment: TreatmentFacts = _VISIT
    location: LocationFacts = _SOHO
    course: CourseFacts = _COURSE
    links: LinkFacts = _LINKS

    def values(self, locale: str, at: "Clinic | None" = None) -> dict[str, dict[str, str | int]]:
        """What a message to this client would be made from; dates are written as `locale` writes them.

        `at`: a real clinic that treated them, instead of the invented one.
        """
        return values_for(
            self.client,
            at.facts if at else _CLINIC,
            replace(self.treatment, title=at.title) if at else self.treatment,
            location=LocationFacts() if at else self.location,
            course=self.course,
            links=self._links(at) if at else self.links,
            locale=locale,
        )

    def _links(self, at: "Clinic") -> LinkFacts:
        if not self.links.page:
            return self.links
        ours = LinkFacts(at.booking, f"{at.base}/a/{_END}", f"{at.base}/p/{_END}")
        return ours if at.base else replace(self.links, booking=at.booking)


@dataclass(frozen=True, slots=True)
class Clinic:
    """Where sample clients are thought to have been treated: `title` is the protocol's, `booking` a link or empty.

    `base` is our address as clients see it, or empty: then the invented one stands in their links.
    """

    facts: ClinicFacts
    title: str
    booking: str = ""
    base: str = ""


SAMPLES = (
    Sample("ordinary", "en-GB", ClientFacts("Ada")),
    Sample("long name", "en-GB", ClientFacts("Maximiliana-Alexandrina Konstantinopolitanska")),
    Sample(
        "no first name",
        "en-GB",
        ClientFacts(),
        TreatmentFacts("Micro-needling", _ENDED.date(), ended_at=_ENDED),
        LocationFacts(),
        CourseFacts(),
        LinkFacts(),
    ),
    Sample("another language", "es", ClientFacts("José Ángel")),
    Sample("right to left", "ar", ClientFacts("عبد الرحمن")),
)
"""The one without a first name lacks everything that a client may lack."""
