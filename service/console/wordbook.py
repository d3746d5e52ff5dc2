"""What a clinic's messages say: which words are live, what waits, what is held or captured, and how it looks."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from service.authoring import Stale, Standing
from service.authoring.reviews import reviews, unconfirmed
from service.console.authors import Authors
from service.console.desk import HEADERS, Desk, Visit, not_found
from service.console.forms import read_form
from service.console.messages import LETTER_HEADERS, inert
from service.console.session import is_from_our_pages
from service.console.volumes import Leaf, Volume
from service.console.writing import number_in, perform
from service.content import LOCALES
from service.errors import AftercareError, NotFound, Problem
from service.render import FIELDS
from service.store import staff as staff_store
from service.types import Email

_READS_ONLY, _OWNS = "viewer", "owner"
_STAFF_MESSAGES = 12
_LARGEST_WORDS = 64 * 1024
"""Bytes of a form that brings words: the book says what is too long for a message."""
_PLACE = re.compile(r":(\d+):(\d+)$")


def wordbook_routes(router: APIRouter, desk: Desk) -> None:
    authors = desk.parts.authors
    _reading(router, desk, authors)
    _acting(router, desk, authors)


def _reading(router: APIRouter, desk: Desk, authors: Authors) -> None:
    @router.get("/console/words")
    async def shelf(request: Request) -> Response:
        async with desk.visit(request) as visit:
            letters = await staff_store.messages_to_staff(visit.connection, visit.clinic, _STAFF_MESSAGES)
        return desk.page(
            "words.html",
            visit=visit,
            volumes=await _volumes(desk, authors, visit),
            locales=LOCALES,
            people=await authors.people.all(visit.clinic),
            letters=letters,
        )

    @router.get("/console/words/{protocol}")
    async def volume(request: Request, protocol: str) -> Response:
        visit = await _come_and_gone(desk, request)
        return await _page(desk, authors, visit, protocol, request.query_params)

    @router.get("/console/words/{protocol}/letter")
    async def letter(request: Request, protocol: str) -> Response:
        """A sample client's letter as a page of its own, for a frame that runs nothing."""
        visit = await _come_and_gone(desk, request)
        leaf = await _leaf(authors, visit, await _volume(desk, authors, visit, protocol), request.query_params)
        if leaf is None or not isinstance(leaf.look.message, Email):
            raise not_found()
        return Response(inert(leaf.look.message.html), media_type="text/html", headers=LETTER_HEADERS)


def _acting(router: APIRouter, desk: Desk, authors: Authors) -> None:
    @router.post("/console/words/{protocol}/{act}")
    async def act_on(request: Request, protocol: str, act: str) -> Response:
        """Do it and go back to the page; where it may not be done, say why on it."""
        if not is_from_our_pages(request):
            return desk.problem(403)
        form = await read_form(request, _LARGEST_WORDS)
        who = (await _come_and_gone(desk, request)).who
        _require_protocol(authors, protocol)
        if who.role == _READS_ONLY or (act == "confirm" and who.role != _OWNS):
            return desk.problem(403)
        try:
            await perform(desk, who, protocol, act, form)
        except NotFound:
            raise
        except AftercareError as error:
            visit = await _come_and_gone(desk, request)
            return await _page(desk, authors, visit, protocol, form, refused=error)
        return RedirectResponse(_address(protocol, form, done=act), 303, headers=HEADERS)

    @router.get("/console/words/{protocol}/{act}")
    async def after_a_refusal(request: Request, protocol: str, act: str) -> Response:
        """Where a refused form has left the browser."""
        return await _page(desk, authors, await _come_and_gone(desk, request), protocol, {})


async def _come_and_gone(desk: Desk, request: Request) -> Visit:
    """Who asks, with the visit's connection given back: the book takes its own."""
    async with desk.visit(request) as visit:
        return visit


async def _page(
    desk: Desk,
    authors: Authors,
    visit: Visit,
    protocol: str,
    asked: Mapping[str, str],
    *,
    refused: AftercareError | None = None,
) -> Response:
    """The messages of a protocol at the left, the chosen one (or the first) at the right."""
    volume = await _volume(desk, authors, visit, protocol)
    leaf = await _leaf(authors, visit, volume, asked)
    locale = leaf.standing.key.locale if leaf else volume.locales[0]
    newer = refused.newer if isinstance(refused, Stale) else None
    return desk.page(
        "wordbook.html",
        visit=visit,
        status=refused.status if refused else 200,
        volume=volume,
        locale=locale,
        leaf=leaf,
        chosen="step" in asked,
        reachable=await _reachable(authors, visit, leaf),
        done=asked.get("done", ""),
        refused=[_placed(problem) for problem in refused.problems] if refused else [],
        written=_written(leaf, asked),
        fields=FIELDS.values(),
        newer=newer,
        based_on=_based_on(leaf, asked, newer),
    )


async def _volumes(desk: Desk, authors: Authors, visit: Visit, protocol: str = "") -> list[Volume]:
    """All protocols, or the one that is named."""
    rows = await reviews(desk.parts.database, visit.clinic)
    waiting = unconfirmed(authors.content, rows, LOCALES)
    standings = await authors.book.all(visit.clinic, protocol)
    return [
        Volume(
            code,
            found,
            [one for one in standings if one.key.protocol == code],
            {row.locale: row for row in rows if row.protocol == code},
            waiting.get(code, []),
        )
        for code, found in authors.content.protocols.items()
        if protocol in {"", code}
    ]


def _require_protocol(authors: Authors, protocol: str) -> None:
    if protocol not in authors.content.protocols:
        raise not_found()


async def _volume(desk: Desk, authors: Authors, visit: Visit, protocol: str) -> Volume:
    _require_protocol(authors, protocol)
    return (await _volumes(desk, authors, visit, protocol))[0]


async def _leaf(authors: Authors, visit: Visit, volume: Volume, asked: Mapping[str, str]) -> Leaf | None:
    """The message that is asked for, as it is sent, as its draft has it, or as it was sent before."""
    standing = _chosen(volume, asked)
    if standing is None:
        return None
    sheet, sample = await authors.book.open(visit.clinic, standing.key), asked.get("sample", "ordinary")
    if "version" in asked:
        earlier = number_in(asked, "version")
        shown, touches = await authors.book.earlier(visit.clinic, standing.key, earlier)
        return Leaf(sheet, 0, shown, sample, earlier, touches)
    number = standing.newest if standing.draft and asked.get("draft") else 0
    shown = await authors.book.look(visit.clinic, standing.key, number)
    return Leaf(sheet, number, shown, sample)


def _chosen(volume: Volume, asked: Mapping[str, str]) -> Standing | None:
    locale = asked.get("locale", "")
    listed = volume.in_locale(locale if locale in volume.locales else volume.locales[0])
    same = (one for one in listed if (one.key.step, one.key.medium) == (asked.get("step"), asked.get("medium")))
    return next(same, None if "step" in asked else next(iter(listed), None))


async def _reachable(authors: Authors, visit: Visit, leaf: Leaf | None) -> bool:
    """Whether whoever looks can be sent a test of this message: by their own confirmed number or address."""
    if leaf is None:
        return False
    own = next((one for one in await authors.people.all(visit.clinic) if one.id == visit.who.staff), None)
    row = own.addresses.get(leaf.standing.key.medium) if own else None
    return row is not None and row.confirmed_at is not None


def _written(leaf: Leaf | None, asked: Mapping[str, str]) -> str | None:
    """What stands in the editor: what was written last, else the draft, else what is sent. None: nobody writes."""
    if leaf is None or not ("write" in asked or "source" in asked):
        return None
    draft = leaf.sheet.draft
    source: str = asked.get("source") or (draft.source if draft else leaf.sheet.source)
    return source.strip()


def _based_on(leaf: Leaf | None, asked: Mapping[str, str], newer: Any | None) -> int:
    """The version that the words in the editor follow: whoever was shown a newer one saves theirs after that."""
    if newer is not None:
        return int(newer.number)
    return number_in(asked, "newest") or (leaf.standing.newest if leaf else 0)


def _placed(problem: Problem) -> str:
    """As a sentence, with its place in the words where it has one."""
    place = _PLACE.search(problem.where)
    text = f"Line {place[1]}, column {place[2]}: {problem.message}" if place else problem.message
    return text if text.endswith(("?", ".")) else f"{text}."


def _address(protocol: str, form: Mapping[str, str], *, done: str) -> str:
    """The page that a form was on; what was written or accepted is shown as the draft that it is now."""
    kept = {name: form[name] for name in ("locale", "step", "medium", "sample") if form.get(name)}
    sent = done in {"publish", "restore"}
    as_draft = done in {"save", "accept"} or (not sent and number_in(form, "number") > 0)
    draft = {"draft": "1"} if as_draft else {}
    return f"/console/words/{quote(protocol, safe='')}?{urlencode({**kept, **draft, 'done': done})}"
