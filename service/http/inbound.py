"""Where a provider posts what clients text. Only what it signed is taken, over the address as configured publicly."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.channels.base import Channel, HearsReplies
from service.errors import NotFound, Problem
from service.http.callbacks import read_callback
from service.replies import Replies


def inbound_router(channels: Mapping[str, Channel], replies: Replies, public_url: str) -> APIRouter:
    """`channels` by name; the route finds nobody without a public address. `sender` is a name as `replies.inbound_name`
    makes them."""
    router = APIRouter(include_in_schema=False)
    hearing = {name: channel for name, channel in channels.items() if isinstance(channel, HearsReplies)}

    @router.post("/callbacks/{name}/inbound/{sender}")
    async def inbound(name: str, sender: str, request: Request) -> Response:
        channel = hearing.get(name)
        if channel is None or not public_url:
            raise NotFound(Problem("not-found", "", "no such channel is heard here"))
        heard = channel.inbound(await read_callback(request, public_url))
        answer = channel.answer(await replies.take(sender, heard))
        return Response(answer.body, media_type=answer.media_type)

    return router
