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
_LINKS = LinkFacts("https://glow.example/book", "https://glow.example/a/x7Kq", "https://glow.example/p/x7Kq")


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
            links=self._links(at.booking) if at else self.links,
            locale=locale,
        )

    def _links(self, booking: str) -> LinkFacts:
        return replace(self.links, booking=booking) if self.links.page else self.links


@dataclass(frozen=True, slots=True)
class Clinic:
    """Where sample clients are thought to have been treated: `title` is the protocol's, `booking` a link or empty."""

    facts: ClinicFacts
    title: str
    booking: str = ""


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
