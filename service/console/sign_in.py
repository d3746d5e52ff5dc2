"""Coming in by a link that works once, and going out."""

from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from service.console.desk import HEADERS, Desk
from service.console.forms import read_form
from service.console.session import SignedOut, is_from_our_pages
from service.store import sign_ins


def sign_in_routes(router: APIRouter, desk: Desk) -> None:
    @router.get("/console/sign-in")
    async def ask(token: str = "") -> Response:
        """A page with a button: scanners that follow links in mails must not use the link up."""
        return desk.page("sign_in.html", token=token, refused=False)

    @router.post("/console/sign-in")
    async def let_in(request: Request) -> Response:
        if not is_from_our_pages(request):
            return desk.problem(403)
        token = (await read_form(request)).get("token", "")
        async with desk.parts.database.read() as connection:
            now = await desk.parts.database.now(connection)
            is_open = await sign_ins.is_open(connection, token, now)
        who = None
        if is_open:  # guesses take no turn at writing
            async with desk.parts.database.write() as connection:
                who = await sign_ins.consume(connection, token, now)
        if who is None:
            return desk.page("sign_in.html", token="", refused=True, status=410)
        response = RedirectResponse("/console", 303, headers=HEADERS)
        desk.sessions.open(response, who, now)
        return response

    @router.post("/console/sign-out")
    async def let_out(request: Request) -> Response:
        if not is_from_our_pages(request):
            return desk.problem(403)
        response = RedirectResponse("/console/sign-in", 303, headers=HEADERS)
        with suppress(SignedOut):
            async with desk.parts.database.write() as connection:
                now = await desk.parts.database.now(connection)
                session = desk.sessions.read(request, now)
                await sign_ins.sign_out(connection, session.clinic, session.staff, now)
        desk.sessions.close(response)
        return response
