"""How settings are written: each form reads a value or raises ValueError, and says what it accepts.

What was written is never repeated in a message: it may be a secret in the wrong place.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from annotated_types import Ge
from pydantic import AfterValidator, BeforeValidator, SecretStr


@dataclass(frozen=True, slots=True)
class Accepts:
    """What a setting accepts, as the end of "must be ..."."""

    form: str


_UNITS = {
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_LENGTH = re.compile(rf"(\d{{1,9}}) ?({'|'.join(_UNITS)})s?")
_SIZES = {"byte": 1, "KiB": 1024, "MiB": 1024**2}
_SIZE = re.compile(r"(\d{1,9}) ?(byte|KiB|MiB)s?")


def _length(written: object) -> timedelta:
    if isinstance(written, timedelta):
        return written
    match = _LENGTH.fullmatch(written.strip()) if isinstance(written, str) else None
    if match is None or not int(match[1]):
        raise ValueError
    return int(match[1]) * _UNITS[match[2]]


def _size(written: object) -> int:
    if isinstance(written, int) and not isinstance(written, bool):
        return written
    match = _SIZE.fullmatch(written.strip()) if isinstance(written, str) else None
    if match is None or not int(match[1]):
        raise ValueError
    return int(match[1]) * _SIZES[match[2]]


def _whole(written: object) -> object:
    """A flag or a fraction is no whole number, though it could be read as one."""
    if type(written) in {int, str}:
        return written
    raise ValueError


def _wall_time(written: object) -> time:
    if isinstance(written, str) and re.fullmatch(r"\d\d:\d\d(:\d\d)?", written):
        return time.fromisoformat(written)
    if isinstance(written, time) and written.tzinfo is None:
        return written
    raise ValueError


def lower(written: object) -> object:
    return written.strip().lower() if isinstance(written, str) else written


def _web_address(written: str) -> str:
    parts = urlsplit(written)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError
    return written.rstrip("/")


def _database(written: SecretStr) -> SecretStr:
    """`postgresql://...` or `sqlite:///...`, whichever accepted form was written."""
    url = written.get_secret_value()
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme not in {"postgres", "postgresql"}:
        raise ValueError
    parts = urlsplit(f"postgresql://{rest}")
    known = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} <= {"sslmode", "host"}
    has_host = parts.hostname or "host=" in parts.query
    # A fragment or an odd port is what an unescaped # or / in a password looks like.
    if not known or not has_host or parts.fragment or parts.port == 0 or len(parts.path) < 2:
        raise ValueError
    return SecretStr(f"postgresql://{rest}")


def _sqlite(url: str) -> SecretStr:
    """Only a file: web and worker are several connections, and a database in memory would be one for each."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path.startswith(":") or path.endswith("/") or set("?#") & set(path):
        raise ValueError
    return SecretStr(url)


def _keys(written: object) -> object:
    if isinstance(written, str):
        return tuple(part.strip() for part in written.split(","))
    return written


def _strong(keys: Sequence[SecretStr]) -> Sequence[SecretStr]:
    if any(len(key.get_secret_value()) < 32 for key in keys):
        raise ValueError
    return keys


def _token(written: SecretStr) -> SecretStr:
    """A line break pasted with a key would end up in a header."""
    if not re.fullmatch(r"[!-~]+", written.get_secret_value()):
        raise ValueError
    return written


def _base64(written: str) -> str:
    base64.b64decode(written, validate=True)
    return written


def _existing_folder(written: Path) -> Path:
    if not written.is_dir():
        raise ValueError
    return written.resolve()


def _matching(pattern: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(written: str) -> str:
        if not compiled.fullmatch(written):
            raise ValueError
        return written

    return AfterValidator(check)


Length: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(_length),
    Accepts('a length of time such as "50 milliseconds", "10 seconds", "20 minutes" or "72 hours"'),
]
WallTime: TypeAlias = Annotated[time, BeforeValidator(_wall_time), Accepts("a local time such as 20:00")]
Whole: TypeAlias = Annotated[int, BeforeValidator(_whole)]
Size: TypeAlias = Annotated[int, Ge(1), BeforeValidator(_size), Accepts('a size such as "512 KiB" or "1 MiB"')]
WebAddress: TypeAlias = Annotated[
    str,
    AfterValidator(_web_address),
    Accepts("an address such as https://aftercare.example.com, without a password or anything after a ?"),
]
DatabaseAddress: TypeAlias = Annotated[
    SecretStr,
    AfterValidator(_database),
    Accepts(
        "postgresql://user:password@host:5432/name, postgres://... or sqlite:///folder/file.db; "
        "in a password write @ : / ? # as %40 %3A %2F %3F %23; the only parameters are sslmode and host"
    ),
]
SecretKeys: TypeAlias = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_keys),
    AfterValidator(_strong),
    Accepts("one key, or several with commas between them, newest first, each of at least 32 characters"),
]
Token: TypeAlias = Annotated[
    SecretStr, AfterValidator(_token), Accepts("the provider's key itself, without spaces or line breaks")
]
PublicKey: TypeAlias = Annotated[
    str, AfterValidator(_base64), Accepts("the verification key that SendGrid shows for its signed event webhook")
]
LogLevel: TypeAlias = Annotated[
    Literal["debug", "info", "warning", "error"], BeforeValidator(lower), Accepts("debug, info, warning or error")
]
Host: TypeAlias = Annotated[str, _matching("[0-9A-Za-z.:-]+"), Accepts("an address to listen on, such as 127.0.0.1")]
Folder: TypeAlias = Annotated[Path, AfterValidator(_existing_folder), Accepts("a folder that exists")]
AccountSid: TypeAlias = Annotated[str, _matching("AC[0-9a-fA-F]{32}"), Accepts("AC and 32 hexadecimal digits")]
ServiceSid: TypeAlias = Annotated[str, _matching("MG[0-9a-fA-F]{32}"), Accepts("MG and 32 hexadecimal digits")]
Phone: TypeAlias = Annotated[str, _matching(r"\+[1-9][0-9]{6,14}"), Accepts("a number such as +447400123456")]
Mailbox: TypeAlias = Annotated[
    str, _matching(r"[^@\s<>,]+@[^@\s<>,]+\.[^@\s<>,]+"), Accepts("an address such as care@clinic.example.com")
]
