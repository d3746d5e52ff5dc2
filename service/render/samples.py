"""Sample clients, invented: every text is tried on them when it is read, and previews show them."""

from dataclasses import dataclass
from datetime import date

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
_VISIT = TreatmentFacts("Micro-needling", date(2026, 11, 20), _NOTE, "forearm", "Dr Lee")
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

    def values(self, locale: str) -> dict[str, dict[str, str | int]]:
        """What a message to this client would be made from; dates are written as `locale` writes them."""
        return values_for(
            self.client,
            _CLINIC,
            self.treatment,
            location=self.location,
            course=self.course,
            links=self.links,
            locale=locale,
        )


SAMPLES = (
    Sample("ordinary", "en-GB", ClientFacts("Ada")),
    Sample("long name", "en-GB", ClientFacts("Maximiliana-Alexandrina Konstantinopolitanska")),
    Sample(
        "no first name",
        "en-GB",
        ClientFacts(),
        TreatmentFacts("Micro-needling", date(2026, 11, 20)),
        LocationFacts(),
        CourseFacts(),
        LinkFacts(),
    ),
    Sample("another language", "es", ClientFacts("José Ángel")),
    Sample("right to left", "ar", ClientFacts("عبد الرحمن")),
)
"""The one without a first name lacks everything that a client may lack."""
