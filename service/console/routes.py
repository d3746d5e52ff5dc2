"""The console's addresses, all in one router."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from service.console.attention import attention_routes
from service.console.desk import Desk, not_found
from service.console.messages import message_routes
from service.console.parts import ConsoleParts
from service.console.sign_in import sign_in_routes
from service.console.static_files import static_routes
from service.console.treatments import treatment_routes
from service.console.wordbook import wordbook_routes


def console_router(parts: ConsoleParts) -> APIRouter:
    """Everything under `/console`, and `/`, which leads there. Not part of the documented API."""
    desk = Desk(parts)
    router = APIRouter(route_class=desk.route_class(), include_in_schema=False)
    static_routes(router)
    sign_in_routes(router, desk)
    message_routes(router, desk)
    treatment_routes(router, desk)
    attention_routes(router, desk)
    wordbook_routes(router, desk)
    _edges(router)
    return router


def _edges(router: APIRouter) -> None:
    @router.get("/")
    async def root() -> Response:
        return RedirectResponse("/console", 307)

    @router.get("/console/{rest:path}")
    async def nothing(request: Request) -> Response:
        raise not_found()
