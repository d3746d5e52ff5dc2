"""/v1/protocols: which care protocols a clinic has confirmed; until then their messages stay in the outbox."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from service.acts.acts import Who
from service.authoring.reviews import confirm, reviews, unconfirmed
from service.content import LOCALES, Content
from service.http.auth import Keys
from service.http.manners import Body, body_as, body_of, problem, v1_router
from service.http.word_shapes import ProtocolBody, ProtocolList
from service.store.session import Database
from service.types import Json

READ, WRITE = "templates:write", "operator"
"""Confirming lets a protocol out to clients: a key for words alone does not."""


class Review(Body):
    """Who has read the words: a clinician, and somebody who reads the language as their own."""

    clinician: str = Field(max_length=80)
    reader: str = Field(max_length=80)


_REVIEW = body_of(Review, read={"clinician": "Dr Lee", "reader": "Grace"})


def protocols_router(database: Database, content: Content, keys: Keys) -> APIRouter:
    router = v1_router(tags=["Protocols"])
    unknown: dict[int | str, Json] = {404: problem("There is no such protocol (`unknown-template`).")}

    @router.get("/v1/protocols", summary="List protocols, and what a clinic has confirmed",
                response_model=ProtocolList)  # fmt: skip
    async def list_protocols(request: Request) -> Json:
        clinic = (await keys.caller(request, READ)).clinic
        return {"protocols": _protocols(content, await reviews(database, clinic))}

    @router.put("/v1/protocols/{protocol}/reviews/{locale}", summary="Confirm a protocol in a language",
                response_model=ProtocolBody, openapi_extra=_REVIEW, responses=unknown)  # fmt: skip
    async def put_review(request: Request, protocol: str, locale: str) -> Json:
        """Its messages in this language go out to clients from now on."""
        caller = await keys.caller(request, WRITE)
        given = await body_as(Review, request)
        who = {"clinician": given.clinician, "reader": given.reader, "doer": str(Who("key", caller.key))}
        await confirm(database, content, caller.clinic, [protocol], locale, **who)
        rows = await reviews(database, caller.clinic)
        return next(one for one in _protocols(content, rows) if one["protocol"] == protocol)

    return router


def _protocols(content: Content, rows: Any) -> list[Json]:
    waiting = unconfirmed(content, rows, LOCALES)
    return [
        {
            "protocol": code,
            "title": protocol.title,
            "reviewed": protocol.reviewed,
            "waiting": waiting.get(code, []),
            "confirmed": [
                {name: getattr(row, name) for name in ("locale", "clinician", "reader", "confirmed_at")}
                for row in rows
                if row.protocol == code
            ],
        }
        for code, protocol in content.protocols.items()
    ]
