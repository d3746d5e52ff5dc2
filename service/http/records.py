"""/v1/treatments, /v1/clients and /v1/clinic/senders: what is known, to be read."""

from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query

from service.acts.acts import Who
from service.audit import Deed, note
from service.desk import reason_json, reminder_json, utc
from service.errors import BadInput, Problem
from service.http.auth import Caller, Keys
from service.http.manners import allowed, no_such, problem, v1_router
from service.http.shapes import ClientBody, SendersBody, TreatmentPage, TreatmentWhole
from service.store import desk as queries
from service.store.reminders import reminders_of
from service.store.senders import full_until
from service.store.session import Database
from service.types import Json

Limit = Annotated[int, Query(ge=1, le=200)]


def records_router(database: Database, keys: Keys) -> APIRouter:
    router = v1_router()
    reader = allowed(keys, "plans:read")
    _treatments(router, database, reader)
    _one_treatment(router, database, reader)
    _one_client(router, database, reader)
    _senders(router, database, reader)
    return router


def _treatments(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/treatments", summary="List treatments", tags=["Treatments"], response_model=TreatmentPage)
    async def list_treatments(
        caller: Annotated[Caller, reader],
        client: str | None = None,
        state: Literal["planned", "unmapped"] = "planned",
        limit: Limit = 50,
        cursor: str | None = None,
    ) -> Any:
        """The latest ended first."""
        async with database.read() as connection:
            if cursor and await queries.treatment_row(connection, caller.clinic, cursor) is None:
                raise BadInput(Problem("bad-cursor", "cursor", "take `next` of the page before"))
            rows = await queries.treatments_page(
                connection,
                caller.clinic,
                planned=state == "planned",
                client=client,
                after=cursor or None,
                limit=limit + 1,
            )
        shown = rows[:limit]
        return {
            "treatments": [_treatment_json(row) for row in shown],
            "next": shown[-1].id if len(rows) > limit else None,
        }


def _one_treatment(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/treatments/{id:path}", summary="One treatment, with its plan", tags=["Treatments"],
                response_model=TreatmentWhole,
                responses={404: problem("This clinic has no such treatment (`unknown-treatment`).")})  # fmt: skip
    async def get_treatment(id: str, caller: Annotated[Caller, reader]) -> Any:  # noqa: A002
        async with database.write() as connection:
            row = await queries.treatment_row(connection, caller.clinic, id)
            if row is None:
                raise no_such("treatment")
            who, now = Who("key", caller.key), await database.now(connection)
            await note(connection, caller.clinic, who, Deed.TREATMENT_READ, now, about=id, client=row.client)
            plan = await reminders_of(connection, [(caller.clinic, id)])
            reports = await queries.reports_of(connection, caller.clinic, id)
        return {
            **_treatment_json(row),
            "plan": [reminder_json(line) for line in plan],
            "events": [report._asdict() for report in reports],
        }


def _one_client(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/clients/{ref:path}", summary="One client", tags=["Clients"], response_model=ClientBody,
                responses={404: problem("This clinic has no such client (`unknown-client`).")})  # fmt: skip
    async def get_client(ref: str, caller: Annotated[Caller, reader]) -> Any:
        async with database.write() as connection:
            row = await queries.client_row(connection, caller.clinic, ref)
            if row is None:
                raise no_such("client")
            who, now = Who("key", caller.key), await database.now(connection)
            await note(connection, caller.clinic, who, Deed.CLIENT_READ, now, client=ref)
            consents = await queries.consents_of_client(connection, caller.clinic, ref)
            recipients = await queries.recipients_of_client(connection, row)
        return _client_json(row, consents, recipients)


def _senders(router: APIRouter, database: Database, reader: Any) -> None:
    @router.get("/v1/clinic/senders", summary="The clinic's senders", tags=["Clinic"], response_model=SendersBody)
    async def list_senders(caller: Annotated[Caller, reader]) -> Any:
        async with database.read() as connection:
            now = await database.now(connection)
            senders = await queries.senders_of(connection, caller.clinic)
            paused_at = await connection.scalar(
                sa.select(queries.CLINIC.c.paused_at).where(queries.CLINIC.c.id == caller.clinic)
            )
        return {
            "clinic": caller.clinic,
            "clinic_paused_at": paused_at,
            "senders": [_sender_json(row, now) for row in senders],
        }


def _treatment_json(row: Any) -> Json:
    names = ("id", "client", "course", "protocol", "kind", "session", "of", "area", "location", "provider", "version",
             "state")  # fmt: skip
    return {**{name: getattr(row, name) for name in names}, "ended_at": utc(row.ended_at)}


def _client_json(row: Any, consents: Any, recipients: dict[str, Any]) -> Json:
    plain = {name: getattr(row, name) for name in ("ref", "first_name", "time_zone", "locale", "as_of")}
    said = [{name: getattr(one, name) for name in ("purpose", "medium", "granted", "source", "at")} for one in consents]
    return {
        **plain,
        "sms": _address_json(row, "phone", "sms", recipients),
        "email": _address_json(row, "email", "email", recipients),
        "consents": said,
    }


def _address_json(row: Any, column: str, medium: str, recipients: dict[str, Any]) -> Json:
    known = recipients.get(medium)
    return {
        "address": getattr(row, column),
        "given": getattr(row, f"{column}_given"),
        "problem": getattr(row, f"{column}_problem"),
        "stopped_at": getattr(row, f"{medium}_stopped_at"),
        "suppressed_at": known.suppressed_at if known else None,
        "unusable_at": known.unusable_at if known else None,
    }


def _sender_json(row: Any, now: datetime) -> Json:
    paused = {"since": row.paused_at, "reason": reason_json(row.paused_reason)} if row.paused_at else None
    plain = {
        name: getattr(row, name) for name in ("id", "medium", "address", "name", "rate", "daily_cap", "next_due_at")
    }
    return {**plain, "paused": paused, "full_until": full_until(row, now)}
