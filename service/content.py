"""What the files of a house say: protocols and words, read together and checked against each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.errors import AftercareError, ConfigError, Problem
from service.protocols import Protocol, load_protocols
from service.render import Templates, missing_words
from service.settings import data_folder
from service.types import Medium

LOCALES = ("en", "es")
"""The languages that every shipped message has."""


@dataclass(frozen=True, slots=True)
class Content:
    """The protocols by code, and all words."""

    protocols: Mapping[str, Protocol]
    templates: Templates


def load_content(home: Path | None = None) -> Content:
    """Read and cross-check everything.

    Raises ConfigError with every problem of all files: a wrong protocol, a wrong template, a step without words.
    """
    problems: list[Problem] = []
    protocols: Mapping[str, Protocol] = {}
    templates: Templates | None = None
    try:
        protocols = load_protocols(data_folder("config/protocols", home))
    except ConfigError as error:
        problems.extend(error.problems)
    try:
        templates = Templates.load(data_folder("templates", home))
    except AftercareError as error:
        problems.extend(error.problems)
    if templates is None or problems:
        raise ConfigError(*problems)
    if missing := missing_words(templates, _steps(protocols), LOCALES):
        raise ConfigError(*missing)
    return Content(protocols, templates)


def _steps(protocols: Mapping[str, Protocol]) -> list[tuple[str, str, Iterable[Medium]]]:
    return [(code, step.name, step.channels) for code, protocol in protocols.items() for step in protocol.steps]
