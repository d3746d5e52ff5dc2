"""The words' room: from a message's words and a client's values to what the client reads.

Pure but for `Templates.load`. Words are parsed and checked once (`Wording`); rendering them is cheap, and the values it
read can be pinned and rendered again to the identical message.
"""

from service.render.fields import FIELDS, Field, Values, pick
from service.render.lint import SEGMENT_LIMIT, Occasion, lint, plain_form
from service.render.liquid import MissingField, RenderError
from service.render.piece import BadWording
from service.render.samples import SAMPLES, Clinic, Sample
from service.render.script import Script, script_of
from service.render.templates import FILE_OF, FILES, Templates, fallbacks, missing_words, tag_of
from service.render.values import (
    ClientFacts,
    ClinicFacts,
    CourseFacts,
    LinkFacts,
    LocationFacts,
    TreatmentFacts,
    values_for,
    values_of_the_visit,
)
from service.render.words import Wording, read_wording, render

__all__ = [
    "FIELDS",
    "FILES",
    "FILE_OF",
    "SAMPLES",
    "SEGMENT_LIMIT",
    "BadWording",
    "ClientFacts",
    "Clinic",
    "ClinicFacts",
    "CourseFacts",
    "Field",
    "LinkFacts",
    "LocationFacts",
    "MissingField",
    "Occasion",
    "RenderError",
    "Sample",
    "Script",
    "Templates",
    "TreatmentFacts",
    "Values",
    "Wording",
    "fallbacks",
    "lint",
    "missing_words",
    "pick",
    "plain_form",
    "read_wording",
    "render",
    "script_of",
    "tag_of",
    "values_for",
    "values_of_the_visit",
]
