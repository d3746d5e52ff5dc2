"""/v1/clients, /v1/replies, /v1/receipts, /v1/refusals: lists, a page at a time, each narrowed down by what it says."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from service.desk import attempt_json, utc
from service.http.auth import Caller, Keys
from service.http.listing_shapes import ClientPage, ReceiptPage, RefusalPage, ReplyPage
from service.http.manners import Instant, allowed, bad_cursor, v1_router
from service.replies.reading import ReplyKind
from service.store.listings import WantedReceipts, WantedReplies, clients_page, receipts_page, replies_page
from service.store.refusals import KEPT_FOR, refusals_page
from service.store.session import Database
from service.types import Json, Medium

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(description="`next` of the page before.")]
Since = Annotated[Instant | None, Query(description="From this instant on.")]
Reported = Literal["accepted", "sent", "delivered", "undelivered", "failed", "unknown"]


def listings_router(database: Database, keys: Keys) -> APIRouter:
    router = v1_router()
    reader = allowed(keys, "plans:read")
    _clients(router, database, reader)
    _replies(router, database, reader)
    _receipts(router, database, reader)
    _refusals(router, database, reader)
    return router


def _clients(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/clients", summary="List clients", tags=["Clients"], response_model=ClientPage)
    async def list_clients(
        caller: Annotated[Caller, reader],
        no_visit_since: Annotated[
            Instant | None, Query(description="Only those of whom no visit that ended since then is known.")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Any:
        """In order of their references."""
        async with database.read() as connection:
            rows = await clients_page(
                connection, caller.clinic, no_visit_since=no_visit_since, after=cursor, limit=limit + 1
            )
        return {
            "clients": [row._mapping for row in rows[:limit]],  # noqa: SLF001 - SQLAlchemy's documented accessor
            "next": rows[limit - 1].ref if len(rows) > limit else None,
        }


def _replies(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/replies", summary="List what clients wrote", tags=["Replies"], response_model=ReplyPage)
    async def list_replies(
        caller: Annotated[Caller, reader],
        client: str | None = None,
        kind: ReplyKind | None = None,
        since: Since = None,
        until: Annotated[Instant | None, Query(description="Not at this instant any more.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Any:
        """The latest first."""
        wanted = WantedReplies(client, kind.value if kind else None, since, until)
        async with database.read() as connection:
            rows = await replies_page(connection, caller.clinic, wanted, id_of(cursor), limit + 1)
        return {"replies": [_reply_json(row) for row in rows[:limit]], "next": _next_id(rows, limit)}


def _receipts(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/receipts", summary="List what providers reported", tags=["Reminders"], response_model=ReceiptPage)
    async def list_receipts(
        caller: Annotated[Caller, reader],
        state: Reported | None = None,
        medium: Medium | None = None,
        since: Annotated[Instant | None, Query(description="Reported from this instant on.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Any:
        """Sends with their provider's latest word, the latest sent first."""
        wanted = WantedReceipts(state, medium.value if medium else None, since)
        async with database.read() as connection:
            rows = await receipts_page(connection, caller.clinic, wanted, id_of(cursor), limit + 1)
        return {"receipts": [_receipt_json(row) for row in rows[:limit]], "next": _next_id(rows, limit)}


def _refusals(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/refusals", summary="List events that were refused", tags=["Events"], response_model=RefusalPage)
    async def list_refusals(caller: Annotated[Caller, reader], limit: Limit = 50, cursor: Cursor = None) -> Any:
        """Those of the last 30 days that were not taken since under their `source` and `id`, the latest first; the same
        event refused again for the same reasons is one."""
        after = refusal_mark(cursor) if cursor else None
        async with database.read() as connection:
            since = await database.now(connection) - KEPT_FOR
            rows = await refusals_page(connection, caller.clinic, since=since, after=after, limit=limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return {
            "refusals": [row._mapping for row in rows[:limit]],  # noqa: SLF001 - SQLAlchemy's documented accessor
            "next": f"{utc(last.last_at)},{last.digest}" if last else None,
        }


def refusal_mark(cursor: str) -> tuple[datetime, str]:
    """The place that a cursor names, as time and digest. Raises BadInput (`bad-cursor`)."""
    moment, _, digest = cursor.partition(",")
    if not _DIGEST.fullmatch(digest):
        raise bad_cursor()
    try:
        at = datetime.fromisoformat(moment)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC), digest
    except (ValueError, OverflowError):
        raise bad_cursor() from None


_DIGEST = re.compile("[0-9a-f]{64}")


def id_of(cursor: str | None) -> UUID | None:
    try:
        return UUID(hex=cursor) if cursor else None
    except ValueError:
        raise bad_cursor() from None


def _next_id(rows: Any, limit: int) -> str | None:
    return str(rows[limit - 1].id) if len(rows) > limit else None


def _reply_json(row: Any) -> Json:
    names = ("id", "sender", "address", "text", "media", "kind", "client", "reminder", "received_at")
    return {name: getattr(row, name) for name in names} | {"for_staff": row.more}


def _receipt_json(row: Any) -> Json:
    names = ("treatment", "client", "step", "occurrence", "reminder")
    return attempt_json(row) | {name: getattr(row, name) for name in names}
