"""Errors as problem+json (RFC 9457): a stable code, a sentence, and every place that is wrong."""

from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service import logs
from service.errors import AftercareError, Problem, TooMany, Unauthorized
from service.events.sentences import plain
from service.http.titles import title_of
from service.store.session import is_passing
from service.types import Json

log = logs.get(__name__)

MEDIA_TYPE = "application/problem+json"


def problem_json(status: int, problems: tuple[Problem, ...]) -> Json:
    """The body of an error answer."""
    first = problems[0]
    return {
        "type": f"urn:aftercare:problem:{first.code}",
        "title": title_of(status, first.code),
        "status": status,
        "code": first.code,
        "detail": first.message,
        "errors": [{"code": one.code, "where": one.where, "message": one.message} for one in problems],
    }


def problem_response(status: int, *problems: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(problem_json(status, problems)), status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error that is foreseen in this form; `Envelope` answers the others."""
    app.add_exception_handler(AftercareError, _ours)
    app.add_exception_handler(HTTPException, _theirs)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(SQLAlchemyError, _database_failed)
    app.add_exception_handler(OSError, _database_failed)


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AftercareError)  # noqa: S101 - registered for this class
    return problem_response(error.status, *error.problems, headers=_headers_of(error))


def _headers_of(error: AftercareError) -> dict[str, str]:
    match error:
        case TooMany(retry_after=seconds):
            return {"Retry-After": str(seconds)}
        case Unauthorized():
            return {"WWW-Authenticate": "Bearer"}
    return {}


async def _theirs(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    code = "not-found" if error.status_code == 404 else "http-error"
    title = title_of(error.status_code, code)
    return problem_response(error.status_code, Problem(code, "", title), headers=_headers(error))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    found: list[Any] = list(error.errors())
    problems = [Problem("invalid-field", ".".join(str(part) for part in one["loc"]), plain(one)) for one in found]
    return problem_response(422, *problems)


async def _database_failed(_request: Request, error: Exception) -> Response:
    """A database that is away for a while is no fault of the request: it may be sent again."""
    if not is_passing(error):
        return unforeseen(error)
    log.warning("database unavailable", error=type(error).__name__)
    return problem_response(503, Problem("database-unavailable", "", "the database cannot serve now: try again later"))


async def _gone(_request: Request, _error: Exception) -> Response:
    """The caller hung up in the middle of the body: nobody reads this answer."""
    return Response(status_code=400)


def unforeseen(error: Exception) -> Response:
    """An error that nobody expected: told to the log, not to the caller."""
    log.error("request failed", exc_info=error)
    return problem_response(500, Problem("internal-error", "", "this failed for a reason of ours; it is logged"))


def _headers(error: HTTPException) -> dict[str, str] | None:
    return dict(error.headers) if error.headers else None
