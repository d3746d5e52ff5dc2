"""The words' room: from a message's words and a client's values to what the client reads.

Pure but for `Templates.load`. Words are parsed and checked once (`Wording`); rendering them is cheap, and the values it
read can be pinned and rendered again to the identical message.
"""

from service.render.fields import FIELDS, Field, Values, pick
from service.render.liquid import MissingField, RenderError
from service.render.piece import BadWording
from service.render.samples import SAMPLES, Sample
from service.render.templates import Templates, missing_words
from service.render.values import (
    ClientFacts,
    ClinicFacts,
    CourseFacts,
    LinkFacts,
    LocationFacts,
    TreatmentFacts,
    values_for,
)
from service.render.words import Wording, read_wording, render

__all__ = [
    "FIELDS",
    "SAMPLES",
    "BadWording",
    "ClientFacts",
    "ClinicFacts",
    "CourseFacts",
    "Field",
    "LinkFacts",
    "LocationFacts",
    "MissingField",
    "RenderError",
    "Sample",
    "Templates",
    "TreatmentFacts",
    "Values",
    "Wording",
    "missing_words",
    "pick",
    "read_wording",
    "render",
    "values_for",
]
