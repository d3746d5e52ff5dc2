"""What went out, what comes next and what did not go, each message as the client saw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.console.desk import HEADERS, Desk, Visit, not_found
from service.desk import Opened, open_reminder
from service.store import views
from service.types import Email, Medium, Message

PAGE = 40
EARLIER = 2
"""Texts shown above the chosen one on the phone."""

LETTER_HEADERS = HEADERS | {
    "Content-Security-Policy": (
        "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
}


class Shelf(StrEnum):
    """The three lists of the first page."""

    OUT = "out"
    COMING = "coming"
    NOT_SENT = "not-sent"


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a list: an attempt, or a reminder that has none (`made` is False, and so `message` None)."""

    row: Any
    path: str
    medium: Medium
    state: str
    at: datetime
    """When it was made; of a reminder, when it is or was due."""
    made: bool
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The chosen message with all there is to say about it, its reminder's story among that."""

    item: Item
    opened: Opened
    earlier: Sequence[Item] = ()


def message_routes(router: APIRouter, desk: Desk) -> None:
    @router.get("/console")
    async def home(
        request: Request, show: Shelf = Shelf.OUT, medium: Medium | None = None, before: UUID | None = None
    ) -> Response:
        async with desk.visit(request) as visit:
            return await _page(desk, visit, show, medium, before=before)

    @router.get("/console/messages/{attempt}")
    async def message(
        request: Request, attempt: UUID, show: Shelf = Shelf.OUT, medium: Medium | None = None
    ) -> Response:
        async with desk.visit(request) as visit:
            row = await views.message(visit.connection, visit.clinic, attempt)
            if row is None:
                raise not_found()
            return await _page(desk, visit, show, medium, sheet=await sheet_of_message(desk, visit, row))

    @router.get("/console/reminders/{reminder}")
    async def reminder(
        request: Request, reminder: UUID, show: Shelf = Shelf.COMING, medium: Medium | None = None
    ) -> Response:
        async with desk.visit(request) as visit:
            return await _page(desk, visit, show, medium, sheet=await sheet_of_reminder(desk, visit, reminder))

    @router.get("/console/messages/{attempt}/letter")
    async def letter(request: Request, attempt: UUID) -> Response:
        """An email's own page, for a frame that runs nothing and whose links lead nowhere."""
        async with desk.visit(request) as visit:
            row = await views.message(visit.connection, visit.clinic, attempt)
            shown = (await _items(desk, visit, [row]))[0].message if row is not None else None
        if not isinstance(shown, Email):
            raise not_found()
        return Response(inert(shown.html), media_type="text/html", headers=LETTER_HEADERS)


async def sheet_of_message(desk: Desk, visit: Visit, row: Any) -> Sheet:
    opened = await _opened(visit, row.reminder)
    item = (await _items(desk, visit, [row]))[0]
    if row.medium != Medium.SMS:
        return Sheet(item, opened)
    earlier = await views.earlier_texts(visit.connection, row, limit=EARLIER)
    return Sheet(item, opened, await _items(desk, visit, earlier))


async def sheet_of_reminder(desk: Desk, visit: Visit, reminder: UUID) -> Sheet:
    """The reminder's newest message, or, where it never came to one, the reminder itself."""
    sent = await views.last_message_of(visit.connection, visit.clinic, reminder)
    if sent is not None:
        return await sheet_of_message(desk, visit, sent)
    row = await views.reminder(visit.connection, visit.clinic, reminder)
    if row is None:
        raise not_found()
    return Sheet(unsent(row), await _opened(visit, reminder))


async def _opened(visit: Visit, reminder: UUID) -> Opened:
    found = await open_reminder(visit.connection, visit.clinic, reminder, visit.now)
    if found is None:
        raise not_found()
    visit.opened.append(found)
    return found


async def _page(
    desk: Desk,
    visit: Visit,
    shelf: Shelf,
    medium: Medium | None,
    *,
    before: UUID | None = None,
    sheet: Sheet | None = None,
) -> Response:
    """The list at the left, the chosen message (or the first of the list) at the right."""
    items = await _shelf(desk, visit, shelf, medium, before)
    opened = sheet or (await _first(desk, visit, items[0]) if items else None)
    return desk.page(
        "messages.html",
        visit=visit,
        shelf=shelf,
        medium=medium,
        items=items[:PAGE],
        troubled=views.DID_NOT_ARRIVE,
        more=shelf is Shelf.OUT and len(items) > PAGE,
        older=before is not None,
        ahead=await views.ahead(visit.connection, visit.clinic, visit.now),
        sheet=opened,
        chosen=sheet is not None,
    )


async def _shelf(desk: Desk, visit: Visit, shelf: Shelf, medium: Medium | None, before: UUID | None) -> list[Item]:
    """One line more than a page tells that there are more."""
    connection, clinic, wanted = visit.connection, visit.clinic, medium.value if medium else ""
    match shelf:
        case Shelf.OUT:
            rows = await views.messages(connection, clinic, medium=wanted, before=before, limit=PAGE + 1)
            return await _items(desk, visit, rows)
        case Shelf.COMING:
            return [unsent(row) for row in await views.coming(connection, clinic, medium=wanted, limit=PAGE)]
        case Shelf.NOT_SENT:
            return [unsent(row) for row in await views.not_sent(connection, clinic, medium=wanted, limit=PAGE)]


async def _first(desk: Desk, visit: Visit, item: Item) -> Sheet:
    if item.made:
        return await sheet_of_message(desk, visit, item.row)
    return await sheet_of_reminder(desk, visit, item.row.reminder)


async def _items(desk: Desk, visit: Visit, rows: Sequence[Any]) -> list[Item]:
    used = await views.wordings(visit.connection, visit.clinic, [row.wording for row in rows])
    return [
        Item(
            row=row,
            path=f"/console/messages/{row.id}",
            medium=Medium(row.medium),
            state=row.state,
            at=row.created_at,
            made=True,
            message=desk.shown(row, used),
        )
        for row in rows
    ]


def unsent(row: Any) -> Item:
    return Item(
        row=row,
        path=f"/console/reminders/{row.reminder}",
        medium=Medium(row.turn),
        state=row.reminder_state,
        at=row.due_at,
        made=False,
    )


def inert(html: str) -> str:
    """Links would open in a new window, which the sandbox does not allow: they are the client's, not the reader's."""
    return html.replace("<head>", '<head><base target="_blank">', 1)
