"""Each setting's names, derived from the model: as a variable, as a key in the file, and in words."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service.settings.forms import Accepts
from service.settings.model import PREFIX, Settings

SettingPath: TypeAlias = tuple[str, ...]
"""A setting's field, or its section's field and its own: `("port",)`, `("worker", "slots")`."""

ONLY_IN_ENVIRONMENT: Final = frozenset({"database_url", "twilio_auth_token", "sendgrid_api_key", "secret_keys", "home"})
"""Secrets, which a file that is committed must never hold, and the setting that says where that file is."""


def _fields() -> Iterator[tuple[SettingPath, FieldInfo]]:
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is None:
            yield (name,), field
        else:
            yield from (((name, key), nested) for key, nested in section.model_fields.items())


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _variable(path: SettingPath, field: FieldInfo) -> str:
    return str(field.validation_alias or PREFIX + "__".join(path).upper())


FIELDS: Final = dict(_fields())
VARIABLES: Final = {_variable(path, field): path for path, field in FIELDS.items()}
KEYS: Final = {".".join(path): path for path in FIELDS if path[0] not in ONLY_IN_ENVIRONMENT}
SECTIONS: Final = {path[0] for path in FIELDS if len(path) > 1}


def variable(path: SettingPath) -> str:
    return _variable(path, FIELDS[path])


def accepted(path: SettingPath) -> str:
    """What the setting must be: the end of "must be ..."."""
    if path not in FIELDS:
        return f"a section: [{path[0]}] and its keys below it"
    field = FIELDS[path]
    for mark in _marks(field):
        if isinstance(mark, Accepts):
            return mark.form
    least = next(mark.ge for mark in field.metadata if isinstance(mark, Ge))
    most = next(mark.le for mark in field.metadata if isinstance(mark, Le))
    return f"a whole number from {least} to {most}"


def _marks(field: FieldInfo) -> Iterator[Any]:
    """Metadata of the field; an optional one keeps them on the member of its union."""
    yield from field.metadata
    for member in get_args(field.annotation):
        yield from getattr(member, "__metadata__", ())


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.82)), None)
