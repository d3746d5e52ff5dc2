"""The pages' addresses: `/a/` the full advice, `/p/` the preferences, `/u/` unsubscribing, each with a link's token."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from service import logs, metrics
from service.errors import BadInput, Problem
from service.pages import phrases
from service.pages.advice import closes_at
from service.pages.choices import (
    Choices,
    Preferences,
    changes_of,
    choices_from,
    may_pause,
    stop_everything,
    unsubscribe,
)
from service.pages.desk import HEADERS, PageDesk, PageParts, Visit
from service.pages.keeping import keep, read_preferences, silence
from service.pages.static_files import static_routes
from service.store import client_pages as store
from service.types import Medium, Purpose
from service.words import Unwritable

log = logs.get(__name__)

LARGEST_FORM = 8_192
_LOOKS = ["GET", "HEAD"]


def pages_router(parts: PageParts) -> APIRouter:
    """Everything that clients open. Not part of the documented API."""
    desk = PageDesk(parts)
    router = APIRouter(route_class=desk.route_class(), include_in_schema=False)
    static_routes(router)
    _advice_route(router, desk)
    _preference_routes(router, desk)
    _unsubscribe_routes(router, desk)
    return router


def _advice_route(router: APIRouter, desk: PageDesk) -> None:
    @router.api_route("/a/{token}", methods=_LOOKS)
    async def advice(token: str) -> Response:
        async with desk.parts.database.read() as connection:
            visit = await desk.visit(connection, token)
            message, house = visit.message, visit.house
            closes = await closes_at(connection, message, desk.parts.protocols.get(message.protocol))
            if visit.now >= closes or message.treatment_state != "planned":
                return desk.closed("closed", visit)
            await desk.parts.words.refresh(connection, [house])
            sent = await store.wording_of(connection, house.id, message.wording)
        try:
            page = desk.parts.words.page(message, house, desk.parts.links.link(token), sent)
        except Unwritable as error:
            log.warning("advice unwritable", clinic=house.id, attempt=message.id, code=error.code)
            return desk.closed("closed", visit)
        return desk.page("advice.html", visit, page=page, contact=visit.contact, phone=_phone(visit))


def _preference_routes(router: APIRouter, desk: PageDesk) -> None:
    @router.api_route("/p/{token}", methods=_LOOKS)
    async def look(token: str, done: str = "") -> Response:
        async with desk.parts.database.read() as connection:
            visit = await desk.visit(connection, token)
            client = await store.client_of(connection, visit.house.id, visit.message.client)
            preferences = await read_preferences(connection, visit.house, client, visit.now, visit.came_by)
        if visit.elsewhere:
            return desk.closed("elsewhere", visit)
        return _form(desk, visit, preferences, done=done)

    @router.post("/p/{token}")
    async def choose(token: str, request: Request) -> Response:
        await desk.expect(token)
        form = await _form_of(request)

        async def work(connection: AsyncConnection) -> Response | str:
            visit = await desk.visit(connection, token, to_change=True)
            if visit.elsewhere:
                return desk.closed("elsewhere", visit)
            client = await store.client_of(connection, visit.house.id, visit.message.client)
            preferences = await read_preferences(connection, visit.house, client, visit.now, visit.came_by)
            if "stop" in form:
                await keep(connection, visit.house.id, client, stop_everything(), visit.now, visit.came_by)
                return "stopped"
            chosen = choices_from(form)
            if not may_pause(chosen, preferences):
                return _form(desk, visit, preferences, wrong=chosen)
            await keep(connection, visit.house.id, client, changes_of(preferences, chosen), visit.now, visit.came_by)
            return "saved"

        done = await desk.parts.database.transact(work)
        return _kept(token, done) if isinstance(done, str) else done


def _unsubscribe_routes(router: APIRouter, desk: PageDesk) -> None:
    @router.api_route("/u/{token}", methods=_LOOKS)
    async def ask(token: str) -> Response:
        """A page with a button: programs that scan links must not unsubscribe anybody."""
        async with desk.parts.database.read() as connection:
            visit = await desk.visit(connection, token)
        return desk.page("unsubscribe.html", visit, done=False)

    @router.post("/u/{token}")
    async def act(token: str, request: Request) -> Response:
        """RFC 8058: a mail program posts here, without cookies or questions; or the page's own button does."""
        await desk.expect(token)
        await _body(request)

        async def work(connection: AsyncConnection) -> Visit:
            visit = await desk.visit(connection, token, to_change=True)
            if visit.elsewhere and visit.message.recipient:  # of an old letter it is not known any more where it went
                await silence(connection, visit.message, visit.now)
                return visit
            client = await store.client_of(connection, visit.house.id, visit.message.client)
            changes = unsubscribe(Purpose(visit.message.purpose), Medium(visit.message.medium))
            await keep(connection, visit.house.id, client, changes, visit.now, visit.came_by)
            return visit

        visit = await desk.parts.database.transact(work)
        silenced = visit.elsewhere and visit.message.recipient
        metrics.client_choices.labels("silenced" if silenced else "unsubscribed").inc()
        return desk.page("unsubscribe.html", visit, done=True)


def _phone(visit: Visit) -> str:
    """Whom an advice page offers to call: who answers worries, or for all else the reception."""
    contact = visit.contact
    return contact.urgent_phone if visit.message.purpose == Purpose.CARE else contact.phone


def _kept(token: str, done: str) -> Response:
    """To the page again, so that going back and forth sends nothing a second time."""
    metrics.client_choices.labels(done).inc()
    return RedirectResponse(f"{token}?done={done}", 303, headers=HEADERS)


def _form(
    desk: PageDesk, visit: Visit, preferences: Preferences, *, done: str = "", wrong: Choices | None = None
) -> Response:
    """`wrong`: what was chosen with a day that can not be: it is shown again, to be put right."""
    sms = visit.house.senders.get(Medium.SMS)
    return desk.page(
        "preferences.html",
        visit,
        422 if wrong else 200,
        preferences=preferences,
        on=wrong.on if wrong else preferences.on,
        purposes=list(Purpose),
        languages=phrases.choices(preferences.locale),
        chosen=wrong.language if wrong else phrases.language_of(preferences.locale),
        number=sms.address if sms else "",
        contact=visit.contact,
        done=done,
        wrong=wrong is not None,
    )


async def _form_of(request: Request) -> dict[str, list[str]]:
    try:
        return parse_qs((await _body(request)).decode(), keep_blank_values=True, max_num_fields=64)
    except ValueError:
        raise BadInput(Problem("unreadable-form", "", "this is no form")) from None


async def _body(request: Request) -> bytes:
    """Read with a limit: whoever knocks here is a stranger."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise BadInput(Problem("body-too-large", "", "no form of ours is that large"))
    return body
