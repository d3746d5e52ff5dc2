"""What each role needs: completed where a default is safe, refused with a sentence where it is not."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import SecretStr

from service.errors import ConfigError, Problem
from service.settings.model import DATABASE_MISSING, Channels, Settings

Role: TypeAlias = Literal["run", "web", "worker", "migrate", "tool"]
"""`tool`: a command that works on the database once, such as `import` or `clinic`."""

FOLDER = Path(".aftercare")
"""Under the working folder: what `aftercare run` keeps when nothing else is said."""
_DATABASE = "aftercare.db"
_SECRET = "secret"  # noqa: S105 - the name of a file


def require_for(settings: Settings, role: Role) -> Settings:
    """The settings, complete for `role`; ConfigError names all that is missing.

    `run` makes what it lacks: SQLite and a secret key in `.aftercare`, and the outbox. `tool` takes what `run` made in
    this folder. The others take nothing for granted: a deploy that lost its credentials must not "send" into a drawer.
    """
    complete = settings.model_copy(update=_defaults(settings, role))
    problems = list(_missing(complete, role))
    if problems:
        raise ConfigError(*problems)
    return complete


def _defaults(settings: Settings, role: Role) -> dict[str, Any]:
    """Values for what nobody wrote."""
    written = settings.model_fields_set
    match role:
        case "run":
            return _local(settings) | ({} if "channels" in written else {"channels": Channels.OUTBOX})
        case "tool" if settings.database_url is None and (FOLDER / _DATABASE).is_file():
            return _local(settings)
        case "web" if "host" not in written:
            return {"host": "0.0.0.0"}  # noqa: S104 - a platform's router must reach it
    return {}


def _missing(settings: Settings, role: Role) -> Iterator[Problem]:
    if settings.database_url is None:
        yield DATABASE_MISSING
    if role in {"web", "worker"} and not settings.secret_keys:
        sentence = "is not set: give a random text of at least 32 characters, the same to web and worker"
        yield Problem("missing-setting", "AFTERCARE_SECRET_KEY", sentence)
    sends = role in {"run", "worker"} and settings.channels is Channels.LIVE
    if sends and not (settings.has_twilio or settings.has_sendgrid):
        sentence = (
            "no provider is configured: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or SENDGRID_API_KEY; "
            "AFTERCARE_CHANNELS=outbox keeps every message in the house"
        )
        yield Problem("no-provider", "AFTERCARE_CHANNELS", sentence)


def _local(settings: Settings) -> dict[str, Any]:
    """What lies in `.aftercare`, made where it is missing."""
    found: dict[str, Any] = {}
    if settings.database_url is None:
        FOLDER.mkdir(exist_ok=True)
        found["database_url"] = SecretStr(f"sqlite:///{(FOLDER / _DATABASE).resolve()}")
    if not settings.secret_keys:
        found["secret_keys"] = (SecretStr(_kept_secret(FOLDER / _SECRET)),)
    return found


def _kept_secret(file: Path) -> str:
    """The key in `file`, generated once; readable by its owner only."""
    if not file.is_file():
        _generate(file)
    key = file.read_text().strip()
    if len(key) < 32:
        sentence = "holds no key of at least 32 characters: delete it and a new one is made (signed links stop working)"
        raise ConfigError(Problem("wrong-setting", str(file), sentence))
    return key


def _generate(file: Path) -> None:
    """Linked into place when complete, so that two commands starting at once agree on one key."""
    file.parent.mkdir(exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(secrets.token_urlsafe(48))
    with suppress(FileExistsError):
        file.hardlink_to(draft)
    draft.unlink()
