"""/v1/templates: a clinic's own words, from a draft to what is sent.

An ETag names the newest version of a message in one language. Whoever changes it sends that back as If-Match: where
somebody was quicker the answer is 412, with the newer version in it.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from service.authoring import Checked, Sheet, Shown, Stale, Standing, TemplateBook, preview_page, where_of
from service.errors import AftercareError, Problem
from service.http import word_shapes as shapes
from service.http.auth import Caller, Keys
from service.http.limits import Turns
from service.http.manners import MOST, body_as, v1_router
from service.http.problems import MEDIA_TYPE, problem_json
from service.http.repeats import repeatable
from service.http.template_bodies import (
    DRAFT_BODY,
    HELD_BODY,
    LOOK_BODY,
    NUMBERED_BODY,
    OF_CHANGES,
    Draft,
    Held,
    Look,
    Numbered,
)
from service.store.templates import TemplateKey
from service.types import Email, Json, Message

SCOPE = "templates:write"
_PEOPLE = "plans:read"
_BODY_LIMIT = 64 * 1024
Number = Annotated[int, Path(ge=0, le=MOST)]
_ONE = "/v1/templates/{protocol}/{step}/{medium}/{locale}"
_OF_HOLDS: dict[int | str, Json] = {
    201: {"description": "It is held from now on; 200: it was.", "model": shapes.HeldBody}
}
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Unconditional(AftercareError):
    status = 428


def templates_router(book: TemplateBook, keys: Keys) -> APIRouter:
    router = v1_router(tags=["Templates"], route_class=repeatable(keys, SCOPE))
    _reading(router, book, keys)
    _looking_back(router, book, keys)
    _writing(router, book, keys)
    _putting_in_force(router, book, keys)
    _holding(router, book, keys)
    return router


def _reading(router: APIRouter, book: TemplateBook, keys: Keys) -> None:
    @router.get("/v1/templates", summary="List messages", response_model=shapes.TemplateList)
    async def list_(request: Request, protocol: str = "") -> Response:
        clinic = (await keys.caller(request, SCOPE)).clinic
        standings, holds = await book.all(clinic, protocol), await book.holds(clinic)
        return _json(200, {"templates": [_standing(one) for one in standings], "holds": [_hold(row) for row in holds]})

    @router.get(_ONE, summary="One message in one language", response_model=shapes.TemplateBody)
    async def one(request: Request, protocol: str, step: str, medium: str, locale: str) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        sheet = await book.open(caller.clinic, key)
        return _json(200, _sheet(sheet), etag=sheet.standing.newest)


def _looking_back(router: APIRouter, book: TemplateBook, keys: Keys) -> None:
    @router.get(_ONE + "/versions/{number}", summary="One version with its source", response_model=shapes.VersionBody)
    async def version(request: Request, protocol: str, step: str, medium: str, locale: str, number: Number) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        return _json(200, _version(await book.version(caller.clinic, key, number)))

    @router.get(_ONE + "/diff", summary="What changed between two versions; 0 is the shipped words",
                response_model=shapes.DiffBody)  # fmt: skip
    async def diff(
        request: Request,
        protocol: str,
        step: str,
        medium: str,
        locale: str,
        new: Annotated[int, Query(alias="to", ge=0, le=MOST)],
        old: Annotated[int, Query(alias="from", ge=0, le=MOST)] = 0,
    ) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        return _json(200, {"from": old, "to": new, "diff": await book.diff(caller.clinic, key, old, new)})

    @router.get(
        _ONE + "/recipients", summary="Who was sent a version, the latest first", response_model=shapes.RecipientPage
    )
    async def recipients(
        request: Request,
        protocol: str,
        step: str,
        medium: str,
        locale: str,
        version: str,
        before: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
    ) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        rows = await book.recipients(caller.clinic, key, version, before=before, limit=limit)
        following = str(rows[-1].id) if len(rows) == limit else None
        lines = [_recipient(row, named=_PEOPLE in caller.scopes) for row in rows]
        return _json(200, {"recipients": lines, "before": following})


def _writing(router: APIRouter, book: TemplateBook, keys: Keys) -> None:
    turns = Turns()  # words are tried on every sample client, which takes a while

    @router.put(_ONE, summary="Save a draft", status_code=201, response_model=shapes.SavedBody, responses=OF_CHANGES,
                openapi_extra=DRAFT_BODY)  # fmt: skip
    async def save(request: Request, protocol: str, step: str, medium: str, locale: str) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        draft = await body_as(Draft, request, _BODY_LIMIT)
        change = draft.change(caller, _based_on(request))
        try:
            async with turns.turn(caller.clinic):
                number, checked = await book.save(caller.clinic, key, draft.source, change, draft.accept)
        except Stale as stale:
            return _newer(stale)
        return _json(201, {"number": number, **_checked(checked, draft.accept)}, etag=number)

    @router.post(
        _ONE + "/preview",
        summary="See a message as sample clients would",
        response_model=shapes.ShownList,
        openapi_extra=LOOK_BODY,
    )
    async def preview(request: Request, protocol: str, step: str, medium: str, locale: str) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        look = await body_as(Look, request, _BODY_LIMIT)
        async with turns.turn(caller.clinic):
            shown = await book.preview(caller.clinic, key, look.number, look.source)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(preview_page(where_of(key), shown), headers=_PAGE_HEADERS)
        return _json(200, {"previews": [_shown(one) for one in shown]})


def _putting_in_force(router: APIRouter, book: TemplateBook, keys: Keys) -> None:
    @router.post(
        _ONE + "/publish",
        summary="Send a version from now on",
        response_model=shapes.PublishedBody,
        responses=OF_CHANGES,
        openapi_extra=NUMBERED_BODY,
    )
    async def publish(request: Request, protocol: str, step: str, medium: str, locale: str) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        return await _put_in_force(request, book.publish, caller, key)

    @router.post(
        _ONE + "/restore",
        summary="Send an earlier version again",
        response_model=shapes.PublishedBody,
        responses=OF_CHANGES,
        openapi_extra=NUMBERED_BODY,
    )
    async def restore(request: Request, protocol: str, step: str, medium: str, locale: str) -> Response:
        caller, key = await keys.caller(request, SCOPE), book.key(protocol, step, medium, locale)
        return await _put_in_force(request, book.restore, caller, key)


def _holding(router: APIRouter, book: TemplateBook, keys: Keys) -> None:
    @router.put("/v1/templates/{protocol}/{step}/hold", summary="Stop sending a message", openapi_extra=HELD_BODY,
                response_model=shapes.HeldBody, responses=_OF_HOLDS)  # fmt: skip
    async def hold(request: Request, protocol: str, step: str) -> Response:
        caller = await keys.caller(request, SCOPE)
        held = await body_as(Held, request, _BODY_LIMIT)
        what = {"protocol": protocol, "step": step, "medium": held.medium, "locale": held.locale}
        new = await book.hold(caller.clinic, what, held.change(caller))
        return _json(201 if new else 200, what)

    @router.delete("/v1/templates/{protocol}/{step}/hold", summary="Let a held message go on", status_code=204)
    async def release(request: Request, protocol: str, step: str, medium: str = "", locale: str = "") -> Response:
        caller = await keys.caller(request, SCOPE)
        what = {"protocol": protocol, "step": step, "medium": medium, "locale": locale}
        await book.release(caller.clinic, what, f"key:{caller.key}")
        return Response(status_code=204)


async def _put_in_force(request: Request, act: Any, caller: Caller, key: TemplateKey) -> Response:
    chosen = await body_as(Numbered, request, _BODY_LIMIT)
    try:
        published = await act(caller.clinic, key, chosen.number, chosen.change(caller, _based_on(request)))
    except Stale as stale:
        return _newer(stale)
    body = {"number": published.number, "touches": published.touches, "at": published.at}
    return _json(200, body, etag=published.number)


_LONGEST_NUMBER = 9


def _based_on(request: Request) -> int:
    """The version that the caller knows as the newest. `If-None-Match: *` says that there is none yet."""
    if request.headers.get("if-none-match", "").strip() == "*":
        return 0
    number = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        sentence = 'send the ETag that you have as If-Match: "3", or If-None-Match: * for the first version'
        raise Unconditional(Problem("no-if-match", "If-Match", sentence))
    return int(number)


def _newer(stale: Stale) -> Response:
    """412 with what the caller does not know yet."""
    body = problem_json(stale.status, stale.problems) | {"newer": _version(stale.newer)}
    headers = {"ETag": f'"{stale.newer.number}"'}
    return Response(orjson.dumps(body), stale.status, media_type=MEDIA_TYPE, headers=headers)


def _json(status: int, body: Json, *, etag: int | None = None) -> Response:
    headers = {} if etag is None else {"ETag": f'"{etag}"'}
    return Response(orjson.dumps(body), status, media_type="application/json", headers=headers)


def _standing(one: Standing) -> Json:
    return {
        **one.key._asdict(),
        "purpose": one.purpose,
        "origin": one.origin,
        "number": one.number,
        "newest": one.newest,
        "held": one.held,
        "draft": one.draft,
    }


def _sheet(sheet: Sheet) -> Json:
    draft = sheet.draft
    return {
        **_standing(sheet.standing),
        "source": sheet.source,
        "version": sheet.version,
        "draft": _version(draft) if draft else None,
        **_checked(sheet.checked, draft.accepted if draft else ()),
        "touches": sheet.touches,
        "history": [_version(row) for row in sheet.history],
    }


def _checked(checked: Checked, accepted: Any) -> Json:
    waiting = checked.open_warnings(accepted)
    return {
        "problems": [_problem(one) for one in checked.problems],
        "warnings": [{**_problem(one), "accepted": one not in waiting} for one in checked.warnings],
        "plain": checked.plain or None,
    }


def _version(row: Any) -> Json:
    names = ("number", "kind", "based_on", "version", "accepted", "author", "note", "created_at", "source")
    return {name: found for name in names if (found := getattr(row, name, None)) is not None}


def _shown(shown: Shown) -> Json:
    return {
        "sample": shown.sample,
        "locale": shown.locale,
        "origin": shown.origin,
        "problems": [_problem(one) for one in shown.problems],
        **(_message(shown.message) if shown.message else {}),
    }


def _message(message: Message) -> Mapping[str, Any]:
    if isinstance(message, Email):
        return {"email": {name: getattr(message, name) for name in ("subject", "preheader", "text", "html")}}
    return {"sms": {"text": message.text, "segments": message.segments, "encoding": message.encoding}}


def _recipient(row: Any, *, named: bool) -> Json:
    """`named`: who it was is for keys that may read plans; one for words is told how many, when, and how it went."""
    who = {"client": row.client, "treatment": row.treatment} if named else {}
    return {"attempt": str(row.id), "reminder": str(row.reminder), **who, "state": row.state, "at": row.created_at}


def _hold(row: Any) -> Json:
    names = ("protocol", "step", "medium", "locale", "author", "note", "held_at")
    return {name: getattr(row, name) for name in names}


def _problem(problem: Problem) -> Json:
    return {"code": problem.code, "where": problem.where, "message": problem.message}
