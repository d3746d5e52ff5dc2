"""What all client pages share: templates, headers, the message behind a link, and a kind page for whatever goes wrong.

Pages are kept by nobody, tell no other site where a reader came from, run no script, ask no other server for anything,
and fit into nobody's frame.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import ClientDisconnect

from service import logs
from service.errors import BadInput, NotFound, Problem
from service.links import Links
from service.locales import regional
from service.pages.advice import Contact, contact_of
from service.pages.brand import OUR_COLOUR, colour_of
from service.pages.choices import addresses_of
from service.pages.phrases import LANGUAGES, language_of, spoken, wanted
from service.pages.static_files import static_path
from service.protocols import Protocol
from service.render.clean import dial
from service.store.client_pages import message_behind
from service.store.clinics import House, houses
from service.store.session import Database, is_passing
from service.types import Medium
from service.words import Words

log = logs.get(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class PageParts:
    """The pages' dependencies."""

    database: Database
    words: Words
    protocols: Mapping[str, Protocol]
    links: Links


@dataclass(frozen=True, slots=True)
class Visit:
    """Someone who opened the link of a message."""

    message: Any
    """Its row, with reminder, treatment and client (`store.client_pages`)."""
    house: House
    now: datetime
    token: str

    @property
    def locale(self) -> str:
        return spoken(self.message.locale, self.house.locale)

    @property
    def contact(self) -> Contact:
        return contact_of(self.house, self.message.location)

    @property
    def came_by(self) -> tuple[str, str]:
        """The medium and address of the message; the address is empty where it is not kept any more."""
        return self.message.medium, self.message.recipient

    @property
    def elsewhere(self) -> bool:
        """Whether the message went to what is not the client's address any longer: perhaps to someone else."""
        medium, reached = self.came_by
        return addresses_of(self.message).get(Medium(medium)) != reached


class PageDesk:
    def __init__(self, parts: PageParts) -> None:
        self.parts = parts
        self._templates = _environment()

    async def visit(self, connection: AsyncConnection, token: str, *, to_change: bool = False) -> Visit:
        """Who comes with this token; `to_change` locks the client.

        Raises NotFound for one that no message was sent with, or whose client was erased.
        """
        message = await message_behind(connection, self.parts.links.keys(token), lock=to_change)
        if message is None or message.erased_at is not None:
            raise NotFound(Problem("unknown-link", "", "no message was sent with this link"))
        house = (await houses(connection, [message.clinic]))[message.clinic]
        return Visit(message, house, await self.parts.database.now(connection), token)

    async def expect(self, token: str) -> None:
        """Raises NotFound as `visit` does, before anything is written: guesses take no turn at writing."""
        async with self.parts.database.read() as connection:
            await self.visit(connection, token)

    def page(self, name: str, visit: Visit, status: int = 200, **values: Any) -> HTMLResponse:
        """A page in the client's language and the clinic's colour."""
        return self._page(name, visit.locale, status, house=visit.house, visit=visit, **values)

    def closed(self, kind: str, visit: Visit) -> HTMLResponse:
        """410: a page that was there, with the clinic's phone and nothing about the client."""
        return self._page("problem.html", visit.locale, 410, house=visit.house, contact=visit.contact, kind=kind)

    def problem(self, kind: str, status: int, request: Request) -> HTMLResponse:
        """A page that says what is wrong, in the browser's language, and nothing about anybody."""
        locale = wanted(request.headers.get("accept-language", ""))
        return self._page("problem.html", locale, status, house=None, contact=None, kind=kind)

    def route_class(self) -> type[APIRoute]:
        """Routes whose every failure ends in a page."""
        desk = self

        class PageRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handler = super().get_route_handler()

                async def page_or_problem(request: Request) -> Response:
                    try:
                        return await handler(request)
                    except NotFound:
                        return desk.problem("unknown", 404, request)
                    except BadInput:
                        return desk.problem("unreadable", 400, request)
                    except ClientDisconnect:
                        raise  # nobody waits for a page
                    except Exception as error:
                        log.error("client page failed", route=request.scope["route"].path, exc_info=error)
                        return desk.problem("failed", 503 if is_passing(error) else 500, request)

                return page_or_problem

        return PageRoute

    def _page(self, name: str, locale: str, status: int, *, house: House | None, **values: Any) -> HTMLResponse:
        language = language_of(locale)
        text = self._templates.get_template(name).render(
            language=language,
            say=_saying(language),
            day=lambda day: format_date(day, "long", regional(locale, house.country if house else "")),
            clinic=house.name if house else "",
            colour=colour_of(str(house.brand.get("colour", ""))) if house else OUR_COLOUR,
            **values,
        )
        return HTMLResponse(text, status, headers=HEADERS | {"Content-Language": language})


def _saying(language: str) -> Callable[..., str]:
    """Phrases by dotted path: `say("page.call", phone="...")`."""
    phrases = LANGUAGES[language]

    def say(path: str, **values: str) -> str:
        found: Any = phrases
        for name in path.split("."):
            found = found[name]
        return str(found).format(**values)

    return say


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["dial"] = dial
    environment.globals["static"] = static_path
    return environment
