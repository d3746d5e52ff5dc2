"""A letter's words as a page: its title, its body and its button, for whoever lays pages out."""

from dataclasses import dataclass, field

from service.render import clean
from service.render.fields import Values, pick
from service.render.letter import Letter
from service.render.words import Wording


@dataclass(frozen=True, slots=True)
class Page:
    """Plain text but for `body`, which is safe HTML. `button` is a label and a whole address, or None."""

    title: str = field(repr=False)
    body: str = field(repr=False)
    button: tuple[str, str] | None
    locale: str


def page_of(wording: Wording, values: Values) -> Page:
    """The page for these values. Raises MissingField or RenderError, as `render` does; TypeError for an SMS."""
    words = wording.words
    if not isinstance(words, Letter):
        raise TypeError("only a letter's words make a page")
    return Page(
        title=clean.one_line(words.subject.run(values)),
        body=words.html.run(values),
        button=_button(words, values),
        locale=wording.locale,
    )


def _button(words: Letter, values: Values) -> tuple[str, str] | None:
    button = words.button
    if button is None or (button.link.fields and not pick(values, button.link.fields)):
        return None
    return button.label.run(values), button.link.run(values)
