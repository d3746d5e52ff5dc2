"""Request bodies as values: read no further than a limit, checked against a model, every problem named."""

from typing import Any, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError

from service.errors import BadInput, Problem
from service.types import Json

Given = TypeVar("Given", bound=BaseModel)


class TooLarge(BadInput):
    status = 413


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, read no further than `limit` bytes. Raises TooLarge."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(Problem("body-too-large", "body", f"a request holds at most {limit} bytes"))
        parts.append(part)
    return b"".join(parts)


async def given(request: Request, model: type[Given], limit: int = 64 * 1024) -> Given:
    """The body as a value of this model; an empty body is an empty object. Raises BadInput with every problem."""
    body = await read_body(request, limit)
    try:
        return model.model_validate(orjson.loads(body) if body.strip() else {})
    except orjson.JSONDecodeError:
        raise BadInput(Problem("not-json", "body", "send one JSON object")) from None
    except ValidationError as error:
        raise BadInput(*(_problem(one) for one in error.errors(include_url=False, include_input=False))) from None


def documented(model: type[BaseModel]) -> Json:
    """What OpenAPI says of a route that reads its body by `given`."""
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


def _problem(found: Any) -> Problem:
    where = ".".join(str(part) for part in found["loc"]) or "body"
    return Problem("invalid-field", where, str(found["msg"]))
