"""The desk that every page is handed over: it knows who asks, opens a reading transaction, and fills in templates.

Pages with personal data are never stored, run no script or style but ours, and fit into nobody's frame.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import ClientDisconnect

from service import logs
from service.acts.acts import Who
from service.acts.performing import Acts
from service.audit import Look, is_noted, note_looks
from service.console import words
from service.console.parts import ConsoleParts
from service.console.session import Sessions, SignedOut
from service.console.static_files import static_url
from service.desk import Opened
from service.errors import AftercareError, NotFound, Problem
from service.store import views
from service.store.session import is_passing
from service.types import Message

log = logs.get(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of someone who is signed in."""

    connection: AsyncConnection
    """Open within `Desk.visit` alone; the rest is good for the whole page."""
    who: views.Member
    now: datetime
    waiting: int
    """How many reminders wait for a person."""
    opened: list[Opened] = field(default_factory=list)
    """The reminders whose messages and stories this page shows."""

    @property
    def clinic(self) -> str:
        return self.who.clinic


class Desk:
    """What all pages share."""

    def __init__(self, parts: ConsoleParts) -> None:
        self.parts = parts
        self.sessions = Sessions(parts.secret_keys, secure=parts.public_url.startswith("https:"))
        self.acts = Acts(parts.database, parts.due)
        self._templates = _environment(parts)

    @asynccontextmanager
    async def visit(self, request: Request) -> AsyncIterator[Visit]:
        """Raises SignedOut unless the cookie is good and names someone who is still on the staff.

        Who asks what takes a connection of its own, like the book, leaves the visit first: pages that hold one while
        they wait for a second wait for each other.
        """
        async with self.parts.database.read() as connection:
            now = await self.parts.database.now(connection)
            session = self.sessions.read(request, now)
            who = await views.member(connection, session.clinic, session.staff)
            if who is None or not session.holds_for(who):
                raise SignedOut
            visit = Visit(connection, who, now, await views.waiting_for_a_person(connection, who.clinic))
            yield visit
            staff = str(Who("staff", visit.who.staff))
            looks = [Look(visit.clinic, staff, str(one.row.id), one.row.client) for one in visit.opened]
            new = [look for look in looks if not await is_noted(connection, look, visit.now)]
        if new:
            async with self.parts.database.write() as writing:
                await note_looks(writing, new, visit.now)

    def page(self, name: str, *, visit: Visit | None = None, status: int = 200, **values: Any) -> HTMLResponse:
        who, now, waiting = (visit.who, visit.now, visit.waiting) if visit else (None, None, 0)
        text = self._templates.get_template(name).render(who=who, now=now, waiting=waiting, **values)
        return HTMLResponse(text, status, headers=HEADERS)

    def shown(self, attempt: Any, wordings: dict[str, Any]) -> Message | None:
        """The message word for word; None where its words or values are gone, so that one row spoils no page."""
        wording = wordings.get(attempt.wording)
        if wording is None:
            return None
        try:
            return self.parts.show(attempt, wording)
        except AftercareError as error:
            log.warning("message cannot be shown", attempt=attempt.id, code=error.code)
            return None

    def problem(self, status: int) -> HTMLResponse:
        title, sentence = words.PROBLEMS[status]
        return self.page("problem.html", status=status, title=title, sentence=sentence)

    def route_class(self) -> type[APIRoute]:
        """Routes whose every failure ends in a page: the same one for what is not there and what is not yours."""
        desk = self

        class PageRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handler = super().get_route_handler()

                async def page_or_problem(request: Request) -> Response:
                    try:
                        _refuse_nul(request)
                        return await handler(request)
                    except SignedOut:
                        return RedirectResponse("/console/sign-in", 303, headers=HEADERS)
                    except (NotFound, RequestValidationError):
                        return desk.problem(404)
                    except ClientDisconnect:
                        raise  # nobody waits for a page
                    except Exception as error:
                        log.error("page failed", route=request.scope["route"].path, exc_info=error)
                        return desk.problem(503 if is_passing(error) else 500)

                return page_or_problem

        return PageRoute


def not_found() -> NotFound:
    return NotFound(Problem("not-found", "", "no such thing in this clinic"))


def _environment(parts: ConsoleParts) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(words.FILTERS)
    environment.globals.update(
        brand=parts.brand,
        static=static_url,
        sentence=lambda code: words.sentence(code, parts.sentences),
        treatment_title=lambda code: words.treatment_title(code, parts.protocols),
    )
    return environment


def _refuse_nul(request: Request) -> None:
    """No key holds a NUL, and PostgreSQL refuses to be asked for one."""
    if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise not_found()
