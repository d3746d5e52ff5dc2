"""Logs without personal data, by construction: one JSON object a line, and only what is known to be harmless gets out.

- An event is a phrase in lower case, written out in the code ("worker.started"); a test forbids building it.
- Numbers and flags pass under any key. Text passes only under the keys of `_VOCABULARY`, only as one plain word or an
  opaque id, and never where it could be a number to call. All else is written as `[hidden]`.
- Of an exception the type, our codes and the places in the code are written: never its message, which may quote a row
  or an address, and never local variables.
- What libraries log passes the same gate: of a pattern the fixed beginning, of its arguments nothing.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from datetime import date, timedelta
from enum import Enum
from types import TracebackType
from typing import Any, Final, TextIO, TypeAlias, cast
from uuid import UUID

import orjson
import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import FilteringBoundLogger

from service import clock
from service.errors import AftercareError

HIDDEN: Final = "[hidden]"

context = bound_contextvars
"""`with logs.context(clinic=..., reminder=...)`: every line inside carries these."""

_Line: TypeAlias = MutableMapping[str, Any]

_VOCABULARY: Final = (
    frozenset({"clinic", "reminder", "attempt", "sender", "worker", "request", "template", "database", "schema"})
    | {"medium", "channel", "provider", "purpose", "protocol", "step", "state", "result", "outcome", "failure"}
    | {"reason", "code", "error", "kind", "role", "mode", "signal", "command", "method", "route", "place"}
    | {"version", "migration"}
)
"""Keys whose text is a word of ours or an id that we made: never an id, a name or a note that came from outside."""
_WORD: Final = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9_.:/{}+-]{0,79}")
_OPAQUE: Final = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_PHRASE: Final = re.compile(r"[a-z][a-z0-9 ,.'_-]{0,99}")
_BEGINNING: Final = re.compile(r"[A-Za-z][A-Za-z ,'-]*")
_PHONE_DIGITS: Final = 7
_QUIET: Final = (
    "alembic",
    "apscheduler",
    "asyncio",
    "httpx",
    "markdown_it",
    "sqlalchemy",
    "twilio",
    "urllib3",
    "uvicorn",
)


def get(name: str) -> FilteringBoundLogger:
    """The logger of a module: `log = logs.get(__name__)`, then `log.info("worker.started", slots=400)`."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))


def shows(key: str, text: str) -> bool:
    """Whether this text would be written under this key, and not hidden."""
    return _harmless(key, text) != HIDDEN


def configure(level: str = "info", *, human: bool = False, stream: TextIO | None = None) -> None:
    """Send every line of this process, the libraries' and the last words of a crash too, to `stream` (stderr).

    `human` is for a person at a terminal: the same content in columns.
    """
    configure_ours(level, human=human, stream=stream)
    logging.basicConfig(handlers=[_FromLibraries()], level=logging.getLevelName(level.upper()), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # One line for each request would name addresses with tokens in them; the web process counts requests itself.
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def configure_ours(level: str = "info", *, human: bool = False, stream: TextIO | None = None) -> None:
    structlog.configure(
        processors=[merge_contextvars, _keep_harmless, _stamp, _summarise_error, _renderer(human=human, stream=stream)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda name="": _Sink(name, stream),
        cache_logger_on_first_use=False,
    )


def _keep_harmless(logger: "_Sink", _method: str, line: _Line) -> _Line:
    """The gate. What it lets through of an error, `_summarise_error` decides."""
    event, error = line.pop("event", None), line.pop("exc_info", None)
    kept = {key: _harmless(key, value) for key, value in line.items()}
    return {"logger": logger.name, "event": _phrase(event), **kept, "exc_info": error}


def _harmless(key: str, value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return [_harmless(key, item) for item in value]
    plain = _simplified(value)
    if plain is None or (isinstance(plain, int | float) and abs(plain) < 10**_PHONE_DIGITS):
        return plain
    if key in _VOCABULARY and (isinstance(value, UUID | date) or _is_plain(plain)):
        return str(plain)
    return HIDDEN


def _simplified(value: object) -> object:
    match value:
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
    return value


def _is_plain(text: object) -> bool:
    if not isinstance(text, str):
        return False
    return bool(_OPAQUE.fullmatch(text) or (_WORD.fullmatch(text) and _digits(text) < _PHONE_DIGITS))


def _phrase(event: object) -> str:
    if isinstance(event, str) and _PHRASE.fullmatch(event) and _digits(event) < _PHONE_DIGITS:
        return event
    return HIDDEN


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _stamp(_logger: object, method: str, line: _Line) -> _Line:
    return {"at": clock.now().isoformat(timespec="milliseconds"), "level": method, **line}


def _summarise_error(_logger: object, _method: str, line: _Line) -> _Line:
    given = line.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    error = sys.exception() if error is True else error
    if not isinstance(error, BaseException):
        return line
    chain = list(_chain(error))[:8]
    found = {
        "error": _name(error),
        "codes": [code for one in chain for code in _codes(one)],
        "causes": [_name(one) for one in chain[1:]],
        "trace": _places(error.__traceback__),
    }
    return {**line, **{key: value for key, value in found.items() if value}}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from or while handling, and the members of groups."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _chain(member)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)


def _codes(error: BaseException) -> Iterator[str]:
    """Ours, the database's or the system's: made of letters and digits that say nothing of a row."""
    if isinstance(error, AftercareError):
        yield from (problem.code for problem in error.problems)
        return
    for attribute in ("sqlstate", "errno", "code", "status"):
        value = getattr(error, attribute, None)
        if isinstance(value, int | str) and re.fullmatch(r"[A-Za-z0-9]{1,6}", str(value)):
            yield f"{attribute} {value}"


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _places(trace: TracebackType | None) -> list[str]:
    """`module:function:line` of the innermost calls."""
    frames = [(frame.f_globals.get("__name__", "?"), frame.f_code, line) for frame, line in traceback.walk_tb(trace)]
    return [f"{module}:{code.co_qualname}:{line}" for module, code, line in frames[-12:]]


def _renderer(*, human: bool, stream: TextIO | None) -> structlog.typing.Processor:
    if human:
        return structlog.dev.ConsoleRenderer(
            colors=(stream or sys.stderr).isatty(), timestamp_key="at", pad_event_to=24, sort_keys=False
        )
    return structlog.processors.JSONRenderer(serializer=lambda line, **_: orjson.dumps(line).decode())


class _Sink:
    """Writes a line to the stream, or to what stderr is at that moment. A log that cannot be written stops no send."""

    def __init__(self, name: str, stream: TextIO | None) -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        stream = self._stream or sys.stderr
        with suppress(OSError, ValueError):
            stream.write(line + "\n")
            stream.flush()

    debug = info = warning = error = critical = msg


class _FromLibraries(logging.Handler):
    """Takes what libraries log through the standard library: the fixed beginning of a pattern, and the place."""

    def emit(self, record: logging.LogRecord) -> None:
        # Without arguments the words may have been built from anything; the place tells which they were.
        beginning = _BEGINNING.match(record.msg) if record.args and isinstance(record.msg, str) else None
        phrase = beginning[0].strip().lower()[:100] if beginning else "library message"
        get(record.name).log(
            record.levelno, phrase, place=f"{record.module}:{record.lineno}", exc_info=record.exc_info or None
        )


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        get("service").critical("uncaught exception", exc_info=(kind, error or kind(), trace))


# A module that logs before the process configured itself passes the same gate.
configure_ours()
