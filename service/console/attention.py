"""What needs someone: reminders that wait for a person or reached nobody, senders that send nothing now, codes that
have no meaning yet, events that were refused; and what a person does about any of them."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from service.acts.acts import Act, Cancel, Move, Resolve, Retry, SendNow, Verdict, Who
from service.console import reported
from service.console.desk import HEADERS, Desk, Visit, not_found
from service.console.forms import read_form
from service.console.messages import sheet_of_reminder, unsent
from service.console.session import is_from_our_pages
from service.errors import AftercareError, BadInput, NotFound
from service.intake.mapping import map_code
from service.store import views
from service.store.senders import held_senders
from service.store.treatments import unmapped_codes
from service.timing import time_written

PAGE = 40
_READS_ONLY, _OWNS = "viewer", "owner"


def attention_routes(router: APIRouter, desk: Desk) -> None:
    @router.get("/console/attention")
    async def attention(
        request: Request,
        reminder: UUID | None = None,
        before: UUID | None = None,
        planned: int | None = None,
        soon: int = 0,
    ) -> Response:
        async with desk.visit(request) as visit:
            return await _page(desk, visit, reminder, before=before, planned=planned, soon=soon)

    _meaning(router, desk)

    @router.get("/console/reminders/{reminder}/{act}")
    async def after_a_refusal(request: Request, reminder: UUID, act: str) -> Response:
        """Where a refused form has left the browser: it is loaded again, and followed, like the page it came from."""
        async with desk.visit(request) as visit:
            return await _page(desk, visit, reminder)

    @router.post("/console/reminders/{reminder}/{act}")
    async def perform(request: Request, reminder: UUID, act: str) -> Response:
        """Do it and go back to the page; where it may not be done, say why on it."""
        if not is_from_our_pages(request):
            return desk.problem(403)
        form = await read_form(request)
        async with desk.visit(request) as visit:
            who = visit.who
        if who.role == _READS_ONLY:
            return desk.problem(403)
        try:
            version = form.get("version") or None
            await desk.acts.perform(who.clinic, reminder, _act(act, form), Who("staff", who.staff), version=version)
        except NotFound:
            raise
        except AftercareError as error:
            async with desk.visit(request) as visit:
                return await _page(desk, visit, reminder, refused=error)
        return RedirectResponse(f"/console/attention?reminder={reminder}#sheet", 303, headers=HEADERS)


def _meaning(router: APIRouter, desk: Desk) -> None:
    """Saying what a clinic's own code of a service means, which is for owners."""

    @router.post("/console/codes")
    async def mean(request: Request) -> Response:
        if not is_from_our_pages(request):
            return desk.problem(403)
        form = await read_form(request)
        async with desk.visit(request) as visit:
            who = visit.who
        code, protocol = form.get("code", ""), form.get("protocol", "")
        if who.role != _OWNS:
            return desk.problem(403)
        protocols, doer = desk.parts.authors.content.protocols, Who("staff", who.staff)
        try:
            async with desk.parts.database.read() as connection:
                if code not in await unmapped_codes(connection, who.clinic):
                    raise not_found()
            mapped = await map_code(desk.parts.database, protocols, who.clinic, code, protocol, doer)
        except BadInput as error:
            async with desk.visit(request) as visit:
                return await _page(desk, visit, None, refused=error)
        told = f"planned={mapped.treatments}&soon={mapped.soon}"
        return RedirectResponse(f"/console/attention?{told}", 303, headers=HEADERS)

    @router.get("/console/codes")
    async def after_a_refusal(request: Request) -> Response:
        async with desk.visit(request) as visit:
            return await _page(desk, visit, None)


def _act(name: str, form: dict[str, str]) -> Act:
    """The act that a form asks for. Raises BadInput, NotFound."""
    match name:
        case "cancel":
            return Cancel()
        case "send-now":
            return SendNow()
        case "retry":
            return Retry()
        case "move":
            return Move(time_written(form.get("to", ""), "to"))
        case "resolve" if form.get("as") in set(Verdict):
            return Resolve(Verdict(form["as"]))
        case _:
            raise not_found()


async def _page(
    desk: Desk,
    visit: Visit,
    reminder: UUID | None,
    *,
    before: UUID | None = None,
    planned: int | None = None,
    soon: int = 0,
    refused: AftercareError | None = None,
) -> Response:
    """What was reported in vain above; then the list at the left, the chosen reminder (or the first) at the right."""
    rows = await views.attention(visit.connection, visit.clinic, before=before, limit=PAGE + 1)
    chosen = reminder or (rows[0].reminder if rows else None)
    return desk.page(
        "attention.html",
        visit=visit,
        status=refused.status if refused else 200,
        items=[unsent(row) for row in rows[:PAGE]],
        more=len(rows) > PAGE,
        older=before is not None,
        sheet=await sheet_of_reminder(desk, visit, chosen) if chosen else None,
        chosen=reminder is not None,
        refused=refused.problems[0].message if refused else "",
        planned=planned,
        soon=soon,
        held=await held_senders(visit.connection, visit.clinic, visit.now),
        unmapped=await reported.unmapped(desk, visit),
        refusals=await reported.refused(visit),
        shown=reported.SHOWN,
        protocols=desk.parts.authors.content.protocols,
    )
