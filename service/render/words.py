"""One message's words in one language: read once, checked with sample clients, rendered many times."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from service.errors import Problem
from service.render import clean
from service.render.checks import program
from service.render.fields import Values, pick
from service.render.layout import Layout
from service.render.letter import Letter, letter
from service.render.liquid import MissingField, Program, Ready, RenderError
from service.render.piece import BadWording, Flaw, Piece
from service.render.samples import SAMPLES
from service.segments import measure
from service.types import Email, Medium, Message, Sms

SOURCE_LIMIT = {Medium.SMS: 3_000, Medium.EMAIL: 5_000}
LINE_COUNT_LIMIT = 200
"""Characters and lines of a source: reading one then costs milliseconds, whatever it holds."""
SMS_LIMIT = 1_600
SUBJECT_LIMIT = 998
PREHEADER_LIMIT = 200
PAGE_LIMIT = 100_000
"""Characters. A longer SMS is refused by carriers, a longer line by mail servers; mail programs clip a longer page."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of a message's words, parsed and checked.

    `version` follows from the source alone; `fields` are the dotted paths that a rendering reads: `pick` and pin those.
    """

    protocol: str
    step: str
    medium: Medium
    locale: str
    source: str = field(repr=False)
    version: str
    fields: frozenset[str]
    words: Program | Letter = field(repr=False, compare=False)
    layout: Layout = field(repr=False, compare=False)

    def locale_for(self, reader: str) -> str:
        """The locale to write dates in: the reader's own where it is a kind of this language, else these words'."""
        language = self.locale.partition("-")[0]
        return reader if reader.lower().replace("_", "-").partition("-")[0] == language else self.locale


def read_wording(
    protocol: str,
    step: str,
    medium: Medium,
    locale: str,
    source: str,
    *,
    layout: Layout,
    where: str,
    tried: bool = True,
) -> Wording:
    """Reads a source as a message's words. `where` names it in problems.

    Raises BadWording with everything that is wrong: what the parser sees, then, if `tried`, what sample clients meet.
    """
    source = source.removeprefix("\ufeff").replace("\r\n", "\n")
    piece = Piece(source, where)
    _refuse_long(piece, medium)
    words = _sms_words(piece) if medium is Medium.SMS else letter(piece)
    fields = words.fields if isinstance(words, Program) else words.fields | layout.fields
    version = sha256(source.encode()).hexdigest()[:12]
    wording = Wording(protocol, step, medium, locale, source, version, fields, words, layout)
    if tried and (problems := tuple(dict.fromkeys(_met_by_samples(wording, piece)))):
        raise BadWording(*problems)
    return wording


def render(wording: Wording, values: Values) -> Message:
    """The message for these values: an Sms or an Email, by the wording's medium.

    The same wording and values always give the same message. Raises MissingField (code `missing-field`) or RenderError
    (`message-empty`, `message-too-long`, `render-failed`); neither names a value.
    """
    if isinstance(wording.words, Program):
        return _sms(wording.words, values)
    return _email(wording, wording.words, values)


def _sms(words: Program, values: Values) -> Sms:
    text = _bounded(words, words.run(values).strip(), SMS_LIMIT)
    return Sms(text, *measure(text))


def _email(wording: Wording, words: Letter, values: Values) -> Email:
    subject = _bounded(words.subject, clean.one_line(words.subject.run(values), SUBJECT_LIMIT), SUBJECT_LIMIT)
    preheader = clean.one_line(words.preheader.run(values), PREHEADER_LIMIT)
    parts = {
        "subject": subject,
        "preheader": preheader,
        "html": Ready(words.html.run(values)),
        "text": Ready(words.text.run(values).strip()),
        **_button(words, values),
        **_preferences(values),
    }
    html, text = wording.layout.around(parts, values, wording.locale)
    return Email(subject, preheader, _bounded(words.html, html, PAGE_LIMIT), text)


def _button(words: Letter, values: Values) -> dict[str, str]:
    button = words.button
    if button is None or (button.link.fields and not pick(values, button.link.fields)):
        return {}
    return {"button": button.label.run(values), "href": button.link.run(values)}


def _preferences(values: Values) -> dict[str, str]:
    address = clean.long_line(str(values.get("links", {}).get("preferences", "")))
    return {"preferences": address} if clean.is_web_address(address) else {}


def _bounded(words: Program, text: str, limit: int) -> str:
    if not text:
        raise RenderError(Problem("message-empty", words.where, "nothing is left of this text for this client"))
    if len(text) > limit:
        message = f"{len(text):,} characters are too many; at most {limit:,} can be sent"
        raise RenderError(Problem("message-too-long", words.where, message))
    return text


def _sms_words(piece: Piece) -> Program:
    words = program(piece.stripped())
    if not piece.text.strip():
        raise piece.bad(Flaw("template-empty", 0, "the message has no text"))
    return words


def _refuse_long(piece: Piece, medium: Medium) -> None:
    limit = SOURCE_LIMIT[medium]
    if len(piece.text) > limit:
        raise piece.bad(Flaw("template-too-long", limit, f"the text must end here: at most {limit:,} characters"))
    if piece.text.count("\n") > LINE_COUNT_LIMIT:
        raise piece.bad(Flaw("template-too-long", 0, f"the text has too many lines: at most {LINE_COUNT_LIMIT}"))


def _met_by_samples(wording: Wording, piece: Piece) -> Iterator[Problem]:
    """What the sample clients would meet: a field that some lack, a text too long or empty."""
    for sample in SAMPLES:
        values = sample.values(wording.locale_for(sample.locale))
        try:
            render(wording, values)
            yield from _cut_off(wording, values, piece)
        except MissingField as missing:
            name, index = missing.field, max(piece.text.find(missing.field), 0)
            message = f"{name} may be absent: write {{% if {name} %}} around it, or | default: after it"
            yield Problem("template-optional-field", piece.where(index), message)
        except RenderError as error:
            yield from (Problem(found.code, piece.where(), found.message) for found in error.problems)


def _cut_off(wording: Wording, values: Values, piece: Piece) -> Iterator[Problem]:
    """A subject that would lose its end. Values that are unusually long lose it; words must not."""
    if isinstance(wording.words, Letter) and len(wording.words.subject.run(values).strip()) > SUBJECT_LIMIT:
        message = f"the subject is too long: at most {SUBJECT_LIMIT} characters, filled in"
        yield Problem("message-too-long", piece.where(piece.text.find("subject:")), message)
