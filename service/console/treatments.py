"""Treatments, and each one's plan as a line in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.console import line
from service.console.desk import Desk, Visit, not_found
from service.console.messages import Sheet, sheet_of_reminder
from service.store import views, visits

PAGE = 30
UNMAPPED = 20
_LABELLED_GAP = 0.08
_BARE_GAP = 0.06


@dataclass(frozen=True, slots=True)
class Mark:
    """A reminder on the line. `place` runs from 0 to 1, `room` from 0 to 4 (how far from the mark before it)."""

    row: Any
    place: float
    room: int
    past: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A treatment's line. `today` is where now stands on it."""

    treatment: Any
    marks: Sequence[Mark]
    today: float

    @property
    def next(self) -> Any | None:
        """The first reminder that still waits."""
        return next((mark.row for mark in self.marks if mark.row.reminder_state in views.COMING), None)


def treatment_routes(router: APIRouter, desk: Desk) -> None:
    @router.get("/console/treatments")
    async def treatments(request: Request, before: str | None = None) -> Response:
        async with desk.visit(request) as visit:
            rows = await visits.treatments(visit.connection, visit.clinic, before=before, limit=PAGE + 1)
            plans = await views.plans(visit.connection, visit.clinic, [row.id for row in rows[:PAGE]])
            return desk.page(
                "treatments.html",
                visit=visit,
                plans=[plan_of(row, plans[row.id], visit.now, _BARE_GAP) for row in rows[:PAGE]],
                more=len(rows) > PAGE,
                unmapped=await visits.unmapped(visit.connection, visit.clinic, limit=UNMAPPED),
            )

    @router.get("/console/treatments/{treatment:path}")
    async def treatment(request: Request, treatment: str, reminder: UUID | None = None) -> Response:
        async with desk.visit(request) as visit:
            row = await visits.treatment(visit.connection, visit.clinic, treatment)
            if row is None:
                raise not_found()
            rows = (await views.plans(visit.connection, visit.clinic, [row.id]))[row.id]
            plan = plan_of(row, rows, visit.now, _LABELLED_GAP)
            sheet = await _sheet(desk, visit, plan, reminder)
            return desk.page("treatment.html", visit=visit, plan=plan, sheet=sheet, chosen=reminder is not None)


def plan_of(treatment: Any, reminders: Sequence[Any], now: datetime, gap: float) -> Plan:
    """The line of a treatment; `reminders` are in order of time."""
    start, times = treatment.ended_at, [row.due_at for row in reminders]
    at = line.places(start, times, gap)
    rooms = line.steps(start, times)
    marks = [Mark(row, place, room, row.due_at <= now) for row, place, room in zip(reminders, at, rooms, strict=True)]
    return Plan(treatment, marks, line.place_between(start, times, at, now))


async def _sheet(desk: Desk, visit: Visit, plan: Plan, reminder: UUID | None) -> Sheet | None:
    """The chosen reminder, which must be this treatment's; by default the last one whose time has come."""
    rows = {mark.row.reminder: mark for mark in plan.marks}
    if reminder is not None:
        if reminder not in rows:
            raise not_found()
        return await sheet_of_reminder(desk, visit, reminder)
    past = [mark.row.reminder for mark in plan.marks if mark.past]
    first = past[-1] if past else next(iter(rows), None)
    return await sheet_of_reminder(desk, visit, first) if first else None
