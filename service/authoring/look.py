"""How words would look to sample clients: with names too long and none at all, in other languages, right to left."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from service.authoring.model import Shown
from service.errors import AftercareError, Problem
from service.render import SAMPLES, BadWording, Clinic, Sample, fallbacks, render, tag_of
from service.store.clinics import House
from service.store.templates import TemplateKey
from service.types import Email
from service.wordings import Origin, Own, Wordings

DRAFT = "draft"
_READ_THE_SAME = 3
"""The first samples read the language of the words; the others their own."""


def looks(wordings: Wordings, house: House, own: Own, key: TemplateKey, at: Clinic, draft: str | None) -> list[Shown]:
    """The message for each sample client, as it would be chosen for them if `draft` were published (None: as it is).

    Of a draft that cannot be read, those who would get it are shown what is wrong with it, and no other words.
    """
    tried = own.with_draft(key, draft) if draft is not None else own
    problems = _unreadable(wordings, key, draft) if draft is not None else ()
    return [
        Shown(of[0].name, of[1], DRAFT, None, problems)
        if problems and _gets_draft(tried, house, key, of[1])
        else _look(wordings, house, tried, key, at, of, draft)
        for of in _samples(key)
    ]


def _unreadable(wordings: Wordings, key: TemplateKey, draft: str) -> tuple[Problem, ...]:
    try:
        wordings.templates.recall(*key, draft)
    except BadWording as error:
        return error.problems
    return ()


def _gets_draft(tried: Own, house: House, key: TemplateKey, reader: str) -> bool:
    """Whether the first of the clinic's own words that a reader is looked up by are the draft's."""
    own = (tag for tag in fallbacks(reader, house.locale) if (*key[:3], tag) in tried.sources)
    return next(own, "") == tag_of(key.locale)


def _samples(key: TemplateKey) -> list[tuple[Sample, str]]:
    """Each sample with the language that they read."""
    return [(one, key.locale if place < _READ_THE_SAME else one.locale) for place, one in enumerate(SAMPLES)]


def _look(
    wordings: Wordings, house: House, own: Own, key: TemplateKey, at: Clinic, of: tuple[Sample, str], draft: str | None
) -> Shown:
    sample, reader = of
    choice = next(wordings.choices(house, key.protocol, key.step, key.medium, reader, own), None)
    if choice is None:
        return Shown(sample.name, reader, "", None)
    origin = DRAFT if choice.origin.own and draft is not None and choice.wording.source == draft else choice.origin
    try:
        message = render(choice.wording, sample.values(choice.wording.locale_for(sample.locale), at))
    except AftercareError as error:
        return Shown(sample.name, reader, origin, None, error.problems)
    return Shown(sample.name, reader, origin, message)


_ORIGINS = {
    DRAFT: "this draft",
    Origin.CLINIC: "the clinic's own words",
    Origin.CLINIC_DEFAULT: "the clinic's own words in its default language",
    Origin.SHIPPED: "the shipped words",
    Origin.SHIPPED_DEFAULT: "the shipped words in the default language",
    "": "nothing: there are no words",
}


def preview_page(title: str, shown: Sequence[Shown]) -> str:
    """The same as a page to look at: texts as bubbles, letters in frames where nothing of theirs can act."""
    letters = any(isinstance(one.message, Email) for one in shown)
    return _page().render(title=title, shown=shown, origins=_ORIGINS, letters=letters)


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, loader=FileSystemLoader(Path(__file__).parent))
    return environment.get_template("preview.html")
