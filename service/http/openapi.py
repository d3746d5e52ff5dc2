"""The API's own description: what all routes share is written once, here, onto what each route says of itself."""

import re
from typing import Any

from fastapi import FastAPI, Request, Response

from service.errors import Problem
from service.http.manners import problem
from service.http.problems import problem_response
from service.types import Json

ABOUT = """Events in, plans and messages out, for one clinic a key; `/v1/clinics` is for the keys of a platform, which
open nothing else. docs/api.md has the manners and every error code.

Every answer carries `X-Request-Id`: the one that was sent, or one that was made. Errors are `application/problem+json`
with a `code` that never changes.
"""

_TOO_MANY = {
    **problem("This key asks too often (`rate-limited`)."),
    "headers": {
        "Retry-After": {
            "description": "Seconds after which to go on.",
            "schema": {"type": "integer", "minimum": 1},
        }
    },
}
_ABSENT = problem("The clinic has no such thing: it never was, or is another's.")
_TOO_LARGE = problem("The body is too large (`body-too-large`).")
_REPEATED = problem(
    "The Idempotency-Key was sent with another request (`idempotency-key-reused`), or its first is being worked on "
    "(`idempotency-key-in-use`)."
)
_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 200 ASCII characters, such as a UUID: within a day the same request is answered the same.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "example": "5f0c7f3e-7a52-4b4e-9a0e-0f6d0a1c9a11",
}
_EVENTS = "/v1/events"


def allowed_methods(app: FastAPI, path: str) -> str:
    """Every method that an address of the API takes, for `Allow`; empty where it is none of the API's."""
    for form in ("[^/]+", ".+"):  # a client's reference may hold slashes
        found: set[str] = set()
        for template, methods in app.openapi()["paths"].items():
            if re.fullmatch(_PLACE.sub(form, template), path):
                found |= {method.upper() for method in methods}
        if found:
            return ", ".join(sorted(found))
    return ""


_PLACE = re.compile(r"\{\w+\}")


def describe(app: FastAPI) -> None:
    """Let the application describe itself whole: at `/openapi.json`, and to whoever tries another method."""
    plainly = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path, methods in plainly()["paths"].items():
                for method, operation in methods.items():
                    _complete(path, method, operation)
        return plainly()

    async def not_allowed(request: Request, error: Exception) -> Response:
        """FastAPI has a route for each method, and would name those of the first alone."""
        known = allowed_methods(app, request.url.path)
        allowed = {"Allow": known} if known else dict(getattr(error, "headers", None) or {})
        return problem_response(405, Problem("method-not-allowed", "", "OpenAPI has the methods"), headers=allowed)

    app.add_exception_handler(405, not_allowed)
    app.openapi = whole  # type: ignore[method-assign] # as FastAPI documents it


def _complete(path: str, method: str, operation: Json) -> None:
    answers = operation["responses"]
    answers.setdefault("429", _TOO_MANY)
    if "{" in path:
        answers.setdefault("404", _ABSENT)
    if "requestBody" in operation:
        answers.setdefault("413", _TOO_LARGE)
    if method == "post" and path != _EVENTS:
        answers.setdefault("409", _REPEATED)
        answers.setdefault("413", _TOO_LARGE)
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
