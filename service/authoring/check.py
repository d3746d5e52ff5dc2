"""May these words be sent, and are they wise? The same questions for an author's draft and for a folder of files."""

import re
from dataclasses import dataclass

from service.authoring.model import Checked
from service.content import Content
from service.errors import NotFound, Problem
from service.protocols import Protocol
from service.protocols.model import Step
from service.protocols.values import did_you_mean
from service.render import (
    FILE_OF,
    SAMPLES,
    SEGMENT_LIMIT,
    BadWording,
    Clinic,
    ClinicFacts,
    Occasion,
    Wording,
    lint,
    plain_form,
)
from service.segments import measure
from service.store.templates import TemplateKey
from service.types import Medium, Purpose

_LOCALE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
_TRIED = SAMPLES[:3]
"""Who reads the words' own language: the others' names would be counted as the author's fault."""
_REGION, _SCRIPT = 2, 4


def key_of(content: Content, protocol: str, step: str, medium: str, locale: str) -> TemplateKey:
    """The message that is meant. Raises NotFound, saying what there is."""
    found = content.protocols.get(protocol)
    if found is None:
        hint = did_you_mean(protocol, content.protocols)
        raise _unknown(f"there is no protocol {protocol}{hint}; there are {', '.join(content.protocols)}")
    its_step = found.step(step)
    if its_step is None:
        raise _unknown(f"{protocol} has no step {step}; it has {', '.join(one.name for one in found.steps)}")
    if medium not in [one.value for one in its_step.channels]:
        raise _unknown(f"{step} is sent by {' and '.join(its_step.channels)}, not by {medium}")
    if not is_locale(locale):
        raise _unknown("write the language as en, es or es-MX")
    return TemplateKey(protocol, step, Medium(medium), canonical(locale))


def is_locale(text: str) -> bool:
    """Whether this is written like a locale; whether anybody speaks it is another question."""
    return _LOCALE.fullmatch(text) is not None


def canonical(locale: str) -> str:
    """A locale as it is written: `ES_mx` is `es-MX`, `zh-hant` is `zh-Hant`."""
    language, *rest = locale.replace("_", "-").split("-")
    return "-".join([language.lower(), *(_part(one) for one in rest)])


def _part(part: str) -> str:
    if len(part) == _REGION:
        return part.upper()
    return part.title() if len(part) == _SCRIPT else part.lower()


def step_of(content: Content, key: TemplateKey) -> tuple[Protocol, Step]:
    protocol = content.protocols[key.protocol]
    step = protocol.step(key.step)
    assert step is not None  # noqa: S101 - `key_of` has seen to it
    return protocol, step


@dataclass(frozen=True, slots=True)
class WritingRules:
    """`segments`: how many an SMS may take before its author is warned. `base`: our address in clients' links."""

    segments: int = SEGMENT_LIMIT
    base: str = ""


USUAL = WritingRules()


def treated_at(
    content: Content, key: TemplateKey, facts: ClinicFacts, booking: str, rules: WritingRules = USUAL
) -> Clinic:
    """Where sample clients are thought to have been: care messages know no booking link."""
    protocol, step = step_of(content, key)
    return Clinic(facts, protocol.title, booking if step.purpose is Purpose.REBOOK else "", rules.base)


def check(
    content: Content,
    key: TemplateKey,
    source: str,
    *,
    at: Clinic | None = None,
    missing: tuple[str, ...] = (),
    rules: WritingRules = USUAL,
) -> Checked:
    """Read, try and lint a source. `at`: the clinic whose words these are; `missing`: see `Occasion`."""
    try:
        wording = content.templates.read(*key, source)
    except BadWording as error:
        return Checked(error.problems, ())
    protocol, step = step_of(content, key)
    occasion = Occasion(
        purpose=step.purpose,
        title=protocol.title,
        tried_on=tuple(sample.values(wording.locale_for(sample.locale), at) for sample in _TRIED),
        clinic=at.facts.name if at else "",
        missing=missing,
        segments=rules.segments,
    )
    return Checked((), tuple(lint(wording, occasion, where_of(key))), wording, _cheaper(wording))


def where_of(key: TemplateKey) -> str:
    """A message's place as authors know it: the path of its file."""
    return f"{key.protocol}/{key.step}/{key.locale}/{FILE_OF[key.medium]}"


def _cheaper(wording: Wording) -> str:
    """The plain form of a text, where that is worth offering."""
    plain = plain_form(wording.source)
    worth = wording.medium is Medium.SMS and plain != wording.source and measure(plain) < measure(wording.source)
    return plain if worth else ""


def _unknown(sentence: str) -> NotFound:
    return NotFound(Problem("unknown-template", "", sentence))
