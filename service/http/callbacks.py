"""Where providers report. A signature is checked over the address as configured publicly, never as a proxy shows it."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service import clock
from service.channels.base import CallbackRequest, Channel
from service.errors import BadInput, NotFound, Problem
from service.receipts import Receipts

BODY_LIMIT = 2 * 1024**2
"""Bytes; SendGrid posts up to about a thousand events at once."""


def callbacks_router(channels: Mapping[str, Channel], receipts: Receipts, public_url: str) -> APIRouter:
    """Routes for the channels by name (`twilio`, `sendgrid`); none without a public address."""
    router = APIRouter(include_in_schema=False)

    @router.post("/callbacks/{name}/status/{token}")
    async def status(name: str, token: str, request: Request) -> Response:
        return await _take(name, request)

    @router.post("/callbacks/{name}/events/{sender}")
    async def events(name: str, sender: str, request: Request) -> Response:
        return await _take(name, request)

    async def _take(name: str, request: Request) -> Response:
        channel = channels.get(name)
        if channel is None or not public_url:
            raise NotFound(Problem("not-found", "", "no such channel reports here"))
        await receipts.take(channel.status_of(await read_callback(request, public_url), clock.now()))
        return Response(status_code=204)

    return router


async def read_callback(request: Request, public_url: str) -> CallbackRequest:
    """What was posted to us. Raises BadInput (`body-too-large`)."""
    query = f"?{request.url.query}" if request.url.query else ""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT:
            raise BadInput(Problem("body-too-large", "body", f"a callback holds at most {BODY_LIMIT} bytes"))
        parts.append(part)
    return CallbackRequest(f"{public_url}{request.url.path}{query}", dict(request.headers), b"".join(parts))
