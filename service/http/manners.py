"""What routes under `/v1` share: the key, bodies with a limit, and what OpenAPI says about errors."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    field_validator,
)

from service.errors import BadInput, NotFound, Problem
from service.events.sentences import plain
from service.http.auth import Caller, Keys
from service.http.problems import MEDIA_TYPE
from service.http.wrong_fields import Rules, all_wrong
from service.protocols.values import did_you_mean
from service.types import Json

T = TypeVar("T", bound=BaseModel)

SMALL_BODY = 16 * 1024
"""Bytes, for what is no event."""


def _written(text: object) -> object:
    """A day as RFC 3339 writes it, or a time: a number alone would be read as seconds since 1970."""
    if isinstance(text, str) and _DAY.match(text):
        return text
    raise ValueError("write a time as 2026-11-20T15:00:00Z, and a day as 2026-11-20")


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _in_utc(moment: datetime) -> datetime:
    """As it is asked for in the database. At the ends of the calendar an offset may lead out of it."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time lies outside of the years 1 to 9999") from None


Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]
Day = Annotated[date, BeforeValidator(_written)]
"""Both as they are given in an address."""
MOST = 2**31 - 1
"""The largest number of anything that is counted."""

_KEY = HTTPBearer(auto_error=False, scheme_name="key", description="`Authorization: Bearer ac_...`")


class TooLarge(BadInput):
    status = 413


class Body(BaseModel):
    """What is sent in a body. Space around a text is taken off once it was measured, as OpenAPI says that it is."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _stripped(cls, value: Any) -> Any:
        return value.strip() if type(value) is str else value  # an enum is a text too, and stays what it is


class ErrorEntry(BaseModel):
    code: str
    where: str
    """A field, a header, or empty."""
    message: str


class ProblemBody(BaseModel):
    """An error (RFC 9457). `code` never changes; the sentences may."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[ErrorEntry]


def v1_router(**how: Any) -> APIRouter:
    """A router whose routes are documented as needing a key, with the errors that all of them know."""
    return APIRouter(
        dependencies=[Depends(_KEY), Depends(_refuse_nul), Depends(refuse_unknown)],
        responses=ERRORS,
        **how,
    )


@cache
def schema_of(model: type[BaseModel]) -> Json:
    """A model's JSON schema, its definitions written out: in OpenAPI a reference counts from the document's root."""
    schema = model.model_json_schema()
    found: Json = _written_out(schema, schema.pop("$defs", {}))
    return found


def _written_out(value: Any, definitions: Json) -> Any:
    if isinstance(value, list):
        return [_written_out(one, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _written_out(definitions[value["$ref"].rpartition("/")[2]], definitions)
    names = _BOUNDS if value.get("type") == "integer" else {}
    return {names.get(name, name): _written_out(one, definitions) for name, one in value.items()}


_BOUNDS = {"ge": "minimum", "le": "maximum"}
"""What pydantic leaves in its own words where a number is read by a function of ours."""


def problem(sentence: str) -> Json:
    """An error answer, for OpenAPI."""
    return {"description": sentence, "content": {MEDIA_TYPE: {"schema": schema_of(ProblemBody)}}}


ERRORS: dict[int | str, Json] = {
    status: problem(sentence)
    for status, sentence in (
        (401, "No key, or one that is not valid (`no-key`, `invalid-key`)."),
        (403, "The key lacks the scope (`missing-scope`)."),
        (422, "Something given cannot be taken; every place is named."),
        (503, "The database cannot serve now (`database-unavailable`): try again later."),
    )
}
"""What every route may answer."""


def allowed(keys: Keys, scope: str) -> Any:
    """The caller of a request, who holds this scope."""

    async def caller(request: Request) -> Caller:
        return await keys.caller(request, scope)

    return Depends(caller)


async def read_body(request: Request, limit: int, hint: str = "") -> bytes:
    """The whole body, read no further than the limit, and not at all where it is announced to be larger."""
    too_large = TooLarge(Problem("body-too-large", "body", f"a request holds at most {limit} bytes{hint}"))
    if int(request.headers.get("content-length", 0)) > limit:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    return b"".join(parts)


async def body_as(model: type[T], request: Request, limit: int = SMALL_BODY, rules: Rules | None = None) -> T:
    """The body as a value, an empty one as an empty object. Raises BadInput with every field that is wrong.

    `rules` add what is wrong with the other fields then; of a body that has the right form they are not asked.
    """
    body = await read_body(request, limit) or b"{}"
    try:
        value = model.model_validate_json(body, strict=True)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise BadInput(*all_wrong([(one, _wrong_field(one, model)) for one in found], body, rules)) from None
    if _holds_nul(value.model_dump()):
        raise BadInput(Problem("nul-character", "body", "take out the character U+0000: it cannot be kept"))
    return value


def _wrong_field(found: Any, model: type[BaseModel]) -> Problem:
    place = ".".join(str(part) for part in found["loc"] if part != "[key]")  # of a name in an object, says pydantic
    if found["type"] == "extra_forbidden" and place == str(found["loc"][0]):
        names = [field.alias or name for name, field in model.model_fields.items()]
        return Problem("invalid-field", place, _not_taken(place, names))
    return Problem("invalid-field", place or "body", plain(found))


def _not_taken(name: str, names: Sequence[str]) -> str:
    """That nothing of this name is taken, and what is."""
    taken = f"taken are {', '.join(names)}" if names else "none is taken here"
    return f"nothing is called so{did_you_mean(name, names)}: {taken}"


async def refuse_unknown(request: Request) -> None:
    """Refuse parameters that the address does not take: a misspelt filter would answer with more than was asked for.

    Raises BadInput: `unknown-parameter`.
    """
    if not request.scope["query_string"]:
        return
    names = list(_parameters(request.scope["route"].dependant))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in names]
    if unknown:
        raise BadInput(
            *(Problem("unknown-parameter", f"query.{name[:_LONGEST]}", _not_taken(name, names)) for name in unknown)
        )


_LONGEST = 60
"""Of a name that is told back."""


def _parameters(asked: Dependant) -> Iterator[str]:
    """The names that a route, and what it depends on, take in an address: those that OpenAPI gives."""
    yield from (field.alias for field in asked.query_params)
    for one in asked.dependencies:
        yield from _parameters(one)


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\x00" in value
        case dict():
            return any(map(_holds_nul, value.values()))
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False


def body_of(model: type[BaseModel], **examples: Json) -> Json:
    """A request body that a handler reads itself, for OpenAPI."""
    content = {
        "schema": schema_of(model),
        "examples": {name: {"value": one} for name, one in examples.items()},
    }
    needed = any(field.is_required() for field in model.model_fields.values())
    return {"requestBody": {"required": needed, "content": {"application/json": content}}}


def no_such(what: str) -> NotFound:
    """The same for what never was and for what is another clinic's."""
    return NotFound(Problem(f"unknown-{what}", "", f"this clinic has no such {what}"))


def no_such_clinic() -> NotFound:
    return NotFound(Problem("unknown-clinic", "", "there is no such clinic here"))


def bad_cursor() -> BadInput:
    return BadInput(Problem("bad-cursor", "cursor", "this is no cursor of ours: take `next` of the page before"))


async def _refuse_nul(request: Request) -> None:
    """No key holds a NUL, and PostgreSQL refuses to be asked for one."""
    if "\x00" in request.scope["path"]:
        raise NotFound(Problem("not-found", "", "there is no such thing here"))
    if b"%00" in request.scope["query_string"]:
        raise BadInput(Problem("nul-character", "query", "no text of ours holds the character U+0000: leave it out"))
