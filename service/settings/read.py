"""Reading the settings, and telling everything that is wrong with them at once.

pydantic-settings merges the places and checks the values. What it cannot tell, a survey does: where each setting was
written, and which names nobody knows. No message repeats a value: it may be a secret in the wrong place.
"""

import logging
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from service.errors import ConfigError, Problem
from service.settings.homes import home_file
from service.settings.model import PREFIX, Settings
from service.settings.names import (
    KEYS,
    ONLY_IN_ENVIRONMENT,
    SECTIONS,
    VARIABLES,
    SettingPath,
    accepted,
    closest,
    variable,
)

_DOTENV = Path(".env")
_TOML = "config/aftercare.toml"
_OURS = (PREFIX, "TWILIO_", "SENDGRID_")
_OF_COMMANDS = frozenset({"AFTERCARE_CLINIC"})
"""Variables that give commands their options, and are no settings."""
"""In `.env`, which is written for us, a name with one of these beginnings is meant for us."""
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "twilio_account_sid": ("twilio_auth_token",),
    "twilio_auth_token": ("twilio_account_sid",),
    "twilio_messaging_service_sid": ("twilio_account_sid", "twilio_auth_token"),
    "twilio_from": ("twilio_account_sid", "twilio_auth_token"),
    "sendgrid_from": ("sendgrid_api_key",),
}
"""A provider that is half configured: what is given, and what is of no use without."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A known setting, and the place where it is written."""

    path: SettingPath
    place: str


# A line of .env that cannot be parsed is named by the survey; the library would print it as well.
logging.getLogger("dotenv").setLevel(logging.ERROR)

_Finding = _Written | Problem


def load() -> Settings:
    """The settings from the environment, over `.env` in the working folder, over `config/aftercare.toml`.

    Raises ConfigError with a problem for every wrong or unknown setting in any of the three.
    """
    dotenv = _text(_DOTENV) if _DOTENV.is_file() else ""
    file = home_file(_TOML, _home(dotenv))
    toml = _parsed(file)
    findings = [*_in_environment(os.environ), *_in_dotenv(dotenv), *_in_toml(toml, file)]
    problems = [finding for finding in findings if isinstance(finding, Problem)]
    places = _places(finding for finding in findings if isinstance(finding, _Written))
    problems += _half_configured(places)
    try:
        settings = _FromPlaces(_env_file=_DOTENV, **toml)
    except ValidationError as error:
        raise ConfigError(*problems, *_wrong(error, places)) from None
    if problems:
        raise ConfigError(*problems)
    return settings


class _FromPlaces(Settings):
    """Settings that read the environment and `.env`; what the caller gives, the file's content, ranks below both."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # A section written as one variable would be taken for JSON, and stop the reading there.
        for source in (env_settings, dotenv_settings):
            if isinstance(source, EnvSettingsSource):
                source.env_vars = {name: text for name, text in source.env_vars.items() if name.upper() in VARIABLES}
        return env_settings, dotenv_settings, init_settings


def _places(written: Iterable[_Written]) -> dict[SettingPath, str]:
    """Where each setting's value comes from: the first place that has it."""
    places: dict[SettingPath, str] = {}
    for one in written:
        places.setdefault(one.path, one.place)
    return places


def _wrong(error: ValidationError, places: Mapping[SettingPath, str]) -> Iterator[Problem]:
    for details in error.errors(include_url=False, include_input=False):
        location = tuple(str(part) for part in details["loc"])
        path = location[: 2 if location[0] in SECTIONS else 1]
        if details["type"] == "extra_forbidden":
            continue  # the survey has named it, with what may be meant
        if path in places:
            yield Problem("wrong-setting", places[path], f"must be {accepted(path)}")
        else:
            place = next((place for known, place in places.items() if known[0] == path[0]), path[0])
            yield Problem("wrong-setting", place, str(details.get("ctx", {}).get("error", details["msg"])))


def _half_configured(places: Mapping[SettingPath, str]) -> Iterator[Problem]:
    for given, needs in _NEEDS.items():
        lacking = [variable((need,)) for need in needs if (need,) not in places]
        if (given,) in places and lacking:
            yield Problem("half-configured", places[given,], f"is of no use without {' and '.join(lacking)}")


def _in_environment(environment: Mapping[str, str]) -> Iterator[_Finding]:
    for name, value in environment.items():
        if name.upper() in VARIABLES:
            if value:
                yield _Written(VARIABLES[name.upper()], f"environment {name}")
        elif name.upper().startswith(PREFIX) and name.upper() not in _OF_COMMANDS:
            yield _unknown(f"environment {name}", name.upper(), VARIABLES)


def _in_dotenv(dotenv: str) -> Iterator[_Finding]:
    for binding in parse_stream(StringIO(dotenv)):
        # A statement begins with the blank lines before it.
        written = binding.original.string
        line = binding.original.line + len(written) - len(written.lstrip("\n"))
        place = f"{_DOTENV} line {line} {binding.key or ''}".rstrip()
        if binding.error:
            yield Problem("wrong-dotenv", place, "must read NAME=value")
        elif binding.key and binding.key.upper() in VARIABLES:
            if binding.value:
                yield _Written(VARIABLES[binding.key.upper()], place)
        elif binding.key and binding.key.upper().startswith(_OURS):
            yield _unknown(place, binding.key.upper(), VARIABLES)


def _in_toml(toml: Mapping[str, Any], file: Path | None) -> Iterator[_Finding]:
    for key in _dotted(toml):
        place = f"{_shown(file)} {key}"
        if key in KEYS:
            yield _Written(KEYS[key], place)
        elif key in ONLY_IN_ENVIRONMENT:
            sentence = f"belongs in the environment or .env, never in this file: {variable((key,))}"
            yield Problem("setting-in-wrong-place", place, sentence)
        elif key in SECTIONS:
            yield _Written((key,), place)
        else:
            yield _unknown(place, key, [*KEYS, *SECTIONS])


def _dotted(toml: Mapping[str, Any]) -> Iterator[str]:
    for key, value in toml.items():
        if isinstance(value, dict) and key in SECTIONS:
            yield from (f"{key}.{nested}" for nested in value)
        else:
            yield key


def _unknown(place: str, name: str, known: Iterable[str]) -> Problem:
    close = closest(name, known)
    hint = f"; did you mean {close}?" if close else f": {_TOML} and .env.example list them"
    return Problem("unknown-setting", place, f"is not a setting{hint}")


def _home(dotenv: str) -> Path | None:
    named = os.environ.get("AFTERCARE_HOME") or dotenv_values(stream=StringIO(dotenv)).get("AFTERCARE_HOME")
    return Path(named) if named else None


def _parsed(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Problem("unreadable-settings", _shown(file), f"is not TOML: {error}")) from None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(Problem("unreadable-settings", _shown(file), "must be a readable file in UTF-8")) from None


def _shown(file: Path | None) -> str:
    if file is None:
        return _TOML
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
