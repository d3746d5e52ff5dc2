"""What the pages about a clinic's words need from the rest of the house."""

from dataclasses import dataclass

from service.authoring import TemplateBook
from service.content import Content
from service.staff import StaffBook, Trials


@dataclass(frozen=True, slots=True)
class Authors:
    """A clinic's template book, its staff, and what is shipped."""

    book: TemplateBook
    people: StaffBook
    trials: Trials
    content: Content
